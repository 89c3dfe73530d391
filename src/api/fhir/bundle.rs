//! The observations of many cells.

use std::collections::BTreeMap;

use super::{
    codes,
    components::ObservedCell,
    observation::{add_worklist_place, name, observation},
    resources::{BundleEntry, BundleResource, EntryResource, Issue, OperationOutcome},
};
use crate::api::{answer::CellOutcome, problem::ProblemBody};
use bundle::Label;
use engine::{CellFinding, overview};

/// One entry for each cell, in their order: its observation, or the reason why it has none.
/// `findings` are those of the answered cells; cells on the worklist get their place on it.
pub(in crate::api) fn bundle<'request>(
    cells: impl Iterator<Item = (ObservedCell<'request>, CellOutcome)>,
    labels: &[Label],
    findings: &[CellFinding],
) -> BundleResource {
    let worklist = overview(labels, findings).worklist.into_iter();
    let places = worklist
        .zip(1..)
        .map(|(finding, place)| (finding.index, place));
    let places: BTreeMap<usize, usize> = places.collect();
    let mut copies = BTreeMap::new();
    let entry: Vec<BundleEntry> = cells
        .enumerate()
        .map(|(index, (cell, outcome))| {
            let (id, resource) = match outcome {
                CellOutcome::Answered(answer) => {
                    let mut observation = observation(&answer, labels, cell);
                    // The same nucleus may be sent twice, but two entries may not have the same
                    // address.
                    let copy: &mut usize = copies.entry(observation.id.clone()).or_default();
                    if *copy > 0 {
                        name(&mut observation, *copy);
                    }
                    *copy += 1;
                    if let Some(place) = places.get(&index) {
                        add_worklist_place(&mut observation, *place);
                    }
                    let id = observation.id.clone();
                    (id, EntryResource::Observation(Box::new(observation)))
                }
                CellOutcome::Refused(problem) => {
                    let outcome = operation_outcome(&problem, index, cell);
                    let id = outcome.id.clone();
                    (id, EntryResource::OperationOutcome(outcome))
                }
            };
            BundleEntry {
                full_url: codes::urn(&id),
                resource,
            }
        })
        .collect();
    let addresses: Vec<&str> = entry.iter().map(|entry| entry.full_url.as_str()).collect();
    BundleResource {
        id: codes::uuid_of(&addresses, 0),
        kind: "collection",
        entry,
    }
}

/// The reason why the cell at `index` has no observation.
fn operation_outcome(problem: &ProblemBody, index: usize, cell: ObservedCell) -> OperationOutcome {
    let called = cell.name.and_then(codes::string);
    let called = called.map(|name| format!(" ({name})")).unwrap_or_default();
    let hint = problem.hint.as_deref().map(|hint| format!("; {hint}"));
    let diagnostics = format!(
        "cell {index}{called}: {}{}",
        problem.detail,
        hint.unwrap_or_default()
    );
    let kind = problem.kind.rsplit(':').next().unwrap_or_default();
    let mut outcome = OperationOutcome {
        id: String::new(),
        issue: [Issue {
            severity: "error",
            code: issue_type(problem.status),
            details: codes::problem(kind, &problem.title),
            diagnostics,
        }],
    };
    // The index is part of the text, so that the texts of two cells differ.
    outcome.id = codes::uuid_of(&outcome, 0);
    outcome
}

/// A status as FHIR's type of issue.
fn issue_type(status: u16) -> &'static str {
    match status {
        404 => "not-found",
        413 => "too-long",
        415 => "not-supported",
        500 => "exception",
        503 => "transient",
        504 => "timeout",
        _ => "invalid",
    }
}
