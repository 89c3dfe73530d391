//! Answers as resources of FHIR R4: an `Observation` per cell, a `Bundle` of them for many.
//!
//! Everything in them is in the JSON answer, too, under the same names; nothing is computed. There is no clock in them: the
//! same upload, model and seed give the same resource, byte for byte, under the same id.

mod bundle;
mod codes;
mod describe;
mod observation;
mod refusal;
mod resources;
mod respond;
mod suggested;
mod text;

pub(super) use bundle::bundle;
pub(super) use describe::{FhirBundle, FhirObservation};
pub(super) use observation::{Cell, observation};
pub(super) use refusal::{check, check_accession};
pub(super) use respond::FhirJson;
