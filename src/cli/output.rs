//! Where the answers of `predict` go: JSON lines as they come, or one table at the end.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use serde::Serialize;

use super::say::tell;
use crate::api::{
    answer::{Comparison, PredictionAnswer},
    word,
};

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

/// A row per file and method.
pub(super) struct AnswerTable(Table);

impl AnswerTable {
    fn new() -> Self {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED);
        table.set_header([
            "file",
            "method",
            "label",
            "probability",
            "abnormal",
            "entropy (nats)",
            "decision",
        ]);
        Self(table)
    }

    fn push(&mut self, file: &str, answer: &PredictionAnswer) {
        self.push_row(
            file,
            &Comparison {
                method: answer.method,
                prediction: answer.prediction.clone(),
                probabilities: Vec::new(),
                uncertainty: answer.uncertainty.clone(),
                samples: answer.samples.clone(),
                decision: answer.decision.clone(),
            },
        );
        answer
            .comparisons
            .iter()
            .for_each(|comparison| self.push_row(file, comparison));
    }

    fn push_row(&mut self, file: &str, answer: &Comparison) {
        self.0.add_row([
            file.to_owned(),
            word(&answer.method),
            answer.prediction.label.clone(),
            format!("{:.3}", answer.prediction.probability),
            format!("{:.3}", answer.prediction.abnormal_probability),
            format!("{:.3}", answer.uncertainty.predictive_entropy),
            decision(answer),
        ]);
    }

    fn into_text(self) -> String {
        self.0.to_string()
    }
}

fn decision(answer: &Comparison) -> String {
    let action = match &answer.decision.accepted_as {
        Some(accepted_as) => format!("accept as {}", word(accepted_as)),
        None => word(&answer.decision.action),
    };
    let reasons: Vec<String> = answer.decision.reasons.iter().map(word).collect();
    if reasons.is_empty() {
        action
    } else {
        format!("{action} ({})", reasons.join(", "))
    }
}
