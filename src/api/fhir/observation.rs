//! The observation of one cell.

use super::{
    codes::{self, Unit, component, number},
    resources::{
        Annotation, CodeableConcept, Component, Device, DeviceName, DeviceVersion, Identifier,
        Meta, Observation, Reference, Value,
    },
    suggested::{no_class, suggested, why},
    text,
};
use crate::api::{
    digest,
    predictions::{DecisionAnswer, ModelReference, PredictionAnswer},
    vocabulary::{AcceptedAsName, ActionName, MethodName, PrecisionName, ReasonName},
};
use bundle::Label;

/// What every observation says before anything else.
const NOTE: &str = "Suggested, not a diagnosis. Output of a machine-learning model for review by a qualified cytologist.";
/// The model among the resources that an observation contains.
const MODEL: &str = "model";
const MODEL_REFERENCE: &str = "#model";
/// Identifiers that are URIs (RFC 3986).
const URI: &str = "urn:ietf:rfc:3986";

/// What the client called a cell, and where it lies.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::api) struct Cell<'request> {
    /// The nucleus' id or the crop's file name.
    pub(in crate::api) name: Option<&'request str>,
    /// Column and row of the nucleus in pixels of the field.
    pub(in crate::api) position: Option<(f64, f64)>,
}

/// The observation that says what an answer says. `labels` are the model's.
pub(in crate::api) fn observation(
    answer: &PredictionAnswer,
    labels: &[Label],
    cell: Cell,
) -> Observation {
    let class = suggested(answer, labels);
    let mut observation = Observation {
        resource_type: "Observation",
        id: String::new(),
        meta: Meta {
            security: [codes::by_a_machine()],
        },
        contained: [device(&answer.model, &answer.provenance.software)],
        identifier: Vec::new(),
        // Never `final`: that is for a person to say.
        status: "preliminary",
        category: [codes::laboratory()],
        code: codes::cell_class(),
        performer: [Reference {
            display: Some(format!("{} (software)", answer.provenance.software)),
            ..Reference::default()
        }],
        data_absent_reason: class.is_none().then(|| no_class(&answer.decision)),
        value_codeable_concept: class,
        note: notes(answer),
        method: method(answer),
        specimen: answer.accession.as_deref().and_then(specimen),
        device: Reference {
            reference: Some(MODEL_REFERENCE),
            ..Reference::default()
        },
        component: components(answer, cell),
    };
    name(&mut observation, 0);
    observation
}

/// Gives an observation the id of its content; `copy` counts those before it that say the same.
pub(super) fn name(observation: &mut Observation, copy: usize) {
    observation.id.clear();
    observation.identifier.clear();
    let uuid = digest::uuid_of(observation, copy);
    observation.identifier.push(Identifier {
        kind: None,
        system: Some(URI),
        value: digest::urn(&uuid),
    });
    observation.id = uuid;
}

fn reason_code(reason: ReasonName) -> &'static str {
    match reason {
        ReasonName::Uncertain => "referred-uncertain",
        ReasonName::OutOfDistribution => "referred-out-of-distribution",
        ReasonName::NoPolicy => "referred-no-policy",
        ReasonName::Abnormal => "referred-abnormal",
    }
}

fn accepted_as_code(accepted_as: AcceptedAsName) -> &'static str {
    match accepted_as {
        AcceptedAsName::Class => "class",
        AcceptedAsName::Normal => "normal",
        AcceptedAsName::Abnormal => "abnormal",
    }
}

fn notes(answer: &PredictionAnswer) -> Vec<Annotation> {
    let note = |text: &str| Annotation {
        text: text.to_owned(),
    };
    let warnings = answer.warnings.iter().map(|warning| note(&warning.detail));
    std::iter::once(note(NOTE)).chain(warnings).collect()
}

fn method(answer: &PredictionAnswer) -> CodeableConcept {
    let (code, display) = match answer.method {
        MethodName::Baseline => ("baseline", "One deterministic pass"),
        MethodName::McDropout => ("mc_dropout", "Monte Carlo dropout"),
        MethodName::Ensemble => ("ensemble", "Ensemble of heads"),
        MethodName::Tta => ("tta", "Test-time augmentation"),
    };
    let text = format!("{display}; samples: {}", answer.samples.used);
    codes::method(code, display, &text)
}

/// The specimen by the accession that came with the request.
fn specimen(accession: &str) -> Option<Reference> {
    Some(Reference {
        kind: Some("Specimen"),
        identifier: Some(Identifier {
            kind: Some(codes::accession()),
            system: None,
            value: text::string(accession)?,
        }),
        ..Reference::default()
    })
}

fn device(model: &ModelReference, software: &str) -> Device {
    let version = |of: &str, value: &str| DeviceVersion {
        kind: codes::words(of),
        value: value.to_owned(),
    };
    Device {
        resource_type: "Device",
        id: MODEL,
        serial_number: format!("sha256:{}", model.sha256),
        device_name: [DeviceName {
            name: model.name.clone(),
            kind: "model-name",
        }],
        kind: codes::words("Software: classifier of cell images that says how uncertain it is"),
        version: [
            version("model", &model.version),
            version("software", software),
        ],
    }
}

