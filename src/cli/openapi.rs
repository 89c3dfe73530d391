//! `secondlook openapi`.

use std::process::ExitCode;

use super::{StartFailure, say::tell};
use crate::api::openapi;

pub(super) fn run() -> Result<ExitCode, StartFailure> {
    tell(openapi::yaml()?)?;
    Ok(ExitCode::SUCCESS)
}
