//! The components of an observation: every number and name of an answer.

use super::{
    codes::{self, UcumUnit, component, number},
    resources::{ObservationComponent, ObservedValue},
    suggested::why,
};
use crate::api::{
    answer::{DecisionAnswer, PredictionAnswer, PredictionSetAnswer},
    vocabulary::{ActionName, word},
};

/// The client's name for a cell, and its position.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::api) struct ObservedCell<'request> {
    /// The id of the nucleus or the file name of the crop.
    pub(in crate::api) name: Option<&'request str>,
    /// Column and row of the nucleus in pixels of the field.
    pub(in crate::api) position: Option<(f64, f64)>,
}

/// Every number of the answer, under its name in JSON, with hyphens.
pub(super) fn components(
    answer: &PredictionAnswer,
    cell: ObservedCell,
) -> Vec<ObservationComponent> {
    let mut components = of_cell(cell);
    components.extend(answer.probabilities.iter().map(|class| {
        let display = format!("Probability of {}", class.label);
        let code = format!("probability-{}", class.label);
        let probability = number(Some(class.probability), UcumUnit::One);
        component(&code, &display, probability)
    }));
    components.extend(uncertainties(answer));
    components.extend(answer.prediction_set.iter().flat_map(prediction_set));
    components.extend(decision(&answer.decision));
    components.extend(repetition(answer));
    components
}

fn of_cell(cell: ObservedCell) -> Vec<ObservationComponent> {
    let name = cell.name.and_then(codes::string);
    let name =
        name.map(|name| component("cell-name", "Name of the cell", ObservedValue::String(name)));
    let mut components: Vec<ObservationComponent> = name.into_iter().collect();
    if let Some((x, y)) = cell.position {
        let (column, row) = (
            "Column of the nucleus on the field",
            "Row of the nucleus on the field",
        );
        let of = |value| number(Some(value), UcumUnit::Pixel);
        components.push(component("nucleus-x", column, of(x)));
        components.push(component("nucleus-y", row, of(y)));
    }
    components
}

fn uncertainties(answer: &PredictionAnswer) -> Vec<ObservationComponent> {
    let abnormal = answer.prediction.abnormal_probability;
    let uncertainty = &answer.uncertainty;
    let paper = &uncertainty.paper;
    let mut rows = vec![
        (
            "abnormal-probability",
            "Probability of all abnormal classes together",
            Some(abnormal),
            UcumUnit::One,
        ),
        (
            "predictive-entropy",
            "Entropy of the mean probabilities",
            Some(uncertainty.predictive_entropy),
            UcumUnit::Nat,
        ),
        (
            "expected-entropy",
            "Mean entropy of the samples",
            Some(uncertainty.expected_entropy),
            UcumUnit::Nat,
        ),
        (
            "mutual-information",
            "Predictive minus expected entropy",
            Some(uncertainty.mutual_information),
            UcumUnit::Nat,
        ),
        (
            "abnormal-entropy",
            "Entropy of the abnormal probability and its complement",
            uncertainty.abnormal_entropy,
            UcumUnit::Nat,
        ),
        (
            "variation-ratio",
            "Share of the samples that did not vote for the modal class",
            Some(uncertainty.variation_ratio),
            UcumUnit::One,
        ),
        (
            "variance",
            "Unbiased variance of the probability of the most probable class",
            uncertainty.variance,
            UcumUnit::One,
        ),
        (
            "paper-variance",
            "Ojha and Narendra's variance",
            paper.variance.value,
            UcumUnit::One,
        ),
        (
            "paper-entropy",
            "Ojha and Narendra's entropy",
            paper.entropy.value,
            UcumUnit::Bit,
        ),
        (
            "paper-sample-mean",
            "Ojha and Narendra's sample mean",
            paper.sample_mean.value,
            UcumUnit::One,
        ),
    ];
    if let Some(ood) = &answer.ood {
        let p_value = "Share of calibration cells that are at least as unlike";
        let score = "Distance from the images of training";
        rows.push(("ood-score", score, Some(ood.score), UcumUnit::One));
        rows.push(("ood-p-value", p_value, Some(ood.p_value), UcumUnit::One));
    }
    let of_row = |(code, display, value, unit)| component(code, display, number(value, unit));
    rows.into_iter().map(of_row).collect()
}

/// The classes and the grades that cannot be excluded, such as "HSIL or SCC".
fn prediction_set(set: &PredictionSetAnswer) -> Vec<ObservationComponent> {
    let share = set.confidence * 100.0;
    let text = |names: &[String]| match names {
        [] => ObservedValue::String("none: every class is excluded".to_owned()),
        names => ObservedValue::String(names.join(" or ")),
    };
    let by_cell = format!("Classes that cannot be excluded at {share}%, by cell");
    let by_image = format!("Classes that cannot be excluded at {share}%, by image");
    let mut components = vec![
        component("prediction-set-by-cell", &by_cell, text(&set.by_cell)),
        component("prediction-set-by-image", &by_image, text(&set.by_image)),
    ];
    components.extend(set.grades.as_ref().map(|grades| {
        let names: Vec<String> = grades.by_cell.iter().map(word).collect();
        let display = format!("Grades that cannot be excluded at {share}%, by cell");
        component("prediction-set-grades", &display, text(&names))
    }));
    components
}

fn decision(decision: &DecisionAnswer) -> Vec<ObservationComponent> {
    let referred = ObservedValue::Boolean(decision.action == ActionName::Refer);
    let mut components = vec![component("referred", "A person has to look", referred)];
    components.extend(decision.reasons.iter().map(|reason| {
        let code = format!("referred-{}", word(reason).replace('_', "-"));
        component(&code, why(*reason), ObservedValue::Boolean(true))
    }));
    let triage = ObservedValue::String(word(&decision.triage));
    components.push(component("triage", "How soon a person should look", triage));
    let stands_for = decision.accepted_as.as_ref().map(|accepted_as| {
        let value = ObservedValue::String(word(accepted_as));
        component("accepted-as", "What the accepted answer stands for", value)
    });
    components.extend(stands_for);
    let policy = decision.policy.as_deref().and_then(codes::string);
    let policy = policy.map(ObservedValue::String);
    components.extend(policy.map(|policy| component("policy", "Policy that decided", policy)));
    components
}

/// What is needed to get the same answer again.
fn repetition(answer: &PredictionAnswer) -> Vec<ObservationComponent> {
    let samples = &answer.samples;
    let mut components = vec![
        component(
            "samples-requested",
            "Samples asked for",
            ObservedValue::Integer(samples.requested),
        ),
        component(
            "samples",
            "Samples used",
            ObservedValue::Integer(samples.used),
        ),
        component(
            "stopped-early",
            "The decision was settled before the last sample",
            ObservedValue::Boolean(samples.stopped_early),
        ),
        // A FHIR integer has 32 bits, a seed more.
        component(
            "seed",
            "Seed of every random choice",
            ObservedValue::String(answer.provenance.seed.to_string()),
        ),
        component(
            "execution-provider",
            "What ran the model",
            ObservedValue::String(answer.provenance.execution_provider.clone()),
        ),
    ];
    let precision = answer.provenance.trunk_precision.as_ref();
    components.extend(precision.map(|precision| {
        let display = "Numbers in which the trunk calculated";
        component(
            "trunk-precision",
            display,
            ObservedValue::String(word(precision)),
        )
    }));
    components
}
