//! The classes of a model and their groups.

use serde::{Deserialize, Serialize};

/// One class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Name of the class, such as `NILM`.
    pub name: String,
    /// Whether the class counts as abnormal.
    pub abnormal: bool,
    /// Whether the class counts as high grade, such as ASC-H, HSIL and SCC. A high-grade class must
    /// also be abnormal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_grade: Option<bool>,
    /// Severity of the class; 0 is the least severe. Prediction sets and worklists list classes in
    /// this order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<u32>,
    /// SNOMED CT code of the class, if the publisher gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snomed_ct: Option<String>,
    /// Source of that code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snomed_ct_source: Option<String>,
}

/// Sort key of a class: abnormal classes after normal ones, then by `severity`, then by place among
/// the labels.
pub fn severity(labels: &[Label], class: usize) -> (bool, Option<u32>, usize) {
    let label = labels.get(class);
    let severity = label.and_then(|label| label.severity);
    (label.is_some_and(|label| label.abnormal), severity, class)
}

/// Whether each class is abnormal: C flags.
pub fn abnormal_flags(labels: &[Label]) -> Vec<bool> {
    labels.iter().map(|label| label.abnormal).collect()
}

/// Whether each class is high grade: C flags, all false if no label has `high_grade = true`.
pub fn high_grade_flags(labels: &[Label]) -> Vec<bool> {
    let high_grade = |label: &Label| label.high_grade == Some(true);
    labels.iter().map(high_grade).collect()
}

/// The grade of each class: 0 normal, 1 low grade (abnormal but not high grade), 2 high grade.
/// `None` unless every grade has a class.
pub fn grades(labels: &[Label]) -> Option<Vec<usize>> {
    let grade = |label: &Label| match (label.abnormal, label.high_grade) {
        (false, _) => 0,
        (true, Some(true)) => 2,
        (true, _) => 1,
    };
    every_group(labels.iter().map(grade).collect(), 3)
}

/// The group of each class: 0 normal, 1 abnormal. `None` unless both groups have a class.
pub fn abnormality(labels: &[Label]) -> Option<Vec<usize>> {
    let groups = labels.iter().map(|label| usize::from(label.abnormal));
    every_group(groups.collect(), 2)
}

fn every_group(groups: Vec<usize>, count: usize) -> Option<Vec<usize>> {
    let complete = (0..count).all(|group| groups.contains(&group));
    complete.then_some(groups)
}
