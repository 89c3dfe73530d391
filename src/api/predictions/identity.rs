//! The id of an answer: a digest of the question, so that whoever asks again gets the same answer under the same id.

use serde::Serialize;

use super::{PredictionAnswer, answer::WarningCode};
use crate::api::{digest::short_id, vocabulary::MethodName};
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
        Self {
            sha256: sha256_hex(image),
            crop: None,
        }
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
struct Question<'answer> {
    image: &'answer ImageIdentity,
    accession: Option<&'answer str>,
    bundle: &'answer str,
    /// With its number of samples and its policy.
    methods: Vec<(MethodName, usize, Option<&'answer str>)>,
    seed: u64,
    exact: bool,
    with_samples: bool,
    with_views: bool,
    /// They tell whether a field's scale was given.
    warnings: Vec<WarningCode>,
}

/// The id of an answer to a question about `image`; `exact` is whether every view was asked for.
pub(super) fn id_of(answer: &PredictionAnswer, image: &ImageIdentity, exact: bool) -> String {
    let main = (answer.method, &answer.samples, &answer.decision);
    let further = answer.comparisons.iter();
    let further = further.map(|answer| (answer.method, &answer.samples, &answer.decision));
    let all = || std::iter::once(main).chain(further.clone());
    let methods = all().map(|(method, samples, decision)| {
        let policy = decision.policy.as_deref();
        (method, samples.requested, policy)
    });
    short_id(&Question {
        image,
        accession: answer.accession.as_deref(),
        bundle: &answer.model.sha256,
        methods: methods.collect(),
        seed: answer.provenance.seed,
        exact,
        with_samples: answer.samples.values.is_some(),
        with_views: all().any(|(_, samples, _)| samples.views.is_some()),
        warnings: answer.warnings.iter().map(|warning| warning.code).collect(),
    })
}
