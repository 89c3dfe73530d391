//! `secondlook-train`: trains the models of a bundle from a folder of images.

use std::process::ExitCode;

use clap::Parser;
use trainer::{Cli, run};

/// Written into every bundle that this program makes.
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
