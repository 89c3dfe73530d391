//! `secondlook config`.

use std::process::ExitCode;

use super::{StartFailure, say::tell};
use crate::config;

pub(super) fn run() -> Result<ExitCode, StartFailure> {
    tell(config::document()?)?;
    Ok(ExitCode::SUCCESS)
}
