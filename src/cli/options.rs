//! Options that several commands share.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use crate::config::{Config, ConfigError, Overrides};

/// Where the configuration is.
#[derive(Clone, Debug, Args)]
pub(super) struct ConfigFile {
    /// Configuration file [default: config/secondlook.toml, where there is one]
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

impl ConfigFile {
    /// The configuration of a command that has no other options of its kind.
    pub(super) fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&self.overrides())
    }

    fn overrides(&self) -> Overrides {
        Overrides {
            file: self.config.clone(),
            ..Overrides::default()
        }
    }
}

/// What the command line may say about serving.
#[derive(Clone, Debug, Args)]
pub(super) struct ServeOptions {
    #[command(flatten)]
    file: ConfigFile,
    /// Address and port to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Directory with the models
    #[arg(long, value_name = "DIRECTORY")]
    models: Option<PathBuf>,
}

impl ServeOptions {
    pub(super) fn load(&self) -> Result<Config, ConfigError> {
        Config::load(&self.overrides())
    }

    /// What the command line says over the defaults, when there is no configuration to be had.
    pub(super) fn over_defaults(&self) -> Config {
        let mut config = Config::default();
        self.overrides().put_over(&mut config);
        config
    }

    fn overrides(&self) -> Overrides {
        Overrides {
            listen: self.listen,
            models: self.models.clone(),
            ..self.file.overrides()
        }
    }
}
