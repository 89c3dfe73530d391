//! Options that several commands share, beside [`Overrides`], and values of options.

use std::{path::PathBuf, str::FromStr};

use clap::Args;

use crate::config::{Config, ConfigError, Overrides};

/// The configuration file, for commands without [`Overrides`].
#[derive(Clone, Debug, Args)]
pub(super) struct ConfigFile {
    /// Configuration file [default: config/secondlook.toml, else
    /// /etc/secondlook/secondlook.toml]
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

/// Reads a whole number from 0 on.
///
/// # Errors
/// What was expected, for clap to print after the option and its value.
pub(super) fn whole_number<Number: FromStr>(text: &str) -> Result<Number, String> {
    text.parse()
        .map_err(|_| "expected a whole number from 0 on, such as 50".to_owned())
}
