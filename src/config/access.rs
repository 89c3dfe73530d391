//! Section `[access]`: API keys and allowed origins.

use std::{collections::BTreeSet, fmt, net::SocketAddr};

use documented::DocumentedFields;
use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Hexadecimal digits of a SHA-256.
const DIGEST_LENGTH: usize = 64;

/// Section `[access]`: API keys, and the web pages that may call the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, DocumentedFields)]
#[serde(default, deny_unknown_fields)]
pub struct AccessConfig {
    /// Set this to true to serve without API keys on an address that other machines can reach.
    /// Without keys and without this, the server starts on loopback addresses only.
    pub open: bool,
    /// Origins whose web pages may call the server from a browser (CORS), such as
    /// `https://lims.example`. `*` allows every origin, an empty list none.
    pub allowed_origins: Vec<String>,
    /// API keys. If there is at least one, every request needs a key, except for health, `/docs`,
    /// `/openapi.json` and the page. `secondlook keys new NAME` prints an entry: `{ name = "lims",
    /// sha256 = "…", scopes = ["predict", "read"], requests_per_minute = 0, burst = 0 }`.
    pub keys: Vec<KeyConfig>,
}

/// One API key. Only the SHA-256 of the key is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an entry with `name` and `sha256`")]
pub struct KeyConfig {
    /// Name of the client, for the log.
    pub name: String,
    /// SHA-256 of the key: 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// What the key allows.
    #[serde(default = "usual_scopes")]
    pub scopes: BTreeSet<Scope>,
    /// Largest number of requests per minute; 0 for no limit.
    #[serde(default)]
    pub requests_per_minute: u32,
    /// Requests that may come at once before the rate applies; 0 for as many as in one minute.
    #[serde(default)]
    pub burst: u32,
}

/// What a key allows.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Sending images: every request under `/v1` and `/v2` that is not read-only.
    Predict,
    /// Reading which models are loaded and what they offer.
    Read,
    /// Reading the metrics for Prometheus.
    Metrics,
}

/// The scopes of an entry that names none.
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
    /// Refuses an address that other machines can reach if there are no keys and `open` is false.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to do.
    pub fn check_exposure(&self, listen: SocketAddr) -> Result<(), ConfigError> {
        if self.open || !self.keys.is_empty() || listen.ip().is_loopback() {
            return Ok(());
        }
        Err(ConfigError(format!(
            "other machines can reach {listen}, but `access.keys` is empty: make a key with `secondlook keys new NAME`, or set `access.open` to true to serve without keys"
        )))
    }

    /// The checks that the types do not make.
    ///
    /// # Errors
    /// The first entry that is wrong, in one line.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.open && !self.keys.is_empty() {
            return Err(ConfigError(
                "`access.open` is true, but `access.keys` has entries: remove one of the two"
                    .to_owned(),
            ));
        }
        self.check_keys()?;
        let has_several = self.allowed_origins.len() > 1;
        let is_wrong = |origin: &&String| !is_origin(origin) || (has_several && *origin == "*");
        match self.allowed_origins.iter().find(is_wrong) {
            Some(origin) => Err(ConfigError(format!(
                "`access.allowed_origins`: expected scheme and host without a path, such as https://lims.example, or \"*\" alone, found `{origin}`"
            ))),
            None => Ok(()),
        }
    }

    fn check_keys(&self) -> Result<(), ConfigError> {
        let (mut names, mut digests) = (BTreeSet::new(), BTreeSet::new());
        for key in &self.keys {
            let name = &key.name;
            let wrong = |what: &str| {
                Err(ConfigError(format!(
                    "`access.keys`: the entry `{name}` {what}"
                )))
            };
            if name.is_empty() || !name.bytes().all(is_plain) {
                return wrong(
                    "needs a name of ASCII letters, digits, `-`, `_` and `.`, such as lims-1",
                );
            }
            if !is_digest(&key.sha256) {
                return wrong(
                    "needs a `sha256` of 64 lower-case hexadecimal digits, as `secondlook keys new` prints it",
                );
            }
            if key.scopes.is_empty() {
                return wrong("has empty `scopes`: name at least one of predict, read and metrics");
            }
            if key.requests_per_minute == 0 && key.burst > 0 {
                return wrong(
                    "has a `burst` but no `requests_per_minute`: set both, or remove `burst`",
                );
            }
            if !names.insert(name) || !digests.insert(&key.sha256) {
                return wrong("is there twice: every name and every `sha256` may appear once");
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

/// As browsers send it: without a path and without a slash at the end.
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
