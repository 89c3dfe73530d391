//! The configuration: one small struct per section, every key documented, unknown keys refused.
//!
//! Each layer overrides the one before it:
//!
//! 1. the defaults in this module;
//! 2. the TOML file: `--config`, else `SECONDLOOK_CONFIG`, else `config/secondlook.toml` at the
//!    first of `engine::installed::places` that has it;
//! 3. the environment: `SECONDLOOK_` and the path of the key in capitals, with `__` between section
//!    and key, such as `SECONDLOOK_LIMITS__MAX_PIXELS` or
//!    `SECONDLOOK_ENGINE__EXECUTION_PROVIDERS='["cuda:0", "cpu"]'`;
//! 4. the flags.
//!
//! This module holds plain values and their checks, and nothing that acts on them.

mod access;
mod document;
mod explain;
mod listen;
mod load;
mod sections;

use std::net::SocketAddr;

use documented::DocumentedFields;
use serde::{Deserialize, Serialize, de::IgnoredAny};

pub use access::{AccessConfig, KeyConfig, Scope};
pub use document::document;
pub use engine::{
    EngineConfig, ExecutionProvider, InvalidSeconds, Seconds, TrunkPrecision,
    UnknownExecutionProvider,
};
pub use load::{ConfigError, Overrides};
pub use sections::{LimitsConfig, LogConfig, LogFormat, ModelsConfig, RuntimeConfig, ServerConfig};

/// All keys, in the layout of `config/secondlook.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on, such as `127.0.0.1:8080` or `localhost:8080`. With port 0 the
    /// system chooses one, and the line that reports readiness names it.
    #[serde(deserialize_with = "listen::deserialize")]
    pub listen: SocketAddr,
    /// Section `[access]`.
    pub access: AccessConfig,
    /// Section `[server]`.
    pub server: ServerConfig,
    /// Section `[limits]`.
    pub limits: LimitsConfig,
    /// Section `[idempotency]` of older files. It is accepted and ignored.
    #[serde(skip_serializing)]
    pub idempotency: Option<IgnoredAny>,
    /// Section `[models]`.
    pub models: ModelsConfig,
    /// Section `[engine]`.
    pub engine: EngineConfig,
    /// Section `[runtime]`.
    pub runtime: RuntimeConfig,
    /// Section `[log]`.
    pub log: LogConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            access: AccessConfig::default(),
            server: ServerConfig::default(),
            limits: LimitsConfig::default(),
            idempotency: None,
            models: ModelsConfig::default(),
            engine: EngineConfig::default(),
            runtime: RuntimeConfig::default(),
            log: LogConfig::default(),
        }
    }
}

#[cfg(test)]
mod tests;
