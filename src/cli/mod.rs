//! The command line: `serve`, `predict`, `bundles`, `doctor`, `keys`, `config`, `openapi`,
//! `healthcheck`, `completions`, `man`.
//!
//! Answers go to standard output and everything else to standard error. An error is one line.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | success |
//! | 1 | some of the inputs failed |
//! | 2 | the command could not start: wrong options, configuration, model or runtime |

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

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};

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

/// Classify images of cervical cells and say how far to trust each answer
#[derive(Debug, Parser)]
#[command(name = "secondlook", version, after_help = FILES)]
struct Arguments {
    #[command(subcommand)]
    command: ServerCommand,
}

#[derive(Debug, Subcommand)]
enum ServerCommand {
    /// Serve the HTTP interface and the page
    Serve(Overrides),
    /// Classify image files without a server
    Predict(predict::PredictOptions),
    /// Check and quantise bundles (model directories)
    #[command(subcommand)]
    Bundles(bundles::BundlesCommand),
    /// Check configuration, machine, runtime and bundles before you serve
    Doctor(doctor::DoctorOptions),
    /// Make API keys
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Print every key of the configuration with its default, as TOML
    Config,
    /// Print the OpenAPI document as YAML
    Openapi,
    /// Ask the server at the configured address whether it is ready
    Healthcheck(Overrides),
    /// Print the completion script for a shell
    Completions(generate::CompletionsOptions),
    /// Write man pages
    #[command(hide = true)]
    Man(generate::ManOptions),
}

/// The reason why a command could not start, in one line.
type StartFailure = Box<dyn Error + Send + Sync>;

/// Runs the command that the process' arguments name.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let outcome = match arguments.command {
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

/// Answers options that cannot be used: help as clap formats it, an error on one line.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        error.exit();
    }
    let text = error.render().to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let about = lines.take_while(|line| {
        !line.starts_with("Usage:") && !line.starts_with("For more information")
    });
    let line = about.collect::<Vec<_>>().join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    say::complain(format!("{line}; --help lists the options"));
    ExitCode::from(2)
}
