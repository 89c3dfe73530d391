//! Answers for people.

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};

use crate::api::answer::{Comparison, PredictionAnswer};

/// A row per file and method.
pub(super) struct AnswerTable(Table);

impl AnswerTable {
    pub(super) fn new() -> Self {
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

    pub(super) fn push(&mut self, file: &str, answer: &PredictionAnswer) {
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

    pub(super) fn into_text(self) -> String {
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

/// The word that JSON has for it.
fn word(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}
