//! Selects example cells: the most certain, the least certain, and those that are certain and
//! wrong.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{PartInput, ReportError, question::MethodAnswers};
use crate::EvaluationError;

/// Number of cells of each kind.
const SHOWN: usize = 6;

/// Cells chosen by their mean predictive entropy over the methods, one per image for variety.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gallery {
    /// The lowest entropies, ascending.
    pub most_certain: Vec<GalleryCell>,
    /// The highest entropies, descending.
    pub least_certain: Vec<GalleryCell>,
    /// The lowest entropies among the cells that most methods get wrong, ascending.
    pub certain_and_wrong: Vec<GalleryCell>,
}

/// One of the cells.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GalleryCell {
    /// Its row in the part.
    pub row: usize,
    /// Its name.
    pub cell_id: String,
    /// The image that it comes from.
    pub image_id: String,
    /// Its true class.
    pub label: String,
    /// Mean predictive entropy over the methods, nats.
    pub predictive_entropy: f64,
    /// The answer of each method.
    pub answers: Vec<GalleryAnswer>,
}

/// A method's answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GalleryAnswer {
    /// The method.
    pub method: String,
    /// Index of the answer.
    pub predicted: usize,
    /// The answer.
    pub answer: String,
    /// Its probability.
    pub probability: f64,
    /// Whether it is right.
    pub right: bool,
}

/// `answers` are those of each method over all classes; `names` are the classes.
pub(super) fn gallery(
    part: &PartInput,
    answers: &[(&str, &MethodAnswers)],
    names: &[String],
) -> Result<Gallery, ReportError> {
    let mut cells = Vec::new();
    for (row, cell) in part.cells.iter().enumerate() {
        let said = of_cell(row, cell.label, answers, names)?;
        let summaries = answers.iter().filter_map(|(_, of)| of.summaries.get(row));
        let entropies = summaries.map(|summary| summary.predictive_entropy);
        cells.push(GalleryCell {
            row,
            cell_id: cell.cell_id.clone(),
            image_id: cell.image_id.clone(),
            label: names.get(cell.label).cloned().unwrap_or_default(),
            predictive_entropy: entropies.sum::<f64>() / answers.len().max(1) as f64,
            answers: said,
        });
    }
    cells.sort_by(|left, right| left.predictive_entropy.total_cmp(&right.predictive_entropy));
    Ok(Gallery {
        most_certain: one_per_image(cells.iter()),
        least_certain: one_per_image(cells.iter().rev()),
        certain_and_wrong: one_per_image(cells.iter().filter(|cell| cell.is_mostly_wrong())),
    })
}

fn of_cell(
    row: usize,
    label: usize,
    answers: &[(&str, &MethodAnswers)],
    names: &[String],
) -> Result<Vec<GalleryAnswer>, EvaluationError> {
    let answer = |(method, answers): &(&str, &MethodAnswers)| {
        let summary = answers.summaries.get(row).ok_or(EvaluationError::Empty)?;
        Ok(GalleryAnswer {
            method: (*method).to_owned(),
            predicted: summary.predicted,
            answer: names.get(summary.predicted).cloned().unwrap_or_default(),
            probability: summary.confidence,
            right: summary.predicted == label,
        })
    };
    answers.iter().map(answer).collect()
}

fn one_per_image<'a>(cells: impl Iterator<Item = &'a GalleryCell>) -> Vec<GalleryCell> {
    let mut seen = BTreeSet::new();
    let fresh = cells.filter(|cell| seen.insert(cell.image_id.as_str()));
    fresh.take(SHOWN).cloned().collect()
}

impl GalleryCell {
    fn is_mostly_wrong(&self) -> bool {
        let wrong = self.answers.iter().filter(|answer| !answer.right).count();
        2 * wrong > self.answers.len()
    }
}
