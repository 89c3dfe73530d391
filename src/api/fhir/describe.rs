//! FHIR resources in the OpenAPI document. The standard has their schema.

use std::borrow::Cow;

use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{ObjectBuilder, Type},
    },
};

use crate::api::examples;

const OBSERVATION: &str = "A FHIR R4 `Observation` about one cell with the status `preliminary`: a suggestion, not a diagnosis. It suggests a class only \
    if the policy's promise is about the class; else `dataAbsentReason` says why not. The components have the probabilities, the uncertainties, \
    the decision and what is needed to get the same answer again. The standard defines the members.";
const BUNDLE: &str = "A FHIR R4 `Bundle` of the type `collection`: for each cell, in the order in which they were sent, an `Observation`, or an \
    `OperationOutcome` that says why there is none. The standard defines the members.";

#[allow(
    deprecated,
    reason = "the other schemas' examples are written so, and OpenAPI 3.0 knows no other way"
)]
fn resource(description: &str, example: Value) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .example(Some(example))
        .build()
        .into()
}

macro_rules! described {
    ($(#[$attribute:meta])* $name:ident, $description:expr, $example:expr) => {
        $(#[$attribute])*
        pub(in crate::api) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                resource($description, $example)
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}

described!(
    /// The description of an observation.
    FhirObservation, OBSERVATION, examples::observation()
);
described!(
    /// The description of a bundle.
    FhirBundle, BUNDLE, examples::bundle()
);
