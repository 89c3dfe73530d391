//! Two recipes on the same cells: differences of figures, paired by cell and averaged over seeds.

use std::collections::BTreeMap;

use super::{
    answers::{AnsweredPart, CalibratedAnswers},
    tables::{TextTable, signed_estimate},
};
use crate::{TrainingError, error::ensure, parallel, study::Study};
use bundle::Method;
use evaluation::{
    Predictions, Scored,
    bootstrap::{BootstrapPlan, Estimate, Groups, percentile_intervals},
    calibration_error::calibration_error,
    classification::ConfusionMatrix,
    proper_scores::negative_log_likelihood,
    ranking::auroc,
};
use uncertainty::{Summary, summarise};

/// What is compared, in the order of [`figures`].
const FIGURES: [&str; 6] = [
    "normal vs abnormal: AUROC",
    "all classes: accuracy",
    "all classes: balanced accuracy",
    "all classes: calibration error (ECE, 15 bins)",
    "all classes: negative log-likelihood (nats)",
    "all classes: AUROC of misprediction (by predictive entropy)",
];

/// One cell: its class, whether that is abnormal, and its image.
struct PairedCell {
    label: usize,
    is_abnormal: bool,
    image: String,
}

/// The answers that two recipes give to the cells of one seed's folds.
pub(crate) struct PairedSeed {
    cells: Vec<PairedCell>,
    /// By each method: of the recipe, and of the one that it is compared with.
    answers: BTreeMap<Method, [Vec<Summary>; 2]>,
}

impl PairedSeed {
    /// Pairs the answers cell by cell.
    ///
    /// # Errors
    /// [`TrainingError::Impossible`] when the recipes did not answer the same cells.
    pub(crate) fn of(
        study: &Study,
        recipe: &AnsweredPart,
        other: &AnsweredPart,
    ) -> Result<Self, TrainingError> {
        ensure!(
            recipe.rows == other.rows,
            "the two recipes did not answer the same cells"
        );
        let flags = study.grouping.abnormal_flags();
        let labels = study.labels(&recipe.rows);
        let cells = labels.into_iter().zip(study.images(&recipe.rows));
        let cells = cells.map(|(label, image)| PairedCell {
            label,
            is_abnormal: flags.get(label).copied().unwrap_or(true),
            image: image.to_owned(),
        });
        let summaries = |of: &CalibratedAnswers| -> Vec<Summary> {
            let samples = of.samples.iter();
            samples
                .map(|of| summarise(of).with_abnormal(&flags))
                .collect()
        };
        let mut answers = BTreeMap::new();
        for (method, own) in &recipe.methods {
            if let Some(other) = other.methods.get(method) {
                answers.insert(*method, [summaries(own), summaries(other)]);
            }
        }
        Ok(Self {
            cells: cells.collect(),
            answers,
        })
    }
}

/// The differences, recipe minus the other one, a column per method: each figure is taken over the
/// cells of one seed, and averaged over the seeds. Intervals are percentiles of 1,000 draws of
/// images, the same images in every seed.
///
/// # Errors
/// [`TrainingError::Evaluation`] with fewer than two images.
pub(crate) fn paired_table(seeds: &[PairedSeed]) -> Result<TextTable, TrainingError> {
    let methods: Vec<Method> = seeds
        .first()
        .map_or(Vec::new(), |seed| seed.answers.keys().copied().collect());
    let columns = parallel::map(&methods, |method| differences(seeds, *method))?;
    let mut header = vec!["difference".to_owned()];
    header.extend(methods.iter().map(Method::to_string));
    let row = |(place, title): (usize, &&str)| {
        let cells = columns
            .iter()
            .map(|column| signed_estimate(column.get(place)));
        std::iter::once((*title).to_owned()).chain(cells).collect()
    };
    Ok(TextTable {
        header,
        rows: FIGURES.iter().enumerate().map(row).collect(),
    })
}

fn differences(seeds: &[PairedSeed], method: Method) -> Result<Vec<Estimate>, TrainingError> {
    let places = seeds.iter().enumerate();
    let places = places.flat_map(|(seed, of)| (0..of.cells.len()).map(move |cell| (seed, cell)));
    let places: Vec<(usize, usize)> = places.collect();
    let images: Vec<&str> = places
        .iter()
        .map(|(seed, cell)| seeds[*seed].cells[*cell].image.as_str())
        .collect();
    let mean_over_seeds = |items: &[usize]| {
        let mut cells = vec![Vec::new(); seeds.len()];
        for (seed, cell) in items.iter().filter_map(|item| places.get(*item)) {
            cells[*seed].push(*cell);
        }
        let of_seeds = seeds.iter().zip(&cells);
        let of_seeds: Vec<_> = of_seeds
            .map(|(seed, cells)| seed_differences(seed, method, cells))
            .collect();
        let mean = |figure: usize| {
            let values = of_seeds.iter().map(|of| of.get(figure).copied().flatten());
            let values: Option<Vec<f64>> = values.collect();
            values.map(|values| values.iter().sum::<f64>() / seeds.len() as f64)
        };
        (0..FIGURES.len()).map(mean).collect()
    };
    let plan = BootstrapPlan::default();
    Ok(percentile_intervals(
        &Groups::of(&images),
        &plan,
        mean_over_seeds,
    )?)
}

