//! The command line: `serve`, `predict`, `bundles`, `doctor`, `keys`, `config`, `openapi`, `healthcheck`.
//!
//! Answers go to standard output, everything else to standard error; an error is one line. Exit codes: 0; 1 when some of
//! the inputs failed; 2 when nothing could be started.

mod bundles;
mod config;
mod doctor;
mod files;
mod healthcheck;
mod keys;
mod openapi;
mod options;
mod output;
mod predict;
mod progress;
mod quantise;
mod say;
mod serve;
mod start;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::options::ServeOptions;

/// Which cells need a second look? Classifies cervical-cell images and says how far each answer can be trusted.
#[derive(Debug, Parser)]
#[command(name = "secondlook", version)]
struct Arguments {
    #[command(subcommand)]
    command: ServerCommand,
}

#[derive(Debug, Subcommand)]
enum ServerCommand {
    /// Serve the HTTP interface
    Serve(ServeOptions),
    /// Classify image files, or folders of them
    Predict(predict::PredictOptions),
    /// Work with model directories
    #[command(subcommand)]
    Bundles(bundles::BundlesCommand),
    /// Say what is found and what is missing, before a start
    Doctor(doctor::DoctorOptions),
    /// Make API keys
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Print every key of the configuration with its default
    Config,
    /// Print the OpenAPI document as YAML
    Openapi,
    /// Ask the configured address whether it is ready
    Healthcheck(ServeOptions),
}

/// Something could not be started; one line for people.
type StartFailure = Box<dyn std::error::Error + Send + Sync>;

/// Reads the process' arguments and does what they say.
pub fn run() -> ExitCode {
    let outcome = match Arguments::parse().command {
        ServerCommand::Serve(options) => serve::run(&options),
        ServerCommand::Predict(options) => predict::run(options),
        ServerCommand::Bundles(command) => bundles::run(&command),
        ServerCommand::Doctor(options) => doctor::run(&options),
        ServerCommand::Keys(command) => keys::run(&command),
        ServerCommand::Config => config::run(),
        ServerCommand::Openapi => openapi::run(),
        ServerCommand::Healthcheck(options) => healthcheck::run(&options),
    };
    outcome.unwrap_or_else(|failure| {
        say::complain(failure);
        ExitCode::from(2)
    })
}
