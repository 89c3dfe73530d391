//! The subject of a request (an upload, a cell of a field, or a tensor from the client), and the
//! images of a job.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::{EngineError, ImageIdentity, admission::RequestPlan, method::tta};
use bundle::{Input, Manifest, hex};
use imaging::{CellImage, ImageError, InputTensor, Limits, crop_at_nucleus, decode, resize};

/// The subject of a request. Clones share the bytes, the field or the values.
#[derive(Clone, Debug)]
pub enum Subject {
    /// An encoded image.
    Upload(Bytes),
    /// A cell of a decoded field.
    Crop(FieldCrop),
    /// One image `[3, size, size]`, resized and normalised by the client. It has no augmented
    /// views.
    Tensor(Arc<[f32]>),
}

/// A decoded field, from which cells are cut.
#[derive(Clone, Debug)]
pub struct DecodedField {
    /// Its pixels.
    pub pixels: CellImage,
    /// SHA-256 of the upload in hexadecimal.
    pub sha256: String,
    /// The seed for requests without one.
    pub seed: u64,
}

impl DecodedField {
    /// # Errors
    /// [`EngineError::Image`] if it cannot be decoded.
    pub(crate) fn of(upload: &[u8], limits: &Limits) -> Result<Self, EngineError> {
        let pixels = decode(upload, limits)?;
        let digest = Sha256::digest(upload);
        Ok(Self {
            pixels,
            sha256: hex(&digest),
            seed: seed_of_digest(&digest),
        })
    }
}

/// A square of a field. It is cut when its pixels are needed.
#[derive(Clone, Debug)]
pub struct FieldCrop {
    /// The field, shared by all its cells.
    pub field: Arc<DecodedField>,
    /// Column of the nucleus in pixels of the field.
    pub x: i64,
    /// Row of the nucleus in pixels of the field.
    pub y: i64,
    /// Edge of the square in pixels of the field.
    pub edge: u32,
}

impl FieldCrop {
    /// The crop around a point of the field in pixels. The nucleus is the pixel that contains the
    /// point.
    pub fn at(field: &Arc<DecodedField>, x: f64, y: f64, edge: u32) -> Self {
        // The cast saturates; the ends of the range are outside every field.
        let pixel = |position: f64| position.floor() as i64;
        Self {
            field: Arc::clone(field),
            x: pixel(x),
            y: pixel(y),
            edge,
        }
    }
}

impl From<Bytes> for Subject {
    fn from(upload: Bytes) -> Self {
        Self::Upload(upload)
    }
}

impl From<Vec<u8>> for Subject {
    fn from(upload: Vec<u8>) -> Self {
        Self::Upload(upload.into())
    }
}

impl Subject {
    /// The identity of the image, and the seed of its random numbers. Without a seed in the
    /// request, it is derived from the subject, so that the same subject gets the same answer.
    /// Cells of a field always have different seeds.
    pub(crate) fn identity_and_seed(&self, of_request: Option<u64>) -> (ImageIdentity, u64) {
        let digest = match self {
            Self::Crop(FieldCrop { field, x, y, edge }) => {
                let image = ImageIdentity {
                    sha256: field.sha256.clone(),
                    crop: Some((*x, *y, *edge)),
                };
                let seed = seed_of_cell(of_request.unwrap_or(field.seed), *x, *y);
                return (image, seed);
            }
            Self::Upload(upload) => Sha256::digest(upload),
            Self::Tensor(values) => {
                let mut hash = Sha256::new();
                values
                    .iter()
                    .for_each(|value| hash.update(value.to_le_bytes()));
                hash.finalize()
            }
        };
        let image = ImageIdentity {
            sha256: hex(&digest),
            crop: None,
        };
        (image, of_request.unwrap_or_else(|| seed_of_digest(&digest)))
    }

    /// Refuses a tensor if the plan needs augmented views, or if the bundle's normalisation cannot
    /// have made it.
    ///
    /// # Errors
    /// [`EngineError::NoViewsOfTensor`] or [`EngineError::Tensor`].
    pub fn check(&self, plan: &RequestPlan) -> Result<(), EngineError> {
        let Self::Tensor(values) = self else {
            return Ok(());
        };
        if plan.tta().is_some() {
            return Err(EngineError::NoViewsOfTensor);
        }
        check_tensor(values, &plan.model().manifest().input)
    }