fn seed_differences(seed: &PairedSeed, method: Method, cells: &[usize]) -> Vec<Option<f64>> {
    let Some([own, other]) = seed.answers.get(&method) else {
        return Vec::new();
    };
    let pairs = figures(seed, own, cells)
        .into_iter()
        .zip(figures(seed, other, cells));
    pairs.map(|(own, other)| Some(own? - other?)).collect()
}

/// [`FIGURES`] of some cells.
fn figures(seed: &PairedSeed, answers: &[Summary], items: &[usize]) -> Vec<Option<f64>> {
    let (mut rows, mut labels, mut abnormal, mut wrong) = (vec![], vec![], vec![], vec![]);
    let (mut p_abnormal, mut entropies, mut confidences) = (vec![], vec![], vec![]);
    for item in items {
        let (cell, answer) = (&seed.cells[*item], &answers[*item]);
        rows.push(answer.mean.clone());
        labels.push(cell.label);
        abnormal.push(cell.is_abnormal);
        wrong.push(answer.predicted != cell.label);
        p_abnormal.extend(answer.abnormal.as_ref().map(|of| of.probability));
        entropies.push(answer.predictive_entropy);
        confidences.push(answer.confidence);
    }
    let right: Vec<bool> = wrong.iter().map(|wrong| !wrong).collect();
    let scored = |scores: &[f64], events: &[bool]| Scored::new(scores, events).ok();
    let predictions = Predictions::from_rows(&rows, labels).ok();
    let confusion = predictions.as_ref().map(ConfusionMatrix::of);
    vec![
        scored(&p_abnormal, &abnormal).and_then(|of| auroc(&of)),
        confusion.as_ref().map(ConfusionMatrix::accuracy),
        confusion.as_ref().map(ConfusionMatrix::balanced_accuracy),
        scored(&confidences, &right).map(|of| calibration_error(&of)),
        predictions.as_ref().map(negative_log_likelihood),
        scored(&entropies, &wrong).and_then(|of| auroc(&of)),
    ]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use uncertainty::Samples;

    use super::*;

    /// Six cells of three images; the answers put this much on the right one of two classes.
    fn seed(own: f64, other: f64) -> PairedSeed {
        let labels = [0, 1, 0, 1, 0, 1];
        let cells = labels.into_iter().zip(["a", "a", "b", "b", "c", "c"]);
        let answers = [own, other].map(|right| {
            let answer = |label: usize| {
                let row = [[right, 1.0 - right], [1.0 - right, right]][label];
                let samples = Samples::from_rows(&[row.to_vec()]).unwrap();
                summarise(&samples).with_abnormal(&[false, true])
            };
            labels.map(answer).to_vec()
        });
        PairedSeed {
            cells: cells
                .map(|(label, image)| PairedCell {
                    label,
                    is_abnormal: label == 1,
                    image: image.to_owned(),
                })
                .collect(),
            answers: BTreeMap::from([(Method::Baseline, answers)]),
        }
    }

    #[test]
    fn differences_are_means_over_seeds() {
        let seeds = [seed(0.9, 0.2), seed(0.8, 0.8)];
        let differences = differences(&seeds, Method::Baseline).unwrap();
        let values: Vec<f64> = differences.iter().filter_map(|of| of.value).collect();
        assert_eq!(
            values[..3],
            [0.5, 0.5, 0.5],
            "1 in one seed, 0 in the other"
        );
        let likelihood = 0.5 * ((0.2f64).ln() - (0.9f64).ln());
        assert!((values[4] - likelihood).abs() < 1e-12);
    }

    #[test]
    fn equal_answers_differ_by_nothing() {
        let differences = differences(&[seed(0.7, 0.7)], Method::Baseline).unwrap();
        for of in differences.iter().filter(|of| of.value.is_some()) {
            let interval = of.interval.unwrap();
            assert_eq!(
                (of.value, interval.low, interval.high),
                (Some(0.0), 0.0, 0.0)
            );
        }
    }
}
