//! How good a model is on cells that it has not learnt from: calibrated answers, everything that the report shows of them,
//! and the model card.
//!
//! Enters: scores of held-out cells, and the bundle. Leaves: the report, its short form and the card beside the bundle.

pub(crate) mod answers;
pub(crate) mod card;
pub(crate) mod cell_figures;
pub(crate) mod nested;
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

/// Name of the part that was answered out of fold.
pub(crate) const OUT_OF_FOLD: &str = "out of fold";

/// Name of the part that was only ever evaluated.
pub(crate) const TEST: &str = "test part";

/// What a reader has to know of the part out of fold.
const SIBLINGS: &str = "Not the bundle's model, which learnt from all of these cells, but its siblings, trained in the same way without one \
    fold each: every cell was answered by the one that has not seen its image, at a temperature fitted on the other folds. The \
    bundle's temperatures and thresholds were set on these answers, too, as scikit-learn's CalibratedClassifierCV(ensemble=False) does, \
    so that its promises are certified for models trained this way. What each policy did here was certified on the other \
    folds, never on the cells that it is shown for. Settings of the training were compared on these cells, so the \
    figures lean to the good side by a little.";

/// What a report of a bundle is made of.
pub(crate) struct Evaluated<'a> {
    /// The cells.
    pub study: &'a Study,
    /// The bundle.
    pub bundle: &'a Bundle,
    /// Every cell of the folds, answered by the models that have not seen its fold.
    pub out_of_fold: &'a AnsweredPart,
    /// The test part, if there is one, answered by the bundle's model.
    pub test: Option<&'a AnsweredPart>,
    /// What the bundle's policies did.
    pub policies: Vec<PolicyOutcome>,
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
        let ranges = self.ranges();
        let mut parts = vec![part(
            study,
            &ranges,
            OUT_OF_FOLD,
            SIBLINGS,
            self.out_of_fold,
        )?];
        if let Some(test) = self.test {
            let note = "Only ever evaluated: answered by the bundle's model, at the bundle's temperatures.";
            parts.push(part(study, &ranges, TEST, note, test)?);
        }
        Ok(ReportInput {
            title: format!("{}: what was measured", self.bundle.manifest().name),
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
        let rows = self.study.fold_rows();
        format!(
            "{} cells of {} images, each answered by one of {} sibling models that has not seen its image",
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
