//! `secondlook config`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use super::StartFailure;
use crate::config;

pub(super) fn run() -> Result<ExitCode, StartFailure> {
    io::stdout().write_all(config::document()?.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
