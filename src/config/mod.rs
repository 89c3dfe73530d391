//! What the operator chooses: one small struct per concern, every key documented, unknown keys refused.
//!
//! Each layer overrides the one before it: the defaults in this room; the TOML file (`--config`, else
//! `SECONDLOOK_CONFIG`, else `config/secondlook.toml` at the first of `engine::installed::places` that has it); the environment; the flags. The environment
//! variable of a key is `SECONDLOOK_` and its path in capitals with `__` between section and key: `SECONDLOOK_LISTEN`,
//! `SECONDLOOK_LIMITS__MAX_PIXELS`, `SECONDLOOK_ENGINE__EXECUTION_PROVIDERS='["cuda:0", "cpu"]'`.
//!
//! What may enter: plain values and their checks. What may not: anything that acts on them.

mod access;
mod document;
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

/// Everything that can be configured, in the layout of `config/secondlook.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on; port 0 lets the system choose and the ready line tells which.
    pub listen: SocketAddr,
    /// Section `[access]`.
    pub access: AccessConfig,
    /// Section `[server]`.
    pub server: ServerConfig,
    /// Section `[limits]`.
    pub limits: LimitsConfig,
    /// Section `[idempotency]` of older files: it has no meaning any more, whatever it holds.
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
