//! How good a model is on cells that it has not learnt from: calibrated answers, everything that the report shows of them,
//! and the model card.
//!
//! Enters: scores of held-out cells, and the bundle. Leaves: the report, its short form and the card beside the bundle.

pub(crate) mod answers;
pub(crate) mod card;
pub(crate) mod summary;
pub(crate) mod tables;
pub(crate) mod unlike;

use std::collections::BTreeMap;

use self::answers::{AnsweredPart, CalibratedAnswers};
use crate::{TrainingError, data::labels::ClassGrouping, study::Study, workspace::read_bytes};
use bundle::{Bundle, Calibration, Label, Method};
use evaluation::{
    bootstrap::BootstrapPlan,
    report::{
        CellRef, CertificateFigures, MethodInput, OodSet, PartInput, PolicyCell, PolicyOutcome,
        ReportGrouping, ReportInput, ReportLabel, ReportPolicy,
    },
};
use uncertainty::{
    Measure, Policy, Promise, Range, Samples, Summary, risk_control::Outcome, summarise,
};

/// Name of the part that was answered out of fold.
pub(crate) const OUT_OF_FOLD: &str = "out of fold";

/// Name of the part that was only ever evaluated.
pub(crate) const TEST: &str = "test part";

/// What a report of a bundle is made of.
pub(crate) struct Evaluated<'a> {
    /// The cells.
    pub study: &'a Study,
    /// The bundle.
    pub bundle: &'a Bundle,
    /// Every cell of the folds, answered by the models that have not seen its fold.
    pub out_of_fold: &'a AnsweredPart,
    /// The test part, answered by the bundle's model.
    pub test: &'a AnsweredPart,
    /// p-value of each test cell; empty without an out-of-distribution score.
    pub p_values: &'a [f64],
    /// Sets for the out-of-distribution score.
    pub unlike: Vec<OodSet>,
}

/// A report of the folds alone: for comparing settings, where the test part has no say.
///
/// # Errors
/// A crop that cannot be read.
pub(crate) fn folds_input(
    study: &Study,
    out_of_fold: &AnsweredPart,
    plan: BootstrapPlan,
) -> Result<ReportInput, TrainingError> {
    let note = "Each cell was answered by a model that has not seen its fold.";
    let ranges = BTreeMap::new();
    Ok(ReportInput {
        title: "held-out folds".to_owned(),
        facts: Vec::new(),
        labels: labels(study),
        groupings: three_groups(study).into_iter().collect(),
        policies: Vec::new(),
        parts: vec![part(study, &ranges, OUT_OF_FOLD, note, out_of_fold)?],
        ood: Vec::new(),
        plan,
    })
}

impl Evaluated<'_> {
    /// The report's input.
    ///
    /// # Errors
    /// A crop that cannot be read.
    pub(crate) fn input(self) -> Result<ReportInput, TrainingError> {
        let study = self.study;
        let note = "Not the bundle's model, but others trained in the same way: each cell was answered by one that has not seen \
                    its fold, at a temperature fitted on the other folds. Settings of the training were compared on these cells, so the figures lean to the good side by a little.";
        let ranges = self.ranges();
        let out_of_fold = part(study, &ranges, OUT_OF_FOLD, note, self.out_of_fold)?;
        let note = "Only ever evaluated: answered by the bundle's model, at the temperatures of its calibration folds.";
        let test = part(study, &ranges, TEST, note, self.test)?;
        Ok(ReportInput {
            title: format!("{}: what was measured", self.bundle.manifest().name),
            facts: self.facts(),
            labels: labels(study),
            groupings: three_groups(study).into_iter().collect(),
            policies: self.policies(),
            parts: vec![out_of_fold, test],
            ood: self.unlike,
            plan: BootstrapPlan {
                seed: study.seed,
                ..BootstrapPlan::default()
            },
        })
    }

    fn facts(&self) -> Vec<(String, String)> {
        let manifest = self.bundle.manifest();
        let fact = |name: &str, value: String| (name.to_owned(), value);
        vec![
            fact("bundle", format!("{} {}", manifest.name, manifest.version)),
            fact("digest", self.bundle.digest().to_owned()),
            fact("trained on", manifest.training.data.clone()),
            fact("the bundle's model learnt from", self.learnt_from()),
            fact("calibrated on", self.calibrated_on()),
            fact("seed", manifest.training.seed.to_string()),
            fact("revision", manifest.training.commit.clone()),
            fact(
                "crop",
                format!(
                    "{} px, shown at {} px",
                    manifest.input.crop_edge_px, manifest.input.size
                ),
            ),
        ]
    }

    fn learnt_from(&self) -> String {
        let training = &self.bundle.manifest().training;
        format!("{} cells of {} images", training.cells, training.images)
    }

    fn calibrated_on(&self) -> String {
        let calibration = &self.study.calibration;
        let rows = self.study.held_out_rows(calibration);
        let images = self.study.image_count(&rows);
        format!("{} cells of {images} images ({calibration})", rows.len())
    }

    fn ranges(&self) -> MeasureRanges {
        let calibrations = self.bundle.manifest().calibration.iter();
        calibrations
            .map(|(method, calibration)| (*method, calibration.ranges.clone()))
            .collect()
    }

    fn policies(&self) -> Vec<PolicyOutcome> {
        let manifest = self.bundle.manifest();
        let refer_below = manifest
            .out_of_distribution
            .as_ref()
            .map_or(0.0, |unlike| unlike.refer_below);
        let rows = &self.test.rows;
        let usual = |cell: usize| {
            self.p_values
                .get(cell)
                .is_none_or(|p_value| *p_value >= refer_below)
        };
        let eligible: Vec<bool> = (0..rows.len()).map(usual).collect();
        let of_method = |(method, answers): (&Method, &CalibratedAnswers)| {
            let calibration = manifest.calibration.get(method)?;
            Some(outcomes(
                self.study,
                TEST,
                rows,
                (*method, answers),
                calibration,
                &eligible,
            ))
        };
        self.test
            .methods
            .iter()
            .filter_map(of_method)
            .flatten()
            .collect()
    }
}

