//! `secondlook`: serve, predict, bundles, doctor, keys, config, openapi, healthcheck, completions.

use std::process::ExitCode;

fn main() -> ExitCode {
    secondlook::cli::run()
}
