//! The evaluation of a model on cells that it was not trained on: calibrated answers, the report's
//! input, and the model card.
//!
//! Input: scores of held-out cells, and the bundle. Output: the report, its short form and the card
//! beside the bundle.

pub(crate) mod answers;
pub(crate) mod card;
pub(crate) mod cell_figures;
pub(crate) mod nested;
pub(crate) mod paired;
pub(crate) mod paper;
pub(crate) mod policies;
pub(crate) mod sets;
pub(crate) mod summary;
pub(crate) mod tables;
pub(crate) mod unlike;

use std::collections::BTreeMap;

use self::answers::{AnsweredPart, CalibratedAnswers};
use crate::{TrainingError, data::labels::ClassGrouping, study::Study, workspace::read_bytes};
use bundle::{Bundle, Label, Method};
use evaluation::{
    bootstrap::BootstrapPlan,
    report::{
        CellRef, MethodInput, OodSet, PartInput, PolicyOutcome, ReportGrouping, ReportInput,
        ReportLabel,
    },
};
use uncertainty::{Measure, Range};

/// Name of the out-of-fold part.
pub(crate) const OUT_OF_FOLD: &str = "out of fold";

/// Name of the part that is only evaluated.
pub(crate) const TEST: &str = "test part";

/// The report's note on the out-of-fold part.
const SIBLINGS: &str = "These answers are not from the bundle's model, which was trained on all \
    of these cells, but from its siblings, each trained in the same way without one fold. The \
    sibling that has not seen the image answers each cell, at a temperature fitted on the other \
    folds. The bundle's temperatures and thresholds were set on these answers as well, as in \
    scikit-learn's CalibratedClassifierCV(ensemble=False), so its promises are certified for \
    models trained this way. Each policy here was certified on the other folds, never on the \
    cells that it is shown for. Training settings were compared on these cells, so the figures \
    are slightly optimistic.";

/// The content of a bundle's report.
pub(crate) struct Evaluated<'a> {
    /// The cells.
    pub study: &'a Study,
    /// The bundle.
    pub bundle: &'a Bundle,
    /// Every cell of the folds, answered by the model that has not seen its fold.
    pub out_of_fold: &'a AnsweredPart,
    /// The test part, if there is one, answered by the bundle's model.
    pub test: Option<&'a AnsweredPart>,
    /// The results of the bundle's policies.
    pub policies: Vec<PolicyOutcome>,
    /// Sets for the out-of-distribution score.
    pub unlike: Vec<OodSet>,
}

/// The input of a report on the folds alone, for comparing settings without the test part.
///
/// # Errors
/// If a crop cannot be read.
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
    /// If a crop cannot be read.
    pub(crate) fn input(self) -> Result<ReportInput, TrainingError> {
        let study = self.study;
        let ranges = self.ranges();
        let mut parts = vec![part(
            study,
            &ranges,
            OUT_OF_FOLD,
            SIBLINGS,
            self.out_of_fold,
        )?];
        if let Some(test) = self.test {
            let note = "Used for evaluation only: answered by the bundle's model at the bundle's \
                temperatures.";
            parts.push(part(study, &ranges, TEST, note, test)?);
        }
        Ok(ReportInput {
            title: format!("{}: evaluation", self.bundle.manifest().name),
            facts: self.facts(),
            labels: labels(study),
            groupings: three_groups(study).into_iter().collect(),
            policies: self.policies,
            parts,
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
            fact("bundle's model trained on", self.learnt_from()),
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
        let rows = self.study.fold_rows();
        format!(
            "{} cells of {} images, each answered by the one of {} sibling models that has not \
             seen its image",
            rows.len(),
            self.study.image_count(&rows),
            self.study.folds().len()
        )
    }

    fn ranges(&self) -> MeasureRanges {
        let calibrations = self.bundle.manifest().calibration.iter();
        calibrations
            .map(|(method, calibration)| (*method, calibration.ranges.clone()))
            .collect()
    }
}

/// The grouping by grade, if the model has all labels as classes and the labels have grades.
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
