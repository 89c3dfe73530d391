//! `secondlook openapi`.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use super::StartFailure;
use crate::api::openapi;

pub(super) fn run() -> Result<ExitCode, StartFailure> {
    io::stdout().write_all(openapi::yaml()?.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
