//! The input of a report.

use std::collections::BTreeMap;

use super::ReportError;
use crate::bootstrap::BootstrapPlan;
use uncertainty::{Measure, Range, Samples};

/// Returns [`ReportError::Input`] with a formatted text unless a condition holds.
macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        let holds: bool = $holds;
        if !holds {
            return Err(ReportError::Input(format_args!($($words)+).to_string()));
        }
    };
}

/// The content of a report.
#[derive(Clone, Debug)]
pub struct ReportInput {
    /// Heading of the page.
    pub title: String,
    /// Facts that identify the model, in order: name, version, digests, seed, revision.
    pub facts: Vec<(String, String)>,
    /// The C classes, in the order of the probabilities.
    pub labels: Vec<ReportLabel>,
    /// Coarser questions besides "normal or abnormal?", which every report with both kinds of
    /// labels has.
    pub groupings: Vec<ReportGrouping>,
    /// The parts of the data: out of fold, test.
    pub parts: Vec<PartInput>,
    /// Sets for the out-of-distribution score. The first is the reference: cells of the kind that
    /// the model knows.
    pub ood: Vec<OodSet>,
    /// The results of each referral policy on a part.
    pub policies: Vec<PolicyOutcome>,
    /// How intervals are resampled.
    pub plan: BootstrapPlan,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportLabel {
    /// Its name.
    pub name: String,
    /// Whether it counts as abnormal.
    pub abnormal: bool,
}

/// A coarser question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportGrouping {
    /// Its name in the JSON and the CSV, such as `three_groups`.
    pub key: String,
    /// Its name on the page.
    pub title: String,
    /// Names of the groups, at least two.
    pub groups: Vec<String>,
    /// The group of each class, C indices.
    pub group_of_label: Vec<usize>,
}

/// Cells with the answers of every method.
#[derive(Clone, Debug)]
pub struct PartInput {
    /// Its name, such as `out of fold`; unique.
    pub name: String,
    /// Remarks for the reader, in a sentence or two.
    pub note: String,
    /// The N ≥ 1 cells.
    pub cells: Vec<CellRef>,
    /// The methods, at least one, in the order of the columns.
    pub methods: Vec<MethodInput>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellRef {
    /// Its name.
    pub cell_id: String,
    /// The image that it was cut from; intervals are resampled by image.
    pub image_id: String,
    /// Its true class.
    pub label: usize,
    /// A PNG of it, for the gallery.
    pub thumbnail: Option<Vec<u8>>,
}

/// The answers of a method.
#[derive(Clone, Debug)]
pub struct MethodInput {
    /// Its name; unique within the part.
    pub name: String,
    /// The temperatures in use: one per fold, or one.
    pub temperatures: Vec<f64>,
    /// Samples `[T, C]` of each of the N cells.
    pub samples: Vec<Samples>,
    /// Range over the calibration set of the paper's measures of all C classes. A measure without
    /// one (and every coarser question) is normalised over the evaluated cells, as in the paper.
    pub ranges: BTreeMap<Measure, Range>,
}

/// Images and their out-of-distribution scores.
#[derive(Clone, Debug, PartialEq)]
pub struct OodSet {
    /// Its name.
    pub name: String,
    /// One finite score per image or cell; larger is less like the training cells.
    pub scores: Vec<f64>,
    /// The conformal p-value of each, or none at all.
    pub p_values: Vec<f64>,
    /// The image of each; empty if each is its own image.
    pub images: Vec<String>,
}

/// The results of a policy on the cells of one part.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyOutcome {
    /// The policy.
    pub policy: ReportPolicy,
    /// The decision for each of the part's N cells.
    pub cells: Vec<PolicyCell>,
}

/// A method's policy on a part.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ReportPolicy {
    /// Name of the part.
    pub part: String,
    /// Name of the method.
    pub method: String,
    /// Name of the policy.
    pub name: String,
    /// The promise as a sentence.
    pub promise: String,
    /// The threshold on its measure; `None` refers all.
    pub threshold: Option<f64>,
    /// The bound on the risk, between 0 and 1.
    pub alpha: f64,
    /// The probability, over calibration sets, that the promise does not hold.
    pub delta: f64,
    /// How the threshold was certified.
    pub certificate: Option<CertificateFigures>,
    /// Without a certificate: how many more labelled images would be needed.
    pub further_images: Option<usize>,
}

