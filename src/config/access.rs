//! Who may ask.

use std::{collections::BTreeSet, fmt, net::SocketAddr};

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Hexadecimal digits of a SHA-256.
const DIGEST_LENGTH: usize = 64;

/// Section `[access]`: API keys, and the pages that may call the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct AccessConfig {
    /// Without keys anybody who reaches the port may ask; that is refused on other addresses than loopback unless this
    /// says so.
    pub open: bool,
    /// Origins such as `https://lims.example` whose pages may call the server from a browser; `*` for all, empty for none
    /// (no CORS).
    pub allowed_origins: Vec<String>,
    /// The API keys; with one or more, every request has to bring one, but for health, the documents and the page. Entries
    /// are made by `secondlook keys new NAME`: `{ name = "lims", sha256 = "…", scopes = ["predict", "read"],
    /// requests_per_minute = 0, burst = 0 }`.
    pub keys: Vec<KeyConfig>,
}

/// One API key. The key itself is nowhere: only its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an entry with `name` and `sha256`")]
pub struct KeyConfig {
    /// Whose key it is, for the log.
    pub name: String,
    /// SHA-256 of the key: 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// What it opens.
    #[serde(default = "usual_scopes")]
    pub scopes: BTreeSet<Scope>,
    /// Requests per minute that it may make; 0 for any number.
    #[serde(default)]
    pub requests_per_minute: u32,
    /// Requests that it may make at once before the rate counts; 0 for as many as in a minute.
    #[serde(default)]
    pub burst: u32,
}

/// What a key opens.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Sending images: everything under `/v1` and `/v2` that is not read only.
    Predict,
    /// Looking: which models are loaded, and what they offer and promise.
    Read,
    /// The figures for Prometheus.
    Metrics,
}

/// What a key opens when its entry does not say.
fn usual_scopes() -> BTreeSet<Scope> {
    BTreeSet::from([Scope::Predict, Scope::Read])
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Predict => "predict",
            Self::Read => "read",
            Self::Metrics => "metrics",
        })
    }
}

impl AccessConfig {
    /// Refuses an address that other machines reach while anybody may ask, unless `open` says that this is meant.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to do.
    pub fn check_exposure(&self, listen: SocketAddr) -> Result<(), ConfigError> {
        if self.open || !self.keys.is_empty() || listen.ip().is_loopback() {
            return Ok(());
        }
        Err(ConfigError(format!(
            "other machines can reach {listen} and `access.keys` is empty: make a key with `secondlook keys new NAME`, or set `access.open` to true"
        )))
    }

    /// What the types cannot say.
    ///
    /// # Errors
    /// The first entry that is wrong, in one line.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.open && !self.keys.is_empty() {
            return Err(ConfigError(
                "`access.open` is true although there are `access.keys`: remove one of them"
                    .to_owned(),
            ));
        }
        self.check_keys()?;
        let has_several = self.allowed_origins.len() > 1;
        let is_wrong = |origin: &&String| !is_origin(origin) || (has_several && *origin == "*");
        match self.allowed_origins.iter().find(is_wrong) {
            Some(origin) => Err(ConfigError(format!(
                "`access.allowed_origins` has `{origin}`: write scheme and host as in https://lims.example, or only \"*\""
            ))),
            None => Ok(()),
        }
    }

    fn check_keys(&self) -> Result<(), ConfigError> {
        let (mut names, mut digests) = (BTreeSet::new(), BTreeSet::new());
        for key in &self.keys {
            let name = &key.name;
            let wrong = |what: &str| Err(ConfigError(format!("the API key `{name}` {what}")));
            if name.is_empty() || !name.bytes().all(is_plain) {
                return wrong("needs a name of ASCII letters, digits, `-`, `_` and `.`");
            }
            if !is_digest(&key.sha256) {
                return wrong(
                    "has a `sha256` that is not 64 lower-case hexadecimal digits: `secondlook keys new` prints it",
                );
            }
            if key.scopes.is_empty() {
                return wrong("opens nothing: name `scopes`");
            }
            if key.requests_per_minute == 0 && key.burst > 0 {
                return wrong("has a `burst` without `requests_per_minute`");
            }
            if !names.insert(name) || !digests.insert(&key.sha256) {
                return wrong("is there twice");
            }
        }
        Ok(())
    }

    /// Whether pages of every origin may call the server.
    pub fn allows_every_origin(&self) -> bool {
        matches!(self.allowed_origins.as_slice(), [origin] if origin == "*")
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn is_digest(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == DIGEST_LENGTH && text.bytes().all(is_digit)
}

/// As browsers send it: no path, no slash at the end.
fn is_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    text == "*"
        || host.is_some_and(|host| {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b'/' && byte != b'*')
        })
}
