//! Options that several commands share, beside [`Overrides`].

use std::path::PathBuf;

use clap::Args;

use crate::config::{Config, ConfigError, Overrides};

/// Where the configuration is, for commands that have no other options of its kind.
#[derive(Clone, Debug, Args)]
pub(super) struct ConfigFile {
    /// Configuration file [default: config/secondlook.toml, or /etc/secondlook/secondlook.toml]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

impl ConfigFile {
    pub(super) fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&Overrides {
            file: self.config.clone(),
            ..Overrides::default()
        })
    }
}
