//! The short form of a report beside the bundle, `evaluation.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::sets::SetFigures;
use bundle::Method;
use evaluation::{
    bootstrap::Estimate,
    report::{
        EvaluationReport, Figure, MethodReport, OodReport, PartReport, PolicyReport, QuestionReport,
    },
};
use uncertainty::Measure;

/// The figures of the model card.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Evaluation {
    /// Version of the program.
    pub software: String,
    /// Seed of the intervals.
    pub seed: u64,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// Out of fold, then the test part, if there is one.
    pub parts: Vec<EvaluatedPart>,
    /// The results of the policies on each part.
    pub policies: Vec<PolicyReport>,
    /// Out-of-distribution scores of other pictures.
    pub out_of_distribution: Vec<EvaluatedSet>,
    /// Prediction sets out of fold, by method.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub prediction_sets: BTreeMap<Method, Vec<SetFigures>>,
}

/// Some cells.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EvaluatedPart {
    /// Its name.
    pub name: String,
    /// The number of cells.
    pub cells: usize,
    /// The number of their images.
    pub images: usize,
    /// The methods.
    pub methods: Vec<EvaluatedMethod>,
}

/// One method.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EvaluatedMethod {
    /// Its name.
    pub name: String,
    /// T.
    pub passes: usize,
    /// The temperatures in use.
    pub temperatures: Vec<f64>,
    /// All classes first, then normal or abnormal, then groups.
    pub questions: Vec<EvaluatedQuestion>,
}

/// The answers to one question.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EvaluatedQuestion {
    /// Its name in files.
    pub key: String,
    /// Its name for readers.
    pub title: String,
    /// The number of classes.
    pub classes: usize,
    /// Figures of the answers.
    pub figures: BTreeMap<Figure, Estimate>,
    /// Counts `[true class][answered class]`.
    pub confusion: Vec<Vec<usize>>,
    /// The value of each measure of uncertainty.
    pub uncertainty: BTreeMap<Measure, Worth>,
}

/// The value of a measure of uncertainty.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Worth {
    /// Probability that a wrong answer is less certain than a right one.
    pub auroc_misprediction: Estimate,
    /// Area under the risk–coverage curve.
    pub aurc: Estimate,
    /// Accuracy of the 80% of cells with the lowest value.
    pub accuracy_of_surest_80: Estimate,
}

/// One set of pictures.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EvaluatedSet {
    /// Its name.
    pub name: String,
    /// The number of pictures.
    pub items: usize,
    /// Probability that one of them has a higher score than a cell of the folds; undefined for
    /// these cells themselves.
    pub auroc: Option<Estimate>,
    /// Share with a p-value below .05.
    pub flagged: Estimate,
}

impl Evaluation {
    /// The short form of a report.
    pub(crate) fn of(report: &EvaluationReport) -> Self {
        Self {
            software: report.software.clone(),
            seed: report.seed,
            labels: report.labels.clone(),
            parts: report.parts.iter().map(part).collect(),
            policies: report.policies.clone(),
            out_of_distribution: report.out_of_distribution.iter().map(set).collect(),
            prediction_sets: BTreeMap::new(),
        }
    }

    /// A part by its name.
    pub(crate) fn part(&self, name: &str) -> Option<&EvaluatedPart> {
        self.parts.iter().find(|part| part.name == name)
    }
}

fn part(part: &PartReport) -> EvaluatedPart {
    EvaluatedPart {
        name: part.name.clone(),
        cells: part.cells,
        images: part.images,
        methods: part.methods.iter().map(method).collect(),
    }
}

fn method(method: &MethodReport) -> EvaluatedMethod {
    EvaluatedMethod {
        name: method.name.clone(),
        passes: method.passes,
        temperatures: method.temperatures.clone(),
        questions: method.questions.iter().map(question).collect(),
    }
}

fn question(question: &QuestionReport) -> EvaluatedQuestion {
    let worth = |measure: &evaluation::report::UncertaintyReport| Worth {
        auroc_misprediction: measure.auroc_misprediction,
        aurc: measure.aurc,
        accuracy_of_surest_80: measure.accuracy_of_surest_80,
    };
    EvaluatedQuestion {
        key: question.key.clone(),
        title: question.title.clone(),
        classes: question.classes.len(),
        figures: question.figures.clone(),
        confusion: question.confusion.counts.counts().to_vec(),
        uncertainty: question
            .uncertainty
            .iter()
            .map(|(measure, report)| (*measure, worth(report)))
            .collect(),
    }
}

fn set(set: &OodReport) -> EvaluatedSet {
    EvaluatedSet {
        name: set.name.clone(),
        items: set.items,
        auroc: set.auroc,
        flagged: set.flagged,
    }
}
