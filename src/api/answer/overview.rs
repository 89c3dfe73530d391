//! The JSON of many cells at a glance.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::vocabulary::{ActionName, TriageName};
use bundle::Label;
use engine::{CellFinding, Overview, overview};

/// Many cells at a glance. There is no average over cells: one abnormal cell among a thousand is what counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CellsOverview {
    /// Cells that were sent.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub cells: usize,
    /// Cells with a problem instead of an answer.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub problems: usize,
    /// Answers that were accepted.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub accepted: usize,
    /// Answers that need a second look.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub referred: usize,
    /// The same for every class of the model, in its order.
    pub by_class: Vec<CellsOfClass>,
    /// The most severe class among the accepted cells; null when none was accepted. Severity is that of the model's
    /// labels, or else their order, the abnormal ones after the normal ones.
    #[schema(required)]
    pub most_severe_accepted: Option<String>,
    /// The most severe class among the cells that need a second look; null when none does. It is a normal class where all that
    /// are called abnormal have a normal class as their most probable one.
    #[schema(required)]
    pub most_severe_referred: Option<String>,
    /// The cells that a person has to look at, in the order of `triage`: every cell that is called abnormal, whatever the policy
    /// decided, and every referred one. Within a level the more probably high-grade cell comes first, then the more probably
    /// abnormal one. Where test-time augmentation stopped early, class and
    /// probabilities are those of the views that were taken, and the order may differ from that of all views.
    pub worklist: Vec<CellReference>,
}

/// How many cells of a class were accepted, and how many need a second look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CellsOfClass {
    /// The class.
    pub label: String,
    /// Accepted cells.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub accepted: usize,
    /// Cells that need a second look.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub referred: usize,
}

/// A cell on the worklist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CellReference {
    /// Its place among the cells that were sent, from 0.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub index: usize,
    /// The nucleus' id or the crop's file name; null when it has none.
    #[schema(required)]
    pub id: Option<String>,
    /// Its most probable class.
    pub label: String,
    /// What the policy decided: a cell that is called abnormal is on the list even where a policy accepts it.
    pub action: ActionName,
    /// How soon a person should look.
    pub triage: TriageName,
    /// The mean probability of all abnormal classes together.
    #[schema(minimum = 0, maximum = 1)]
    pub abnormal_probability: f64,
}

impl CellsOverview {
    /// Of all cells that were sent; `id_of` says what a cell is called.
    pub(in crate::api) fn of(
        labels: &[Label],
        cells: usize,
        findings: &[CellFinding],
        id_of: impl Fn(usize) -> Option<String>,
    ) -> Self {
        let Overview {
            by_class,
            most_severe_accepted,
            most_severe_referred,
            worklist,
        } = overview(labels, findings);
        let name = |class: usize| labels.get(class).map(|label| label.name.clone());
        let reference = |finding: &CellFinding| CellReference {
            index: finding.index,
            id: id_of(finding.index),
            label: name(finding.class).unwrap_or_default(),
            action: finding.action.into(),
            triage: finding.triage.into(),
            abnormal_probability: finding.abnormal_probability,
        };
        Self {
            cells,
            problems: cells.saturating_sub(findings.len()),
            accepted: by_class.iter().map(|count| count.accepted).sum(),
            referred: by_class.iter().map(|count| count.referred).sum(),
            by_class: labels
                .iter()
                .zip(by_class)
                .map(|(label, count)| CellsOfClass {
                    label: label.name.clone(),
                    accepted: count.accepted,
                    referred: count.referred,
                })
                .collect(),
            most_severe_accepted: most_severe_accepted.and_then(name),
            most_severe_referred: most_severe_referred.and_then(name),
            worklist: worklist.iter().map(reference).collect(),
        }
    }
}
