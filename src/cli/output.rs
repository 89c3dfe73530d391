//! Where the answers of `predict` go: JSON lines as they come, or one table at the end.

use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;

use super::{say::tell, table::AnswerTable};
use crate::api::answer::PredictionAnswer;

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// A JSON object per line
    Json,
    /// A table for people
    Table,
}

/// A line of JSON: the file, and what the server would answer.
#[derive(Serialize)]
struct FileLine<'answer> {
    file: &'answer str,
    #[serde(flatten)]
    answer: &'answer PredictionAnswer,
}

pub(super) enum AnswerOutput {
    Json(io::Stdout),
    Table(AnswerTable),
}

impl AnswerOutput {
    pub(super) fn new(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Json => Self::Json(io::stdout()),
            OutputFormat::Table => Self::Table(AnswerTable::new()),
        }
    }

    pub(super) fn write(&mut self, file: &str, answer: &PredictionAnswer) -> io::Result<()> {
        match self {
            Self::Json(output) => {
                let mut line = serde_json::to_vec(&FileLine { file, answer })?;
                line.push(b'\n');
                output.write_all(&line)
            }
            Self::Table(table) => {
                table.push(file, answer);
                Ok(())
            }
        }
    }

    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Json(mut output) => output.flush(),
            Self::Table(table) => tell(table.into_text() + "\n"),
        }
    }
}
