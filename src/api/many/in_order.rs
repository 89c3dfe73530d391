//! All answers together, in the order in which the cells came.

use futures_util::StreamExt;

use super::outcome::{Judge, Outcome, finding};
use crate::api::problem::Problem;
use engine::{CellFinding, Engine, PredictRequest};

/// Answers every cell that got as far as a request; the others keep their problems.
pub(in crate::api) async fn answer_in_order(
    engine: &Engine,
    judge: &Judge,
    cells: Vec<Result<PredictRequest, Problem>>,
) -> (Vec<Outcome>, Vec<CellFinding>) {
    let (mut outcomes, mut findings) = (Vec::with_capacity(cells.len()), Vec::new());
    let (mut requests, mut places) = (Vec::new(), Vec::new());
    for (place, cell) in cells.into_iter().enumerate() {
        match cell {
            Ok(request) => {
                requests.push(request);
                places.push(place);
            }
            Err(problem) => outcomes.push((place, judge.refusal(&problem))),
        }
    }
    let mut answers = std::pin::pin!(engine.predict_all(requests));
    while let Some((index, predicted)) = answers.next().await {
        let place = places.get(index).copied().unwrap_or(index);
        findings.extend(finding(place, &predicted));
        outcomes.push((place, judge.outcome(place, predicted)));
    }
    outcomes.sort_by_key(|(place, _)| *place);
    let in_order = outcomes.into_iter().map(|(_, outcome)| outcome);
    (in_order.collect(), findings)
}
