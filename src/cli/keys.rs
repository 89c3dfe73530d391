//! `secondlook keys new`.

use std::process::ExitCode;

use clap::Subcommand;

use super::{StartFailure, options::whole_number, say::tell};
use crate::config::{AccessConfig, KeyConfig, Scope};
use bundle::{hex, sha256_hex};

/// The start of every key, by which scanners for secrets recognise one.
const PREFIX: &str = "secondlook_";
/// Enough randomness that the stored digest needs neither salt nor stretching.
const RANDOM_BYTES: usize = 32;

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make an API key: print the key for the client, and its entry for `access.keys`
    New {
        /// Name of the client, for the log: ASCII letters, digits, `-`, `_` and `.`
        name: String,
        /// What the key allows; repeat the option for several scopes
        #[arg(long = "scope", value_enum, default_values_t = [Scope::Predict, Scope::Read])]
        scopes: Vec<Scope>,
        /// Largest number of requests per minute; 0 for no limit
        #[arg(long, default_value_t = 0, value_name = "NUMBER", value_parser = whole_number::<u32>)]
        requests_per_minute: u32,
        /// Requests that may come at once before the rate applies; 0 for as many as in one minute
        #[arg(long, default_value_t = 0, value_name = "NUMBER", value_parser = whole_number::<u32>)]
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
        .map_err(|error| format!("cannot get random bytes from the system: {error}"))?;
    Ok(format!("{PREFIX}{}", hex(&random)))
}

/// The entry on one line, as the file and `SECONDLOOK_ACCESS__KEYS='[…]'` take it. Names have no
/// characters that need escaping.
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
