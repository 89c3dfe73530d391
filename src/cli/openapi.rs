//! `secondlook openapi`.

use std::process::ExitCode;

use super::StartFailure;
use crate::api::openapi;

pub(super) fn run() -> Result<ExitCode, StartFailure> {
    print!("{}", openapi::yaml()?);
    Ok(ExitCode::SUCCESS)
}
