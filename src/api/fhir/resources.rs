//! The parts of FHIR R4 (4.0.1) that answers use, under FHIR's names.

use serde::Serialize;

/// The observation of one cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType")]
pub(in crate::api) struct Observation {
    pub(super) id: String,
    pub(super) meta: Meta,
    pub(super) contained: [Device; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) identifier: Vec<Identifier>,
    pub(super) status: &'static str,
    pub(super) category: [CodeableConcept; 1],
    pub(super) code: CodeableConcept,
    pub(super) performer: [Reference; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value_codeable_concept: Option<CodeableConcept>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data_absent_reason: Option<CodeableConcept>,
    pub(super) note: Vec<Annotation>,
    pub(super) method: CodeableConcept,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) specimen: Option<Reference>,
    pub(super) device: Reference,
    pub(super) component: Vec<ObservationComponent>,
}

/// A number or a text of an observation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ObservationComponent {
    pub(super) code: CodeableConcept,
    #[serde(flatten)]
    pub(super) value: ObservedValue,
}

/// The value of a component, or why it has none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) enum ObservedValue {
    #[serde(rename = "valueQuantity")]
    Quantity(Quantity),
    #[serde(rename = "valueInteger")]
    Integer(usize),
    #[serde(rename = "valueBoolean")]
    Boolean(bool),
    #[serde(rename = "valueString")]
    String(String),
    #[serde(rename = "dataAbsentReason")]
    Absent(CodeableConcept),
}

/// A number and its unit: `unit` for people, `system` and `code` for programs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Quantity {
    pub(super) value: f64,
    pub(super) unit: &'static str,
    pub(super) system: &'static str,
    pub(super) code: &'static str,
}

/// A meaning, as codes and as text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct CodeableConcept {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) coding: Vec<Coding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
}

/// A code of a system.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Coding {
    pub(super) system: &'static str,
    pub(super) code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) display: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Meta {
    pub(super) security: [Coding; 1],
}

/// A name of something in a system of names.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Identifier {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<CodeableConcept>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<&'static str>,
    pub(super) value: String,
}

/// Another resource, by its address, by its identifier or as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Reference {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<&'static str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identifier: Option<Identifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) display: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Annotation {
    pub(super) text: String,
}

/// The model, as a device contained in the observation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType")]
pub(super) struct Device {
    pub(super) id: &'static str,
    pub(super) serial_number: String,
    pub(super) device_name: [DeviceName; 1],
    #[serde(rename = "type")]
    pub(super) kind: CodeableConcept,
    pub(super) version: [DeviceVersion; 2],
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct DeviceName {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct DeviceVersion {
    #[serde(rename = "type")]
    pub(super) kind: CodeableConcept,
    pub(super) value: String,
}

/// The reason why a cell has no observation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "resourceType")]
pub(in crate::api) struct OperationOutcome {
    pub(super) id: String,
    pub(super) issue: [Issue; 1],
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Issue {
    pub(super) severity: &'static str,
    pub(super) code: &'static str,
    pub(super) details: CodeableConcept,
    pub(super) diagnostics: String,
}

/// The cells of a request, in the order in which they were sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename = "Bundle", rename_all = "camelCase", tag = "resourceType")]
pub(in crate::api) struct BundleResource {
    pub(super) id: String,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) entry: Vec<BundleEntry>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BundleEntry {
    pub(super) full_url: String,
    pub(super) resource: EntryResource,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum EntryResource {
    Observation(Box<Observation>),
    OperationOutcome(OperationOutcome),
}
