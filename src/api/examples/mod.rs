//! Examples for the description of the interface: real answers of the default bundle. The test
//! `the_examples_are_real_answers` holds them against the server; `make openapi` writes them again.

use serde_json::Value;

/// The answer for `examples/cells/hsil.png`.
pub(super) fn prediction() -> Value {
    read(include_str!("prediction.json"))
}

/// The answer for `examples/cells/nilm.png`, `examples/cells/hsil.png` and half a JPEG.
pub(super) fn batch() -> Value {
    read(include_str!("batch.json"))
}

/// The answer for two nuclei on `examples/cells/hsil.png`, of which one lies beside it.
pub(super) fn field() -> Value {
    read(include_str!("field.json"))
}

/// The answer for `examples/cells/hsil.png`, in FHIR.
pub(super) fn observation() -> Value {
    read(include_str!("observation.json"))
}

/// The answer for two nuclei on `examples/cells/hsil.png`, of which one lies beside it, in FHIR.
pub(super) fn bundle() -> Value {
    read(include_str!("bundle.json"))
}

/// The answer for half a JPEG.
pub(super) fn problem() -> Value {
    read(include_str!("problem.json"))
}

/// A file that is no JSON shows as null, which the test would notice.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
