//! Prediction sets: from thresholds and probabilities to names.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::vocabulary::{AbnormalityName, GradeName};
use bundle::{Label, Manifest, severity};
use engine::MethodAnswer;

/// The classes that cannot be excluded at a confidence, the most severe first. For each class, and
/// not only for all cells together, at least this share of its cells have their class in the set.
/// An empty set means that the cell is unlike the cells of every class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = PredictionSet)]
pub struct PredictionSetAnswer {
    /// The share, as requested by `confidence`.
    #[schema(minimum = 0, maximum = 1)]
    pub confidence: f64,
    /// Classes, if the cells of a class are assumed to be exchangeable.
    pub by_cell: Vec<String>,
    /// Classes, if only images are assumed to be exchangeable, because the cells of one image are
    /// alike. A class with too few images can never be excluded.
    pub by_image: Vec<String>,
    /// The same for normal, low grade and high grade; null if the model does not say which classes
    /// are high grade.
    #[schema(required)]
    pub grades: Option<GradeSet>,
    /// The same for normal and abnormal; null for a model whose classes are all normal or all
    /// abnormal.
    #[schema(required)]
    pub abnormality: Option<AbnormalitySet>,
}

/// The grades that cannot be excluded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GradeSet {
    /// By cell.
    pub by_cell: Vec<GradeName>,
    /// By image.
    pub by_image: Vec<GradeName>,
}

/// Which of normal and abnormal cannot be excluded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AbnormalitySet {
    /// By cell.
    pub by_cell: Vec<AbnormalityName>,
    /// By image.
    pub by_image: Vec<AbnormalityName>,
}

const GRADES: [GradeName; 3] = [GradeName::Normal, GradeName::LowGrade, GradeName::HighGrade];
const ABNORMALITY: [AbnormalityName; 2] = [AbnormalityName::Normal, AbnormalityName::Abnormal];

/// The sets of an answer at a confidence; `None` if the bundle has none for the method.
pub(super) fn prediction_set(
    answer: &MethodAnswer,
    manifest: &Manifest,
    confidence: f64,
) -> Option<PredictionSetAnswer> {
    let of_method = &manifest.calibration.get(&answer.method)?.prediction_sets;
    let mut found = of_method.iter();
    let found = found.find(|sets| sets.classes.confidence == confidence)?;
    let labels = &manifest.labels;
    let sets = found.sets(labels, &answer.summary.mean);
    Some(PredictionSetAnswer {
        confidence,
        by_cell: named(&sets.classes.by_cell, labels),
        by_image: named(&sets.classes.by_image, labels),
        grades: sets.grades.map(|set| GradeSet {
            by_cell: of(&GRADES, &set.by_cell),
            by_image: of(&GRADES, &set.by_image),
        }),
        abnormality: sets.abnormality.map(|set| AbnormalitySet {
            by_cell: of(&ABNORMALITY, &set.by_cell),
            by_image: of(&ABNORMALITY, &set.by_image),
        }),
    })
}

/// Names of classes, the most severe first.
fn named(classes: &[usize], labels: &[Label]) -> Vec<String> {
    let mut classes = classes.to_vec();
    classes.sort_by_key(|class| std::cmp::Reverse(severity(labels, *class)));
    let named = classes.iter().filter_map(|class| labels.get(*class));
    named.map(|label| label.name.clone()).collect()
}

/// Names of groups, the most severe first.
fn of<Name: Copy>(names: &[Name], groups: &[usize]) -> Vec<Name> {
    let named = groups.iter().rev().filter_map(|group| names.get(*group));
    named.copied().collect()
}
