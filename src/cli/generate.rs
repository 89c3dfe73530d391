//! `secondlook completions` and `secondlook man`: files for shells and for `man`, made from the
//! command line's own definition.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::{Args, Command, ValueEnum};
use clap_complete::{
    generate,
    shells::{Bash, Fish, Zsh},
};

use super::{StartFailure, say::tell};

#[derive(Debug, Args)]
pub(super) struct CompletionsOptions {
    /// The shell that completes
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

#[derive(Debug, Args)]
pub(super) struct ManOptions {
    /// Directory for the pages; it is made where it is missing
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

/// Prints the script for a shell.
pub(super) fn completions(
    mut command: Command,
    options: &CompletionsOptions,
) -> Result<ExitCode, StartFailure> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    match options.shell {
        Shell::Bash => generate(Bash, &mut command, name, &mut script),
        Shell::Zsh => generate(Zsh, &mut command, name, &mut script),
        Shell::Fish => generate(Fish, &mut command, name, &mut script),
    }
    tell(String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a page for the program and one for each of its commands.
pub(super) fn man(command: Command, options: &ManOptions) -> Result<ExitCode, StartFailure> {
    let directory = &options.directory;
    fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(command, directory))
        .map_err(|error| {
            format!(
                "man pages cannot be written to {}: {error}",
                directory.display()
            )
        })?;
    Ok(ExitCode::SUCCESS)
}
