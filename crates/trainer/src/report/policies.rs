//! Applies a bundle's policies to cells that did not set their thresholds.

use std::collections::BTreeMap;

use super::{OUT_OF_FOLD, TEST, answers::AnsweredPart};
use crate::{
    TrainingError,
    calibrate::{
        policies::{KnownCells, policies},
        summaries, summarised,
        unlike::Unlike,
    },
    score::HeldOut,
    study::Study,
};
use bundle::{Bundle, Method};
use evaluation::report::{CertificateFigures, PolicyCell, PolicyOutcome, ReportPolicy};
use uncertainty::{ClassGroups, Policy, Promise, Summary, risk_control::Outcome};

/// The policies with their thresholds, applied to the test part. `p_values` are those of its cells,
/// if any.
pub(crate) fn on_test_part(
    study: &Study,
    bundle: &Bundle,
    test: &AnsweredPart,
    p_values: &[f64],
) -> Vec<PolicyOutcome> {
    let below = refer_below(bundle);
    let usual = |cell: usize| p_values.get(cell).is_none_or(|p_value| *p_value >= below);
    let eligible = (0..test.rows.len()).map(usual).collect();
    let cells = LabelledCells::of(study, &test.rows, eligible);
    let mut outcomes = Vec::new();
    for (method, answers) in &test.methods {
        let summaries = summarised(&answers.samples, &cells.abnormal);
        for (policy, promise) in promising(bundle, *method) {
            let done = cells.decided((policy, promise), policy.threshold, &summaries);
            outcomes.push(outcome(TEST, *method, policy, done));
        }
    }
    outcomes
}

/// The policies out of fold: each is certified on the other folds at their temperature and applied
/// to the fold. The results of all folds are in the order of `answered`.
///
/// # Errors
/// As certifying.
pub(crate) fn out_of_fold(
    study: &Study,
    bundle: &Bundle,
    (folds, answered): (&[HeldOut], &AnsweredPart),
    unlike: Option<&Unlike>,
) -> Result<Vec<PolicyOutcome>, TrainingError> {
    let mut done: BTreeMap<(Method, &str), Vec<PolicyCell>> = BTreeMap::new();
    for (number, fold) in folds.iter().enumerate() {
        let others = HeldOut::without(folds, number)?;
        let rows = [&*others.rows, &*fold.rows];
        let [of_others, of_fold] = eligible(bundle, unlike, number, rows);
        let of_others = LabelledCells::of(study, &others.rows, of_others);
        let cells = LabelledCells::of(study, &fold.rows, of_fold);
        let flags = &cells.abnormal;
        for (method, answers) in &answered.methods {
            let temperature = answers.temperatures.get(number).copied().unwrap_or(1.0);
            let said = summaries(others.scores_of(*method)?, temperature, flags)?;
            let certified = policies(&said, &of_others.known())?;
            let own = summaries(fold.scores_of(*method)?, temperature, flags)?;
            for (policy, promise) in promising(bundle, *method) {
                let of_others = certified.iter().find(|other| other.name == policy.name);
                let threshold = of_others.and_then(|other| other.threshold);
                let of_policy = done.entry((*method, &policy.name)).or_default();
                of_policy.extend(cells.decided((policy, promise), threshold, &own));
            }
        }
    }
    let mut outcomes = Vec::new();
    for method in answered.methods.keys() {
        for (policy, _) in promising(bundle, *method) {
            let cells = done.remove(&(*method, &*policy.name)).unwrap_or_default();
            outcomes.push(outcome(OUT_OF_FOLD, *method, policy, cells));
        }
    }
    Ok(outcomes)
}

/// The certified policies of a method, with their promises.
fn promising(bundle: &Bundle, method: Method) -> impl Iterator<Item = (&Policy, Promise)> {
    let calibration = bundle.manifest().calibration.get(&method);
    let policies = calibration.into_iter().flat_map(|of| &of.policies);
    policies.filter_map(|policy| Some((policy, policy.kind?)))
}

