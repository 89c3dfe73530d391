//! `secondlook`: serve · predict · bundles · openapi · healthcheck.

use std::process::ExitCode;

fn main() -> ExitCode {
    secondlook::cli::run()
}