/// Every number of the answer, under the name that it has in JSON, with hyphens.
fn components(answer: &PredictionAnswer, cell: Cell) -> Vec<Component> {
    let mut components = of_cell(cell);
    components.extend(answer.probabilities.iter().map(|class| {
        let display = format!("Probability of {}", class.label);
        let code = format!("probability-{}", class.label);
        component(&code, &display, number(Some(class.probability), Unit::One))
    }));
    components.extend(uncertainties(answer));
    if let Some(ood) = &answer.ood {
        let numbers = [
            (
                "ood-score",
                "Distance from the images of training",
                ood.score,
            ),
            (
                "ood-p-value",
                "Share of calibration cells that are at least as unlike",
                ood.p_value,
            ),
        ];
        components.extend(numbers.map(|(code, display, value)| {
            component(code, display, number(Some(value), Unit::One))
        }));
    }
    components.extend(decision(&answer.decision));
    components.extend(repetition(answer));
    components
}

fn of_cell(cell: Cell) -> Vec<Component> {
    let name = cell.name.and_then(text::string);
    let name = name.map(|name| component("cell-name", "Name of the cell", Value::String(name)));
    let mut components: Vec<Component> = name.into_iter().collect();
    if let Some((x, y)) = cell.position {
        let of = |value| number(Some(value), Unit::Pixel);
        components.push(component(
            "nucleus-x",
            "Column of the nucleus on the field",
            of(x),
        ));
        components.push(component(
            "nucleus-y",
            "Row of the nucleus on the field",
            of(y),
        ));
    }
    components
}

fn uncertainties(answer: &PredictionAnswer) -> Vec<Component> {
    let abnormal = answer.prediction.abnormal_probability;
    let uncertainty = &answer.uncertainty;
    let paper = &uncertainty.paper;
    let rows = [
        (
            "abnormal-probability",
            "Probability of all abnormal classes together",
            Some(abnormal),
            Unit::One,
        ),
        (
            "predictive-entropy",
            "Entropy of the mean probabilities",
            Some(uncertainty.predictive_entropy),
            Unit::Nat,
        ),
        (
            "expected-entropy",
            "Mean entropy of the samples",
            Some(uncertainty.expected_entropy),
            Unit::Nat,
        ),
        (
            "mutual-information",
            "Predictive minus expected entropy",
            Some(uncertainty.mutual_information),
            Unit::Nat,
        ),
        (
            "abnormal-entropy",
            "Entropy of the abnormal probability and its complement",
            uncertainty.abnormal_entropy,
            Unit::Nat,
        ),
        (
            "variation-ratio",
            "Share of the samples that did not vote for the modal class",
            Some(uncertainty.variation_ratio),
            Unit::One,
        ),
        (
            "variance",
            "Unbiased variance of the probability of the most probable class",
            uncertainty.variance,
            Unit::One,
        ),
        (
            "paper-variance",
            "Ojha and Narendra's variance",
            paper.variance.value,
            Unit::One,
        ),
        (
            "paper-entropy",
            "Ojha and Narendra's entropy",
            paper.entropy.value,
            Unit::Bit,
        ),
        (
            "paper-sample-mean",
            "Ojha and Narendra's sample mean",
            paper.sample_mean.value,
            Unit::One,
        ),
    ];
    let of_row = |(code, display, value, unit)| component(code, display, number(value, unit));
    rows.into_iter().map(of_row).collect()
}

fn decision(decision: &DecisionAnswer) -> Vec<Component> {
    let referred = Value::Boolean(decision.action == ActionName::Refer);
    let mut components = vec![component("referred", "A person has to look", referred)];
    components.extend(
        decision
            .reasons
            .iter()
            .map(|reason| component(reason_code(*reason), why(*reason), Value::Boolean(true))),
    );
    let stands_for = decision.accepted_as.map(|accepted_as| {
        let value = Value::String(accepted_as_code(accepted_as).to_owned());
        component("accepted-as", "What the accepted answer stands for", value)
    });
    components.extend(stands_for);
    let policy = decision.policy.as_deref().and_then(text::string);
    components.extend(
        policy.map(|policy| component("policy", "Policy that decided", Value::String(policy))),
    );
    components
}

/// What is needed to get the same answer again.
fn repetition(answer: &PredictionAnswer) -> Vec<Component> {
    let samples = &answer.samples;
    let mut components = vec![
        component(
            "samples-requested",
            "Samples asked for",
            Value::Integer(samples.requested),
        ),
        component("samples", "Samples used", Value::Integer(samples.used)),
        component(
            "stopped-early",
            "The decision was settled before the last sample",
            Value::Boolean(samples.stopped_early),
        ),
        // An integer of FHIR has 32 bits, and a seed more.
        component(
            "seed",
            "Seed of every random choice",
            Value::String(answer.provenance.seed.to_string()),
        ),
        component(
            "execution-provider",
            "What ran the model",
            Value::String(answer.provenance.execution_provider.clone()),
        ),
    ];
    let precision = answer.provenance.trunk_precision.map(precision);
    components.extend(precision.map(|name| {
        let value = Value::String(name.to_owned());
        component(
            "trunk-precision",
            "Numbers in which the trunk calculated",
            value,
        )
    }));
    components
}

/// Adds the cell's place among the cells of the request that a person has to look at, from 1. It depends on the other cells, so it
/// is no part of the content that the observation's id is made of.
pub(super) fn add_worklist_place(observation: &mut Observation, place: usize) {
    let display = "Place among the cells to look at, the most severe call first";
    let place = component("worklist-place", display, Value::Integer(place));
    observation.component.push(place);
}

fn precision(name: PrecisionName) -> &'static str {
    match name {
        PrecisionName::Float32 => "float32",
        PrecisionName::Int8 => "int8",
        PrecisionName::Float16 => "float16",
    }
}