/// A policy's decision for a cell. The risk is the share of harmed among counted cells: for
/// `accept_error` the wrong among the accepted, for `missed_abnormal` those accepted as normal
/// among the abnormal, for `auto_clear` the abnormal among the cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyCell {
    /// Whether the answer was accepted.
    pub accepted: bool,
    /// Whether the promise is about the cell.
    pub counted: bool,
    /// Whether the cell is a mistake that the promise bounds; only counted cells can be.
    pub harmed: bool,
}

/// The figures of a threshold's certificate.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct CertificateFigures {
    /// Images of the calibration set.
    pub images: usize,
    /// Cells of the calibration set.
    pub cells: usize,
    /// Share of accepted cells.
    pub coverage: f64,
    /// The p-value of the last test passed.
    pub p_value: f64,
}

impl ReportInput {
    /// Checks that lists which belong together match.
    ///
    /// # Errors
    /// [`ReportError::Input`] with the first mismatch.
    pub fn check(&self) -> Result<(), ReportError> {
        let classes = self.labels.len();
        ensure!(classes >= 2, "a report needs at least 2 classes");
        ensure!(
            !self.parts.is_empty(),
            "`parts` is empty: a report needs at least one part of the data, such as the test part"
        );
        ensure!(
            self.plan.resamples > 0,
            "`plan.resamples` is 0, expected 1 or more"
        );
        for grouping in &self.groupings {
            grouping.check(classes)?;
        }
        check_unique(self.parts.iter().map(|part| &part.name), "part")?;
        for part in &self.parts {
            part.check(classes)?;
        }
        for set in &self.ood {
            set.check()?;
        }
        for policy in &self.policies {
            policy.check(&self.parts)?;
        }
        Ok(())
    }
}

impl ReportGrouping {
    fn check(&self, classes: usize) -> Result<(), ReportError> {
        let mut groups = self.group_of_label.iter();
        let known = groups.all(|group| *group < self.groups.len());
        let whole = self.groups.len() >= 2 && self.group_of_label.len() == classes;
        ensure!(
            known && whole,
            "grouping `{}` must give each of the {classes} classes one of its groups",
            self.key
        );
        Ok(())
    }
}

impl PartInput {
    fn check(&self, classes: usize) -> Result<(), ReportError> {
        let (name, cells) = (&self.name, self.cells.len());
        ensure!(cells > 0, "part `{name}` has no cells");
        ensure!(!self.methods.is_empty(), "part `{name}` has no methods");
        ensure!(
            self.cells.iter().all(|cell| cell.label < classes),
            "the class of a cell of part `{name}` is not one of the {classes} classes"
        );
        check_unique(self.methods.iter().map(|method| &method.name), "method")?;
        for method in &self.methods {
            let (method, samples) = (&method.name, &method.samples);
            let answered = samples.len();
            ensure!(
                answered == cells,
                "expected {cells} answers of method `{method}` for part `{name}`, found {answered}"
            );
            ensure!(
                samples.iter().all(|samples| samples.classes() == classes),
                "method `{method}` answered over other classes than the {classes} labels"
            );
        }
        Ok(())
    }
}

impl OodSet {
    fn check(&self) -> Result<(), ReportError> {
        let (name, count) = (&self.name, self.scores.len());
        ensure!(count > 0, "set `{name}` has no scores");
        let mut values = self.scores.iter().chain(&self.p_values);
        ensure!(
            values.all(|value| value.is_finite()),
            "a score or p-value of set `{name}` is infinite or NaN"
        );
        let fits = |length: usize| length == 0 || length == count;
        ensure!(
            fits(self.p_values.len()) && fits(self.images.len()),
            "set `{name}` has {count} scores: expected as many p-values and images, or none"
        );
        Ok(())
    }
}

impl PolicyOutcome {
    fn check(&self, parts: &[PartInput]) -> Result<(), ReportError> {
        let part = parts.iter().find(|part| part.name == self.policy.part);
        ensure!(
            part.is_some_and(|part| part.cells.len() == self.cells.len()),
            "policy `{}` needs one decision per cell of part `{}`",
            self.policy.name,
            self.policy.part
        );
        Ok(())
    }
}

fn check_unique<'a>(
    names: impl Iterator<Item = &'a String>,
    what: &str,
) -> Result<(), ReportError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        ensure!(
            seen.insert(name),
            "two {what}s are called `{name}`: give each its own name"
        );
    }
    Ok(())
}
