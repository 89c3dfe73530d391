//! `secondlook keys new`.

use std::process::ExitCode;

use clap::Subcommand;

use super::{StartFailure, say::tell};
use crate::config::{AccessConfig, KeyConfig, Scope};
use bundle::{hex, sha256_hex};

/// What every key begins with, so that scanners for secrets know one when they see it.
const PREFIX: &str = "secondlook_";
/// Too many to guess: so a digest without salt and stretching is enough.
const RANDOM_BYTES: usize = 32;

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make an API key: prints the key, for the client, and the entry of `access.keys`, which holds only its digest
    New {
        /// Whose key it is, for the log
        name: String,
        /// What it opens; repeat it for more
        #[arg(long = "scope", value_enum, default_values_t = [Scope::Predict, Scope::Read])]
        scopes: Vec<Scope>,
        /// Requests per minute that it may make; 0 for any number
        #[arg(long, default_value_t = 0)]
        requests_per_minute: u32,
        /// Requests that it may make at once before the rate counts; 0 for as many as in a minute
        #[arg(long, default_value_t = 0)]
        burst: u32,
    },
}

pub(super) fn run(command: &KeysCommand) -> Result<ExitCode, StartFailure> {
    let KeysCommand::New {
        name,
        scopes,
        requests_per_minute,
        burst,
    } = command;
    let key = new_key()?;
    let entry = KeyConfig {
        name: name.clone(),
        sha256: sha256_hex(key.as_bytes()),
        scopes: scopes.iter().copied().collect(),
        requests_per_minute: *requests_per_minute,
        burst: *burst,
    };
    let access = AccessConfig {
        keys: vec![entry.clone()],
        ..AccessConfig::default()
    };
    access.check()?;
    tell(format!("{key}\n{}\n", inline(&entry)))?;
    Ok(ExitCode::SUCCESS)
}

fn new_key() -> Result<String, StartFailure> {
    let mut random = [0; RANDOM_BYTES];
    getrandom::fill(&mut random)
        .map_err(|error| format!("the system gives no random bytes: {error}"))?;
    Ok(format!("{PREFIX}{}", hex(&random)))
}

/// An entry on one line, which both the file and `SECONDLOOK_ACCESS__KEYS='[…]'` take. A name has no quotes to escape.
fn inline(key: &KeyConfig) -> String {
    let scopes: Vec<_> = key
        .scopes
        .iter()
        .map(|scope| format!("\"{scope}\""))
        .collect();
    format!(
        "{{ name = \"{}\", sha256 = \"{}\", scopes = [{}], requests_per_minute = {}, burst = {} }}",
        key.name,
        key.sha256,
        scopes.join(", "),
        key.requests_per_minute,
        key.burst,
    )
}
