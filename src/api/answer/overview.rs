//! The JSON of the summary of many cells.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::vocabulary::{ActionName, TriageName};
use bundle::Label;
use engine::{CellFinding, Overview, overview};

/// Summary of many cells. It has no average over cells, because one abnormal cell among a thousand
/// matters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CellsOverview {
    /// Number of cells in the request.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub cells: usize,
    /// Number of cells with a problem instead of an answer.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub problems: usize,
    /// Number of accepted cells.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub accepted: usize,
    /// Number of referred cells.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub referred: usize,
    /// Accepted and referred cells for every class of the model, in its order.
    pub by_class: Vec<CellsOfClass>,
    /// The most severe class among the accepted cells; null if none was accepted. Severity is that
    /// of the model's labels. Without it, their order counts, with the abnormal classes after the
    /// normal ones.
    #[schema(required)]
    pub most_severe_accepted: Option<String>,
    /// The most severe class among the referred cells; null if none was referred. It is a normal
    /// class if all cells that are called abnormal have a normal class as their most probable one.
    #[schema(required)]
    pub most_severe_referred: Option<String>,
    /// The cells that a person has to look at, in the order of `triage`: every cell that is called
    /// abnormal, whatever the policy decided, and every referred cell. Within a level, cells with a
    /// higher high-grade probability come first, then those with a higher abnormal probability. If
    /// test-time augmentation stopped early, class and probabilities are those of the views that
    /// ran, and the order may differ from that of all views.
    pub worklist: Vec<CellReference>,
}

/// Number of accepted and referred cells of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CellsOfClass {
    /// The class.
    pub label: String,
    /// Number of accepted cells.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub accepted: usize,
    /// Number of referred cells.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub referred: usize,
}

/// A cell on the worklist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CellReference {
    /// Position among the cells of the request, from 0.
    #[schema(minimum = 0, maximum = 1_000_000, format = Int32)]
    pub index: usize,
    /// The id of the nucleus or the file name of the crop; null if it has none.
    #[schema(required)]
    pub id: Option<String>,
    /// Its most probable class.
    pub label: String,
    /// The decision of the policy. A cell that is called abnormal is on the list even if a policy
    /// accepts it.
    pub action: ActionName,
    /// How soon a person should look at the cell.
    pub triage: TriageName,
    /// The mean probability of all abnormal classes together.
    #[schema(minimum = 0, maximum = 1)]
    pub abnormal_probability: f64,
}

impl CellsOverview {
    /// The summary of all cells of a request; `id_of` returns the name of a cell.
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