fn refer_below(bundle: &Bundle) -> f64 {
    let unlike = bundle.manifest().out_of_distribution.as_ref();
    unlike.map_or(0.0, |unlike| unlike.refer_below)
}

/// Whether the cells of the other folds, and those of a fold, are like the cells of the other
/// folds.
fn eligible(
    bundle: &Bundle,
    unlike: Option<&Unlike>,
    fold: usize,
    rows: [&[usize]; 2],
) -> [Vec<bool>; 2] {
    let Some(unlike) = unlike else {
        return rows.map(|rows| vec![true; rows.len()]);
    };
    let [others, own] = rows;
    let (usual, below) = (unlike.without_fold(fold), refer_below(bundle));
    [
        unlike.eligible(others, below, |distance, of_image| {
            usual.p_value_left_out(distance, of_image)
        }),
        unlike.eligible(own, below, |distance, _| usual.p_value(distance)),
    ]
}

/// Cells with the facts that policies need.
pub(super) struct LabelledCells {
    /// The class of each.
    pub labels: Vec<usize>,
    images: Vec<usize>,
    eligible: Vec<bool>,
    /// Whether each class is abnormal.
    pub abnormal: Vec<bool>,
    high_grade: Vec<bool>,
}

impl LabelledCells {
    pub(super) fn of(study: &Study, rows: &[usize], eligible: Vec<bool>) -> Self {
        Self {
            labels: study.labels(rows),
            images: study.image_numbers(rows),
            eligible,
            abnormal: study.grouping.abnormal_flags(),
            high_grade: study.grouping.high_grade_flags(),
        }
    }

    fn known(&self) -> KnownCells<'_> {
        KnownCells {
            labels: &self.labels,
            images: &self.images,
            eligible: &self.eligible,
            groups: self.groups(),
        }
    }

    fn groups(&self) -> ClassGroups<'_> {
        ClassGroups {
            abnormal: &self.abnormal,
            high_grade: &self.high_grade,
        }
    }

    /// A policy's decision for each of the cells at a threshold.
    pub(super) fn decided(
        &self,
        (policy, promise): (&Policy, Promise),
        threshold: Option<f64>,
        summaries: &[Summary],
    ) -> Vec<PolicyCell> {
        let decided = |(cell, summary): (usize, &Summary)| {
            let (label, eligible) = (self.labels[cell], self.eligible[cell]);
            let outcome = Outcome::of(
                cell,
                summary,
                policy.measure,
                label,
                self.groups(),
                eligible,
            );
            let sure = threshold.is_some_and(|most| outcome.uncertainty <= most);
            let [referred, accepted] = outcome.counts(promise);
            let counts = if outcome.eligible && sure {
                accepted
            } else {
                referred
            };
            PolicyCell {
                accepted: counts.accepted > 0,
                counted: counts.trials > 0,
                harmed: counts.errors > 0,
            }
        };
        summaries.iter().enumerate().map(decided).collect()
    }
}

fn outcome(part: &str, method: Method, policy: &Policy, cells: Vec<PolicyCell>) -> PolicyOutcome {
    let certificate = policy.certificate.as_ref();
    let figures = certificate.and_then(|certificate| {
        Some(CertificateFigures {
            images: usize::try_from(certificate.images).ok()?,
            cells: usize::try_from(certificate.cells).ok()?,
            coverage: certificate.coverage,
            p_value: certificate.p_value?,
        })
    });
    let further = certificate.and_then(|certificate| certificate.further_images);
    let policy = ReportPolicy {
        part: part.to_owned(),
        method: method.name().to_owned(),
        name: policy.name.clone(),
        promise: policy.promise.clone(),
        threshold: policy.threshold,
        alpha: policy.alpha,
        delta: policy.delta,
        certificate: figures,
        further_images: further.and_then(|images| usize::try_from(images).ok()),
    };
    PolicyOutcome { policy, cells }
}
