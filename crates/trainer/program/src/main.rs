//! `secondlook-train`: from a folder of fields to a bundle that the server can load.

use std::process::ExitCode;

use clap::Parser;
use trainer::{Cli, run};

/// Goes into every bundle that this program writes.
const REVISION: &str = env!("SECONDLOOK_REVISION");

fn main() -> ExitCode {
    match run(&Cli::parse().command, REVISION) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("secondlook-train: {error}");
            ExitCode::from(2)
        }
    }
}
