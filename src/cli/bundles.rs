//! `secondlook bundles`: `check`, and the way to `quantise`.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;

use super::{
    StartFailure,
    options::ConfigFile,
    quantise::{self, QuantiseOptions},
    say::{complain, tell},
};
use crate::config::Config;
use bundle::Bundle;
use engine::{Runtime, StartError, check_bundle};

#[derive(Debug, Subcommand)]
pub(super) enum BundlesCommand {
    /// Verify model directories in full: files, digests, graphs, and the answers of every method in a trial run
    Check {
        /// Directories with a bundle.toml
        #[arg(required = true, value_name = "DIR")]
        directories: Vec<PathBuf>,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Write a copy of a bundle whose trunk also calculates in 8-bit integers or 16-bit floats, and say what that changes
    Quantise(QuantiseOptions),
}

pub(super) fn run(command: &BundlesCommand) -> Result<ExitCode, StartFailure> {
    match command {
        BundlesCommand::Check { directories, file } => check_all(directories, file),
        BundlesCommand::Quantise(options) => quantise::run(options),
    }
}

fn check_all(directories: &[PathBuf], file: &ConfigFile) -> Result<ExitCode, StartFailure> {
    let config = file.load()?;
    let runtime = Runtime::load(config.runtime.library())?;
    let mut outcome = ExitCode::SUCCESS;
    for directory in directories {
        match check(directory, &config, &runtime) {
            Ok(bundle) => tell(praise(&bundle) + "\n")?,
            Err(error) => {
                complain(error);
                outcome = ExitCode::FAILURE;
            }
        }
    }
    Ok(outcome)
}

fn check(
    directory: &std::path::Path,
    config: &Config,
    runtime: &Runtime,
) -> Result<Bundle, StartError> {
    let bundle = Bundle::open(directory)?;
    check_bundle(&config.engine, runtime, &bundle)?;
    Ok(bundle)
}

fn praise(bundle: &Bundle) -> String {
    let manifest = bundle.manifest();
    let methods: Vec<_> = manifest
        .offered_methods()
        .into_iter()
        .map(|method| method.name())
        .collect();
    format!(
        "{} {} is sound: {} classes, {}, sha256 {}",
        manifest.name,
        manifest.version,
        manifest.labels.len(),
        methods.join(", "),
        bundle.digest(),
    )
}
