//! The layers of the configuration, put on top of each other.

use std::{
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    error::{Kind, OneOf},
    providers::{Env, Format, Toml},
};

use super::Config;
use engine::installed::places;

/// The file that is read when none is named, at the first of [`places`] that has it.
const DEFAULT_FILE: &str = "config/secondlook.toml";
/// Where a package of the system installs it.
const SYSTEM_FILE: &str = "/etc/secondlook/secondlook.toml";
/// The variable that names the file; it is no key of the file itself.
const FILE_VARIABLE: &str = "SECONDLOOK_CONFIG";
const PREFIX: &str = "SECONDLOOK_";
/// Where the path of an entry for an API key begins.
const KEYS: [&str; 2] = ["access", "keys"];

/// What the command line says, which wins over everything else.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Overrides {
    /// Configuration file [default: config/secondlook.toml, or /etc/secondlook/secondlook.toml]
    #[arg(long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Address and port to listen on; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Directory with one bundle per sub-directory [default: models, or
    /// /usr/share/secondlook/models]
    #[arg(long, value_name = "DIRECTORY")]
    pub models: Option<PathBuf>,
}

impl Overrides {
    /// Replaces the keys that the command line names.
    pub fn put_over(&self, config: &mut Config) {
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(models) = &self.models {
            config.models.directory.clone_from(models);
        }
    }
}

/// The configuration cannot be used; one line that says where and why.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {0}")]
pub struct ConfigError(pub(super) String);

impl Config {
    /// Reads every layer.
    ///
    /// # Errors
    /// [`ConfigError`] for a file that is named and missing, a key that is unknown, a value that is impossible.
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        let file = overrides
            .file
            .clone()
            .or_else(|| env::var_os(FILE_VARIABLE).map(PathBuf::from));
        let figment = file_layer(file.as_deref())?.merge(environment_layer());
        let mut config: Self = figment
            .extract()
            .map_err(|error| ConfigError(one_line(error)))?;
        overrides.put_over(&mut config);
        config.check()?;
        Ok(config)
    }

    /// What the types cannot say.
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
            return Err(ConfigError(format!("`{key}` must be more than 0")));
        }
        if self.limits.max_waiting_bytes < self.limits.max_image_bytes {
            return Err(ConfigError(
                "`limits.max_waiting_bytes` is less than `limits.max_image_bytes`: raise it, or no such image could be read"
                    .to_owned(),
            ));
        }
        if self.engine.execution_providers.is_empty() {
            return Err(ConfigError(
                "`engine.execution_providers` is empty: write [\"cpu\"]".to_owned(),
            ));
        }
        self.access.check()
    }
}

/// A file that was named must exist; the default one may be absent.
fn file_layer(named: Option<&Path>) -> Result<Figment, ConfigError> {
    if let Some(path) = named
        && !path.is_file()
    {
        return Err(ConfigError(format!(
            "there is no file `{}`",
            path.display()
        )));
    }
    let mut defaults = places(DEFAULT_FILE, SYSTEM_FILE).into_iter();
    let file = named
        .map(Path::to_owned)
        .or_else(|| defaults.find(|path| path.is_file()));
    Ok(file.map_or_else(Figment::new, |path| Figment::from(Toml::file_exact(path))))
}

/// Every `SECONDLOOK_` variable must be a key, so that a misspelt one is noticed, except the one that names the file, the one
/// that clients take their API key from, and those that Kubernetes sets in every container beside a service called
/// `secondlook`.
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

/// The first of figment's complaints on one line. A TOML error draws a picture of the line that is wrong, which may hold an
/// API key.
fn one_line(error: figment::Error) -> String {
    let first = error.into_iter().next();
    let text = first.map(|first| in_words(&first)).unwrap_or_default();
    let lines = text.lines().map(str::trim).filter(|line| !is_drawn(line));
    lines.collect::<Vec<_>>().join(": ")
}

/// Such as `3 | keys = …`.
fn is_drawn(line: &str) -> bool {
    let rest = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    rest.trim_start().starts_with('|')
}

/// What stands in `access.keys` by mistake may be an API key itself, which belongs in no log.
fn in_words(error: &figment::Error) -> String {
    if !error.path.starts_with(&KEYS.map(str::to_owned)) {
        return error.to_string();
    }
    let expected = match &error.kind {
        Kind::InvalidType(_, expected)
        | Kind::InvalidValue(_, expected)
        | Kind::InvalidLength(_, expected) => expected.clone(),
        Kind::UnknownVariant(_, known) | Kind::UnknownField(_, known) => OneOf(known).to_string(),
        Kind::MissingField(name) => format!("a field `{name}`"),
        _ => "something else".to_owned(),
    };
    format!(
        "in `{}`, {expected} was expected: write entries as `secondlook keys new NAME` prints them, in brackets",
        KEYS.join(".")
    )
}
