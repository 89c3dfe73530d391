//! The command line: `serve`, `predict`, `bundles`, `doctor`, `keys`, `config`, `openapi`, `healthcheck`,
//! `completions`, `man`.
//!
//! Answers go to standard output, everything else to standard error; an error is one line. Exit codes: 0; 1 when some of
//! the inputs failed; 2 when nothing could be started.

mod bundles;
mod doctor;
mod files;
mod generate;
mod healthcheck;
mod keys;
mod options;
mod output;
mod predict;
mod quantise;
mod say;
mod serve;
mod start;

use std::{error::Error, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    api::openapi,
    config::{self, Overrides},
};

/// Where the program looks for its files: `engine::installed::places`.
const FILES: &str = "\
Files, each looked for in the working directory, beside the program, in the folder above the
program, and in the folder of the system's package:

  file                     system's package                 set by
  config/secondlook.toml   /etc/secondlook/secondlook.toml  --config, SECONDLOOK_CONFIG
  runtime/libonnxruntime*  /usr/lib/secondlook/             ORT_DYLIB_PATH, `runtime.library`
  models/NAME/bundle.toml  /usr/share/secondlook/models/    --models, `models.directory`

An option or a variable wins over the configuration, and both win over the search.";

/// Which cells need a second look? Classifies cervical-cell images and says how far each answer can be trusted.
#[derive(Debug, Parser)]
#[command(name = "secondlook", version, after_help = FILES)]
struct Arguments {
    #[command(subcommand)]
    command: ServerCommand,
}

#[derive(Debug, Subcommand)]
enum ServerCommand {
    /// Serve the HTTP interface
    Serve(Overrides),
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
    Healthcheck(Overrides),
    /// Print the completion script for a shell
    Completions(generate::CompletionsOptions),
    /// Write man pages
    #[command(hide = true)]
    Man(generate::ManOptions),
}

/// Something could not be started; one line for people.
type StartFailure = Box<dyn Error + Send + Sync>;

/// Reads the process' arguments and does what they say.
pub fn run() -> ExitCode {
    let outcome = match Arguments::parse().command {
        ServerCommand::Serve(options) => serve::run(&options),
        ServerCommand::Predict(options) => predict::run(options),
        ServerCommand::Bundles(command) => bundles::run(&command),
        ServerCommand::Doctor(options) => doctor::run(&options),
        ServerCommand::Keys(command) => keys::run(&command),
        ServerCommand::Config => print(config::document()),
        ServerCommand::Openapi => print(openapi::yaml()),
        ServerCommand::Healthcheck(options) => healthcheck::run(&options),
        ServerCommand::Completions(options) => {
            generate::completions(Arguments::command(), &options)
        }
        ServerCommand::Man(options) => generate::man(Arguments::command(), &options),
    };
    outcome.unwrap_or_else(|failure| {
        say::complain(failure);
        ExitCode::from(2)
    })
}

fn print<Failure: Error + Send + Sync + 'static>(
    document: Result<String, Failure>,
) -> Result<ExitCode, StartFailure> {
    say::tell(document?)?;
    Ok(ExitCode::SUCCESS)
}
