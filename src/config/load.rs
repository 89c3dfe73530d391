//! The layers of the configuration, put on top of each other.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format, Toml},
};

use super::{Config, explain, listen};
use engine::installed::places;

/// The file that is read when none is named, at the first of [`places`] that has it.
const DEFAULT_FILE: &str = "config/secondlook.toml";
/// The configuration file of an installed system package.
const SYSTEM_FILE: &str = "/etc/secondlook/secondlook.toml";
/// The environment variable that names the file. It is not a key of the file itself.
const FILE_VARIABLE: &str = "SECONDLOOK_CONFIG";
pub(super) const PREFIX: &str = "SECONDLOOK_";

/// Options of the command line. They override the file and the environment.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Overrides {
    /// Configuration file [default: config/secondlook.toml, else
    /// /etc/secondlook/secondlook.toml]
    #[arg(long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Address and port to listen on, such as 127.0.0.1:8080; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen::parse)]
    pub listen: Option<SocketAddr>,
    /// Directory with one bundle per sub-directory [default: `models.directory` of the
    /// configuration, else models, else /usr/share/secondlook/models]
    #[arg(long, value_name = "DIRECTORY")]
    pub models: Option<PathBuf>,
}

impl Overrides {
    /// Replaces the keys that the command line sets.
    pub fn put_over(&self, config: &mut Config) {
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(models) = &self.models {
            config.models.directory.clone_from(models);
        }
    }
}

/// The configuration cannot be used. One line that says where and why.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {0}")]
pub struct ConfigError(pub(super) String);

impl Config {
    /// Reads every layer.
    ///
    /// # Errors
    /// [`ConfigError`] for a file that is named and missing, an unknown key or an impossible value.
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        let file = overrides
            .file
            .clone()
            .or_else(|| env::var_os(FILE_VARIABLE).map(PathBuf::from));
        let figment = file_layer(file.as_deref())?.merge(environment_layer());
        let mut config: Self = figment
            .extract()
            .map_err(|error| ConfigError(explain::one_line(error)))?;
        overrides.put_over(&mut config);
        config.check()?;
        Ok(config)
    }

    /// The checks that the types do not make.
    fn check(&self) -> Result<(), ConfigError> {
        let positive = [
            ("limits.max_image_bytes", self.limits.max_image_bytes > 0),
            ("limits.max_pixels", self.limits.max_pixels > 0),
            ("limits.max_cells", self.limits.max_cells > 0),
            ("limits.max_batch_bytes", self.limits.max_batch_bytes > 0),
            ("limits.max_answer_bytes", self.limits.max_answer_bytes > 0),
            ("limits.batches_at_once", self.limits.batches_at_once > 0),
            ("engine.queue_capacity", self.engine.queue_capacity > 0),
            ("engine.max_passes", self.engine.max_passes > 0),
            (
                "server.request_timeout_seconds",
                !self.server.request_timeout_seconds.duration().is_zero(),
            ),
            (
                "server.header_read_timeout_seconds",
                !self.server.header_read_timeout_seconds.duration().is_zero(),
            ),
        ];
        if let Some((key, _)) = positive.iter().find(|(_, is_positive)| !is_positive) {
            return Err(ConfigError(format!(
                "`{key}`: expected a number above 0, found 0"
            )));
        }
        if self.limits.max_waiting_bytes < self.limits.max_image_bytes {
            return Err(ConfigError(
                "`limits.max_waiting_bytes` is less than `limits.max_image_bytes`: raise it, or the largest images are always refused"
                    .to_owned(),
            ));
        }
        if self.engine.execution_providers.is_empty() {
            return Err(ConfigError(
                "`engine.execution_providers`: expected at least one, such as [\"cpu\"], found an empty list".to_owned(),
            ));
        }
        self.access.check()
    }
}

/// A file that is named must exist. The default file may be absent.
fn file_layer(named: Option<&Path>) -> Result<Figment, ConfigError> {
    if let Some(path) = named
        && !path.is_file()
    {
        return Err(ConfigError(format!(
            "the file `{}` does not exist: check --config and {FILE_VARIABLE}",
            path.display()
        )));
    }
    let mut defaults = places(DEFAULT_FILE, SYSTEM_FILE).into_iter();
    let file = named
        .map(Path::to_owned)
        .or_else(|| defaults.find(|path| path.is_file()));
    Ok(file.map_or_else(Figment::new, |path| Figment::from(Toml::file_exact(path))))
}

/// Every `SECONDLOOK_` variable must be a key, so that a misspelt one is noticed. The exceptions
/// are the variable that names the file, the one that clients read their API key from, and those
/// that Kubernetes sets beside a service called `secondlook`.
fn environment_layer() -> Env {
    Env::prefixed(PREFIX)
        .filter(|name| is_key(&name.as_str().to_ascii_uppercase()))
        .split("__")
}

fn is_key(name: &str) -> bool {
    !matches!(name, "CONFIG" | "API_KEY" | "PORT")
        && !name.starts_with("PORT_")
        && !name.starts_with("SERVICE_")
}
