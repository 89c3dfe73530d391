//! The observation of one cell.

use super::{
    codes::{self, component},
    components::{ObservedCell, components},
    resources::{
        Annotation, CodeableConcept, Device, DeviceName, DeviceVersion, Identifier, Meta,
        Observation, ObservedValue, Reference,
    },
    suggested::{no_class, suggested},
};
use crate::api::{
    answer::{ModelReference, PredictionAnswer},
    vocabulary::{MethodName, word},
};
use bundle::Label;

/// The first note of every observation.
const NOTE: &str = "Suggested, not a diagnosis. Output of a machine-learning model for review by a qualified cytologist.";
/// The id of the model among the contained resources.
const MODEL: &str = "model";
const MODEL_REFERENCE: &str = "#model";
/// Identifiers that are URIs (RFC 3986).
const URI: &str = "urn:ietf:rfc:3986";

/// The observation for an answer. `labels` are the model's.
pub(in crate::api) fn observation(
    answer: &PredictionAnswer,
    labels: &[Label],
    cell: ObservedCell,
) -> Observation {
    let class = suggested(answer, labels);
    let mut observation = Observation {
        id: String::new(),
        meta: Meta {
            security: [codes::by_a_machine()],
        },
        contained: [device(&answer.model, &answer.provenance.software)],
        identifier: Vec::new(),
        // Never `final`, which only a person may set.
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

/// Sets the id of an observation from its content; `copy` counts equal ones before it.
pub(super) fn name(observation: &mut Observation, copy: usize) {
    observation.id.clear();
    observation.identifier.clear();
    let uuid = codes::uuid_of(observation, copy);
    observation.identifier.push(Identifier {
        kind: None,
        system: Some(URI),
        value: codes::urn(&uuid),
    });
    observation.id = uuid;
}

fn notes(answer: &PredictionAnswer) -> Vec<Annotation> {
    let note = |text: &str| Annotation {
        text: text.to_owned(),
    };
    let warnings = answer.warnings.iter().map(|warning| note(&warning.detail));
    std::iter::once(note(NOTE)).chain(warnings).collect()
}

fn method(answer: &PredictionAnswer) -> CodeableConcept {
    let display = match answer.method {
        MethodName::Baseline => "One deterministic pass",
        MethodName::McDropout => "Monte Carlo dropout",
        MethodName::Ensemble => "Ensemble of heads",
        MethodName::Tta => "Test-time augmentation",
    };
    let text = format!("{display}; samples: {}", answer.samples.used);
    codes::method(&word(&answer.method), display, &text)
}

/// The specimen, by the accession of the request.
fn specimen(accession: &str) -> Option<Reference> {
    Some(Reference {
        kind: Some("Specimen"),
        identifier: Some(Identifier {
            kind: Some(codes::accession()),
            system: None,
            value: codes::string(accession)?,
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

/// Adds the cell's place on the worklist of the request, from 1. It depends on the other cells, so
/// the observation's id does not include it.
pub(super) fn add_worklist_place(observation: &mut Observation, place: usize) {
    let display = "Place among the cells to look at, the most severe call first";
    let place = component("worklist-place", display, ObservedValue::Integer(place));
    observation.component.push(place);
}
