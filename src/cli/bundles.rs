//! `secondlook bundles`: `check` and `quantise`.

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
    /// Verify bundles: files, digests, graphs, and a trial run of every method
    Check {
        /// Directories that contain a bundle.toml
        #[arg(required = true, value_name = "DIR")]
        directories: Vec<PathBuf>,
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Write a copy of a bundle with a trunk in 8-bit integers or 16-bit floats, and compare the
    /// answers
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
            Ok(bundle) => tell(summary(&bundle) + "\n")?,
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

fn summary(bundle: &Bundle) -> String {
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
