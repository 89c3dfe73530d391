//! Answers as FHIR R4 resources: an `Observation` per cell, a `Bundle` of them for many cells.
//!
//! Everything in them is in the JSON answer too, under the same names. They have no time in them:
//! the same upload, model and seed give the same resource, byte for byte, under the same id.

mod bundle;
mod codes;
mod components;
mod describe;
mod observation;
mod resources;
mod suggested;

pub(super) use bundle::bundle;
pub(super) use codes::is_allowed;
pub(super) use components::ObservedCell;
pub(super) use describe::{FhirBundle, FhirObservation};
pub(super) use observation::observation;