    /// The pixels, decoded or cut; `None` for a tensor.
    pub(crate) fn pixels(
        &self,
        input: &Input,
        limits: &Limits,
    ) -> Result<Option<CellImage>, ImageError> {
        match self {
            Self::Upload(upload) => decode(upload, limits).map(Some),
            Self::Crop(FieldCrop { field, x, y, edge }) => {
                crop_at_nucleus(&field.pixels, *x, *y, *edge, input.padding).map(Some)
            }
            Self::Tensor(_) => Ok(None),
        }
    }
}

fn check_tensor(values: &[f32], input: &Input) -> Result<(), EngineError> {
    let size = usize::try_from(input.size).unwrap_or(usize::MAX);
    let expected = size.saturating_mul(size).saturating_mul(3);
    if values.len() != expected {
        let reason = format!(
            "it has {} values, expected 3 × {size} × {size}",
            values.len()
        );
        return Err(EngineError::Tensor { reason });
    }
    for (plane, channel) in values.chunks_exact(size.saturating_mul(size)).zip(0..) {
        let (low, high) = allowed_values(input, channel);
        let outside = plane
            .iter()
            .find(|value| !(low..=high).contains(&f64::from(**value)));
        if let Some(value) = outside {
            let reason = format!(
                "channel {channel} has the value {value}, expected {low:.2} to {high:.2} from the model's normalisation"
            );
            return Err(EngineError::Tensor { reason });
        }
    }
    Ok(())
}

/// The range of a channel from black to white, plus half of it on both sides, because resizing
/// filters overshoot.
fn allowed_values(input: &Input, channel: usize) -> (f64, f64) {
    let step = &input.normalisation;
    let of = |array: &[f32; 3]| f64::from(array.get(channel).copied().unwrap_or(1.0));
    let normalised = |value: f64| (value * f64::from(step.scale) - of(&step.mean)) / of(&step.std);
    let (black, white) = (normalised(0.0), normalised(255.0));
    let slack = (white - black).abs() / 2.0;
    (black.min(white) - slack, black.max(white) + slack)
}

/// The first 53 bits of the SHA-256 of the upload. The same bytes get the same seed, and JSON
/// numbers represent it exactly.
pub fn seed_of(image: &[u8]) -> u64 {
    seed_of_digest(&Sha256::digest(image))
}

fn seed_of_digest(digest: &[u8]) -> u64 {
    let first = digest.first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(first) >> 11
}

/// The seed of one cell of a field. It depends only on the request's seed and the position, so that
/// an answer does not depend on the other cells of the request.
fn seed_of_cell(seed: u64, x: i64, y: i64) -> u64 {
    let bytes = [seed.to_le_bytes(), x.to_le_bytes(), y.to_le_bytes()].concat();
    seed_of(&bytes)
}

/// The images of a job.
#[derive(Clone, Debug)]
pub(crate) enum JobImages {
    /// The subject of a request.
    Subject(Subject),
    /// A decoded cell.
    Cell(Arc<CellImage>),
    /// A range of augmented views of a cell.
    Views {
        /// The cell, or a smaller copy of it ([`tta::source`]).
        cell: Arc<CellImage>,
        /// Seed of the request.
        seed: u64,
        /// Which views, counted from 0.
        range: Range<usize>,
    },
}

impl JobImages {
    /// Number of images through the trunk.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Subject(_) | Self::Cell(_) => 1,
            Self::Views { range, .. } => range.len(),
        }
    }

    /// Appends the images to the tensor; on an error, some may have been appended. Returns the
    /// original size of a cell in pixels.
    pub(crate) fn push_to(
        &self,
        tensor: &mut InputTensor,
        manifest: &Manifest,
        limits: &Limits,
    ) -> Result<Option<(u32, u32)>, ImageError> {
        let input = &manifest.input;
        let mut push = |image: &CellImage| {
            let resized = resize(image, input.size, input.size, input.resize)?;
            tensor.push(&resized, &input.normalisation)?;
            Ok(Some((image.width(), image.height())))
        };
        match self {
            Self::Subject(Subject::Tensor(values)) => tensor.push_values(values).map(|()| None),
            Self::Subject(subject) => match subject.pixels(input, limits)? {
                Some(cell) => push(&cell),
                None => Ok(None),
            },
            Self::Cell(cell) => push(cell),
            Self::Views { cell, seed, range } => match &manifest.methods.tta {
                Some(tta) => {
                    tta::push_views(tensor, cell, tta, input, *seed, range.clone()).map(|()| None)
                }
                None => Ok(None),
            },
        }
    }
}
