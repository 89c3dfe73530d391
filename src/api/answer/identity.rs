//! Ids made of what they name: the same content has the same id, on every server. An answer's is made of the question, so that
//! whoever asks again gets the same answer under the same id.

use serde::Serialize;
use sha2::{Digest, Sha256};
use ulid::Ulid;

use super::{PredictionAnswer, WarningCode};
use crate::api::vocabulary::{MethodName, PrecisionName};
use bundle::sha256_hex;
use engine::FieldCrop;

/// The image that a question is about: its encoded bytes and, of a field, what was cut out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ImageIdentity {
    /// SHA-256 of the encoded image.
    sha256: String,
    /// Column, row and edge in pixels of the field.
    crop: Option<(i64, i64, u32)>,
}

impl ImageIdentity {
    /// Of an image that is looked at whole.
    pub fn of(image: &[u8]) -> Self {
        Self::of_digest(sha256_hex(image))
    }

    /// The same, by the SHA-256 of the image in hexadecimal.
    pub(in crate::api) fn of_digest(sha256: String) -> Self {
        Self { sha256, crop: None }
    }

    /// Of a square of this image.
    pub(in crate::api) fn cropped(&self, crop: &FieldCrop) -> Self {
        Self {
            crop: Some((crop.x, crop.y, crop.edge)),
            ..self.clone()
        }
    }
}

/// All that an answer depends on. What a request leaves out counts as what was taken in its place.
#[derive(Serialize)]
struct AskedQuestion<'answer> {
    image: &'answer ImageIdentity,
    accession: Option<&'answer str>,
    bundle: &'answer str,
    /// With its number of samples and its policy.
    methods: Vec<(MethodName, usize, Option<&'answer str>)>,
    seed: u64,
    /// Trunks of other precisions answer otherwise.
    trunk_precision: Option<PrecisionName>,
    exact: bool,
    with_samples: bool,
    with_views: bool,
    /// They tell whether a field's scale was given.
    warnings: Vec<WarningCode>,
    /// A name of its own for an answer that cannot be repeated.
    drawn_once: Option<String>,
}

/// The id of an answer to a question about `image`; `exact` is whether every view was asked for. Where a graph draws its samples
/// by itself, no seed repeats them, and each answer has an id of its own.
pub(super) fn id_of(
    answer: &PredictionAnswer,
    image: &ImageIdentity,
    exact: bool,
    is_repeatable: bool,
) -> String {
    let main = (answer.method, &answer.samples, &answer.decision);
    let further = answer.comparisons.iter();
    let further = further.map(|answer| (answer.method, &answer.samples, &answer.decision));
    let all = || std::iter::once(main).chain(further.clone());
    let methods = all().map(|(method, samples, decision)| {
        let policy = decision.policy.as_deref();
        (method, samples.requested, policy)
    });
    short_id(&AskedQuestion {
        image,
        accession: answer.accession.as_deref(),
        bundle: &answer.model.sha256,
        methods: methods.collect(),
        seed: answer.provenance.seed,
        trunk_precision: answer.provenance.trunk_precision,
        exact: exact && all().any(|(method, ..)| method == MethodName::Tta),
        with_samples: answer.samples.values.is_some(),
        with_views: all().any(|(_, samples, _)| samples.views.is_some()),
        warnings: answer.warnings.iter().map(|warning| warning.code).collect(),
        drawn_once: (!is_repeatable).then(|| Ulid::new().to_string()),
    })
}

/// An id in the 26 letters and digits of a ULID.
fn short_id(content: &impl Serialize) -> String {
    Ulid(digest_of(content, 0)).to_string()
}

/// A UUID of version 8 (RFC 9562). `copy` tells resources with the same content apart.
pub(in crate::api) fn uuid_of(content: &impl Serialize, copy: usize) -> String {
    let mut number = digest_of(content, copy);
    number = (number & !(0xf << 76)) | (0x8 << 76);
    number = (number & !(0x3 << 62)) | (0x2 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        number >> 96,
        (number >> 80) & 0xffff,
        (number >> 64) & 0xffff,
        (number >> 48) & 0xffff,
        number & 0xffff_ffff_ffff
    )
}

/// A UUID as an address.
pub(in crate::api) fn urn(uuid: &str) -> String {
    format!("urn:uuid:{uuid}")
}

/// The first 128 bits of the SHA-256 of a value's JSON.
fn digest_of(content: &impl Serialize, copy: usize) -> u128 {
    // Our own types: strings, numbers and lists of them.
    let json = serde_json::to_vec(content).unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(&json);
    if copy > 0 {
        hash.update(copy.to_be_bytes());
    }
    let bytes = hash.finalize();
    let bytes = bytes.first_chunk().copied().unwrap_or_default();
    u128::from_be_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_of_version_8_and_that_of_its_content() {
        let id = uuid_of(&"cell", 0);
        assert_eq!(id, uuid_of(&"cell", 0));
        assert!(id != uuid_of(&"sell", 0) && id != uuid_of(&"cell", 1));
        let parts: Vec<&str> = id.split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('8') && "89ab".contains(&parts[3][..1]));
    }
}
