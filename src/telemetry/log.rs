//! The log, on standard error: standard output belongs to the program's answers.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, fmt, util::TryInitError};

use crate::config::{LogConfig, LogFormat};

/// The log cannot be written as configured.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is no list of levels and directives.
    #[error("`log.filter` = `{filter}` cannot be read ({reason}): write a level such as info")]
    Filter {
        /// The filter as configured.
        filter: String,
        /// What the parser says.
        reason: String,
    },
    /// There is a log already.
    #[error("the log was started twice")]
    StartedTwice(#[from] TryInitError),
}

/// Tells whether the log could be written as configured.
///
/// # Errors
/// [`LogError::Filter`]
pub fn check(config: &LogConfig) -> Result<(), LogError> {
    filter(config).map(drop)
}

fn filter(config: &LogConfig) -> Result<EnvFilter, LogError> {
    EnvFilter::try_new(&config.filter).map_err(|error| LogError::Filter {
        filter: config.filter.clone(),
        reason: error.to_string(),
    })
}

/// Starts the log for the whole process.
///
/// # Errors
/// [`LogError`]
pub fn start(config: &LogConfig) -> Result<(), LogError> {
    use tracing_subscriber::util::SubscriberInitExt;

    let log = fmt().with_env_filter(filter(config)?).with_writer(stderr);
    match config.format {
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).finish().try_init()?,
        LogFormat::Json => log
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .finish()
            .try_init()?,
    }
    Ok(())
}
