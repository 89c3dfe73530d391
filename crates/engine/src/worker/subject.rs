//! What a request is about (an upload, a cell of a field, or a tensor that somebody else has made), and what a job's images are made
//! of.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::{EngineError, ImageIdentity, admission::RequestPlan, method::tta};
use bundle::{Input, Manifest, hex};
use imaging::{CellImage, ImageError, InputTensor, Limits, crop_at_nucleus, decode, resize};

/// What a request is about. Clones share the bytes, the field or the values.
#[derive(Clone, Debug)]
pub enum Subject {
    /// An encoded image as it was uploaded.
    Upload(Bytes),
    /// A cell of a field that is decoded already.
    Crop(FieldCrop),
    /// One image `[3, size, size]`, resized and normalised as the bundle says. There are no augmented views of it.
    Tensor(Arc<[f32]>),
}

/// A field of which cells are cut.
#[derive(Clone, Debug)]
pub struct DecodedField {
    /// Its pixels.
    pub pixels: CellImage,
    /// SHA-256 of the upload in hexadecimal.
    pub sha256: String,
    /// The seed of a request that gives none.
    pub seed: u64,
}

impl DecodedField {
    /// # Errors
    /// [`EngineError::Image`]
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

/// A square of a field, cut by whoever needs its pixels.
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
    /// Around a point of the field in pixels: the pixel that the point lies on.
    pub fn at(field: &Arc<DecodedField>, x: f64, y: f64, edge: u32) -> Self {
        // Numbers beyond the range become its ends, which lie outside every field.
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
    /// Which image it is, and the seed of its random choices. Where the request gives none, it is made of the subject, so that the
    /// same one gets the same answer; cells of a field have different ones in either case.
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

    /// Refuses a tensor where the plan asks for views, and one that the bundle's normalisation could not have made: its answer
    /// would mean nothing.
    ///
    /// # Errors
    /// [`EngineError::NoViewsOfTensor`], [`EngineError::Tensor`]
    pub fn check(&self, plan: &RequestPlan) -> Result<(), EngineError> {
        let Self::Tensor(values) = self else {
            return Ok(());
        };
        if plan.tta().is_some() {
            return Err(EngineError::NoViewsOfTensor);
        }
        check_tensor(values, &plan.model().manifest().input)
    }

    /// The pixels: decoded or cut. `None` for a tensor, which has none.
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
            "it has {} values instead of 3 × {size} × {size}",
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
                "it holds {value}, and no pixel gives less than {low:.2} or more than {high:.2} in channel {channel}"
            );
            return Err(EngineError::Tensor { reason });
        }
    }
    Ok(())
}

/// What black and white become in a channel, and half of that range beyond both: filters overshoot.
fn allowed_values(input: &Input, channel: usize) -> (f64, f64) {
    let step = &input.normalisation;
    let of = |array: &[f32; 3]| f64::from(array.get(channel).copied().unwrap_or(1.0));
    let normalised = |value: f64| (value * f64::from(step.scale) - of(&step.mean)) / of(&step.std);
    let (black, white) = (normalised(0.0), normalised(255.0));
    let slack = (white - black).abs() / 2.0;
    (black.min(white) - slack, black.max(white) + slack)
}

/// The first 53 bits of the SHA-256 of the upload: the same bytes get the same answer, and every JSON reader keeps the
/// number exactly.
pub fn seed_of(image: &[u8]) -> u64 {
    seed_of_digest(&Sha256::digest(image))
}

fn seed_of_digest(digest: &[u8]) -> u64 {
    let first = digest.first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(first) >> 11
}

/// The seed of one cell of a field: of the request's seed and the nucleus' position alone, so that an answer does not
/// depend on which other cells were asked for.
fn seed_of_cell(seed: u64, x: i64, y: i64) -> u64 {
    let bytes = [seed.to_le_bytes(), x.to_le_bytes(), y.to_le_bytes()].concat();
    seed_of(&bytes)
}

/// What a job's images are made of.
#[derive(Clone, Debug)]
pub(crate) enum JobImages {
    /// A cell as it came.
    Subject(Subject),
    /// A cell.
    Cell(Arc<CellImage>),
    /// Some of the augmented views of a cell.
    Views {
        /// The cell, or a smaller copy of it: see [`tta::source`].
        cell: Arc<CellImage>,
        /// Seed of the request.
        seed: u64,
        /// Which views, counted from 0.
        range: Range<usize>,
    },
}

impl JobImages {
    /// Images that go through the trunk.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Subject(_) | Self::Cell(_) => 1,
            Self::Views { range, .. } => range.len(),
        }
    }

    /// Appends the images to the tensor, on an error perhaps some of them. Returns the size in pixels of a cell as it came,
    /// before it was resized.
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
