//! The questions put to the same answers: every class, normal or abnormal, or coarser groups.

use super::{ReportError, ReportInput};
use crate::{EvaluationError, Predictions};
use uncertainty::{Samples, Summary, summarise};

/// A question.
#[derive(Clone, Debug)]
pub(super) struct ReportQuestion {
    pub key: String,
    pub title: String,
    pub names: Vec<String>,
    /// The group of each class.
    group_of: Vec<usize>,
    /// The groups with an abnormal class.
    pub abnormal: Vec<usize>,
}

/// A method's answers to one question.
#[derive(Clone, Debug)]
pub(super) struct MethodAnswers {
    pub predictions: Predictions,
    pub summaries: Vec<Summary>,
    pub abnormal: Vec<usize>,
}

/// Every question that the labels allow: all classes, normal or abnormal, and the caller's
/// groupings.
pub(super) fn questions(input: &ReportInput) -> Vec<ReportQuestion> {
    let labels = &input.labels;
    let question = |key: &str, title: &str, names: Vec<String>, group_of: Vec<usize>| {
        let holds_abnormal = |group: &usize| {
            let mut members = group_of.iter().zip(labels);
            members.any(|(of, label)| of == group && label.abnormal)
        };
        ReportQuestion {
            key: key.to_owned(),
            title: title.to_owned(),
            abnormal: (0..names.len()).filter(holds_abnormal).collect(),
            names,
            group_of,
        }
    };
    let names = labels.iter().map(|label| label.name.clone()).collect();
    let title = format!("all {} classes", labels.len());
    let each = (0..labels.len()).collect();
    let mut questions = vec![question("classes", &title, names, each)];
    let abnormal = labels.iter().filter(|label| label.abnormal).count();
    if labels.len() > 2 && abnormal > 0 && abnormal < labels.len() {
        let kinds = labels.iter().map(|label| usize::from(label.abnormal));
        let names = ["normal", "abnormal"].map(str::to_owned).to_vec();
        let title = "normal vs abnormal";
        questions.push(question("abnormal", title, names, kinds.collect()));
    }
    for grouping in &input.groupings {
        let (names, group_of) = (grouping.groups.clone(), grouping.group_of_label.clone());
        questions.push(question(&grouping.key, &grouping.title, names, group_of));
    }
    questions
}

impl ReportQuestion {
    /// Whether the groups are one normal and one abnormal one.
    pub(super) fn is_normal_or_abnormal(&self) -> bool {
        self.names.len() == 2 && self.abnormal.len() == 1
    }

    /// Whether the classes are not grouped.
    pub(super) fn is_of_all_classes(&self) -> bool {
        self.group_of.iter().copied().eq(0..self.names.len())
    }

    pub(super) fn answers(
        &self,
        samples: &[Samples],
        labels: &[usize],
    ) -> Result<MethodAnswers, ReportError> {
        let groups = 0..self.names.len();
        let abnormal: Vec<bool> = groups.map(|group| self.abnormal.contains(&group)).collect();
        let summary = |samples| -> Result<Summary, EvaluationError> {
            Ok(summarise(&samples_of_groups(samples, self)?).with_abnormal(&abnormal))
        };
        let grouped: Result<Vec<Summary>, EvaluationError> = samples.iter().map(summary).collect();
        let summaries = grouped?;
        let rows = summaries.iter().map(|summary| summary.mean.clone());
        let rows: Vec<Vec<f64>> = rows.collect();
        let group = |&label: &usize| self.group_of.get(label).copied().unwrap_or_default();
        Ok(MethodAnswers {
            predictions: Predictions::from_rows(&rows, labels.iter().map(group).collect())?,
            summaries,
            abnormal: self.abnormal.clone(),
        })
    }
}

fn samples_of_groups(
    samples: &Samples,
    question: &ReportQuestion,
) -> Result<Samples, EvaluationError> {
    if question.is_of_all_classes() {
        return Ok(samples.clone());
    }
    let groups = question.names.len();
    let sums = samples.rows().flat_map(|row| {
        let mut sums = vec![0.0; groups];
        for (p, &group) in row.iter().zip(&question.group_of) {
            if let Some(sum) = sums.get_mut(group) {
                *sum += p;
            }
        }
        sums.into_iter().map(|sum: f64| sum.min(1.0))
    });
    Ok(Samples::from_probabilities(sums.collect(), groups)?)
}
