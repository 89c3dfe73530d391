//! `secondlook`: serve, predict, bundles, doctor, keys, config, openapi, healthcheck.

use std::process::ExitCode;

fn main() -> ExitCode {
    secondlook::cli::run()
}
