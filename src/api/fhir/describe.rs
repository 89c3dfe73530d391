//! What the description of the interface says of the resources. Their schema is the standard's.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::examples;

/// An `Observation` of FHIR R4 about one cell, `preliminary`: a suggestion, not a diagnosis. A class is suggested where the
/// policy accepts the answer; else `dataAbsentReason` says why there is none. The components hold the probabilities, the
/// uncertainties, the decision and what is needed to get the same answer again. The members are the standard's.
#[derive(Deserialize, ToSchema)]
#[schema(value_type = Object, example = examples::observation)]
#[allow(dead_code, reason = "only its description is used")]
pub(in crate::api) struct FhirObservation(serde_json::Value);

/// A `Bundle` of FHIR R4, type `collection`: for each cell, in the order in which they were sent, an `Observation`, or an
/// `OperationOutcome` that says why there is none. The members are the standard's.
#[derive(Deserialize, ToSchema)]
#[schema(value_type = Object, example = examples::bundle)]
#[allow(dead_code, reason = "only its description is used")]
pub(in crate::api) struct FhirBundle(serde_json::Value);
