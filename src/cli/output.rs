//! The output of `predict`: JSON lines as they come, or one table at the end.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use serde::Serialize;

use super::say::{tell, unwritten};
use crate::api::{
    MethodName,
    answer::{DecisionAnswer, Predicted, PredictionAnswer, Uncertainty},
    word,
};

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// One JSON object per line
    Json,
    /// One table at the end
    Table,
}

/// A line of JSON: the file and the server's answer for it.
#[derive(Serialize)]
struct FileLine<'answer> {
    file: &'answer str,
    #[serde(flatten)]
    answer: &'answer PredictionAnswer,
}

pub(super) enum AnswerOutput {
    Json(io::Stdout),
    /// One row per file and method.
    Table(Table),
}

impl AnswerOutput {
    pub(super) fn new(format: OutputFormat) -> Self {
        if format == OutputFormat::Json {
            return Self::Json(io::stdout());
        }
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
        Self::Table(table)
    }

    pub(super) fn write(&mut self, file: &str, answer: &PredictionAnswer) -> io::Result<()> {
        let table = match self {
            Self::Json(output) => {
                let mut line = serde_json::to_vec(&FileLine { file, answer })?;
                line.push(b'\n');
                return output.write_all(&line).map_err(unwritten);
            }
            Self::Table(table) => table,
        };
        let mut push = |method: &MethodName, of: (&Predicted, &Uncertainty, &DecisionAnswer)| {
            let (predicted, uncertainty, decided) = of;
            table.add_row([
                file.to_owned(),
                word(method),
                predicted.label.clone(),
                format!("{:.3}", predicted.probability),
                format!("{:.3}", predicted.abnormal_probability),
                format!("{:.3}", uncertainty.predictive_entropy),
                decision(decided),
            ]);
        };
        let main = (&answer.prediction, &answer.uncertainty, &answer.decision);
        push(&answer.method, main);
        for other in &answer.comparisons {
            let further = (&other.prediction, &other.uncertainty, &other.decision);
            push(&other.method, further);
        }
        Ok(())
    }

    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Json(mut output) => output.flush().map_err(unwritten),
            Self::Table(table) => tell(format!("{table}\n")),
        }
    }
}

fn decision(decision: &DecisionAnswer) -> String {
    let action = match &decision.accepted_as {
        Some(accepted_as) => format!("accept as {}", word(accepted_as)),
        None => word(&decision.action),
    };
    let reasons: Vec<String> = decision.reasons.iter().map(word).collect();
    match reasons.is_empty() {
        true => action,
        false => format!("{action} ({})", reasons.join(", ")),
    }
}
