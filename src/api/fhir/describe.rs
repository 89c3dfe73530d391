//! What the description of the interface says of the resources. Their schema is the standard's.

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

const OBSERVATION: &str = "An `Observation` of FHIR R4 about one cell, `preliminary`: a suggestion, not a diagnosis. A class is suggested only \
    where the policy's promise is about it; else `dataAbsentReason` says why there is none. The components hold the probabilities, the uncertainties, \
    the decision and what is needed to get the same answer again. The members are the standard's.";
const BUNDLE: &str = "A `Bundle` of FHIR R4, type `collection`: for each cell, in the order in which they were sent, an `Observation`, or an \
    `OperationOutcome` that says why there is none. The members are the standard's.";

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