/// The grouping by grade, where the model tells every label apart and the labels have grades.
fn three_groups(study: &Study) -> Option<ReportGrouping> {
    let labels = &study.table.labels;
    if study.grouping.classes() != labels.labels.len() {
        return None;
    }
    let groups = ClassGrouping::by_group(labels)?;
    let distinct = groups.classes() > 2 && groups.classes() < labels.labels.len();
    distinct.then(|| ReportGrouping {
        key: "groups".to_owned(),
        title: groups.names().join(", "),
        groups: groups.names().into_iter().map(str::to_owned).collect(),
        group_of_label: groups.of_label.clone(),
    })
}

/// Ranges of the measures over the calibration cells.
type MeasureRanges = BTreeMap<Method, BTreeMap<Measure, Range>>;

fn labels(study: &Study) -> Vec<ReportLabel> {
    let label = |label: &Label| ReportLabel {
        name: label.name.clone(),
        abnormal: label.abnormal,
    };
    study.grouping.outputs.iter().map(label).collect()
}

fn part(
    study: &Study,
    ranges: &MeasureRanges,
    name: &str,
    note: &str,
    part: &AnsweredPart,
) -> Result<PartInput, TrainingError> {
    let labels = study.labels(&part.rows);
    let cell = |(row, label): (&usize, &usize)| {
        let crop = &study.table.rows[*row];
        Ok(CellRef {
            cell_id: crop.cell_id.clone(),
            image_id: crop.image_id.clone(),
            label: *label,
            thumbnail: Some(read_bytes(&study.workspace.crops().join(&crop.file))?),
        })
    };
    let cells: Result<Vec<CellRef>, TrainingError> =
        part.rows.iter().zip(&labels).map(cell).collect();
    let method = |(method, answers): (&Method, &CalibratedAnswers)| MethodInput {
        name: method.name().to_owned(),
        temperatures: answers.temperatures.clone(),
        samples: answers.samples.clone(),
        ranges: ranges.get(method).cloned().unwrap_or_default(),
    };
    Ok(PartInput {
        name: name.to_owned(),
        note: note.to_owned(),
        cells: cells?,
        methods: part.methods.iter().map(method).collect(),
    })
}

/// The outcomes of a method's policies; `eligible` says of each cell whether it is like the training cells.
fn outcomes(
    study: &Study,
    part: &str,
    rows: &[usize],
    (method, answers): (Method, &CalibratedAnswers),
    calibration: &Calibration,
    eligible: &[bool],
) -> Vec<PolicyOutcome> {
    let flags = study.grouping.abnormal_flags();
    let summarised = |samples: &Samples| summarise(samples).with_abnormal(&flags);
    let summaries: Vec<Summary> = answers.samples.iter().map(summarised).collect();
    let labels = study.labels(rows);
    let outcome = |policy: &Policy| {
        let promise = policy.kind?;
        let cells = summaries.iter().zip(&labels).zip(eligible).enumerate();
        let cells = cells.map(|(number, ((summary, label), eligible))| {
            let cell = Outcome::of(number, summary, policy.measure, *label, &flags, *eligible);
            policy_cell(&cell, promise, policy.threshold)
        });
        let certificate = policy.certificate.as_ref();
        let policy = ReportPolicy {
            part: part.to_owned(),
            method: method.name().to_owned(),
            name: policy.name.clone(),
            promise: policy.promise.clone(),
            threshold: policy.threshold,
            alpha: policy.alpha,
            delta: policy.delta,
            certificate: certificate.and_then(|certificate| {
                Some(CertificateFigures {
                    images: usize::try_from(certificate.images).ok()?,
                    cells: usize::try_from(certificate.cells).ok()?,
                    coverage: certificate.coverage,
                    p_value: certificate.p_value?,
                })
            }),
            further_images: certificate
                .and_then(|certificate| usize::try_from(certificate.further_images?).ok()),
        };
        let cells = cells.collect();
        Some(PolicyOutcome { policy, cells })
    };
    calibration.policies.iter().filter_map(outcome).collect()
}

fn policy_cell(cell: &Outcome, promise: Promise, threshold: Option<f64>) -> PolicyCell {
    let sure = threshold.is_some_and(|threshold| cell.uncertainty <= threshold);
    let [referred, accepted] = cell.counts(promise);
    let counts = if cell.eligible && sure {
        accepted
    } else {
        referred
    };
    PolicyCell {
        accepted: counts.accepted > 0,
        counted: counts.trials > 0,
        harmed: counts.errors > 0,
    }
}
