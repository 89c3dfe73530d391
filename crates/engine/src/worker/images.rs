//! From what a job brings to the tensor that the trunk reads.

use std::{ops::Range, sync::Arc};

use super::subject::Subject;
use crate::method::tta;
use bundle::Manifest;
use imaging::{CellImage, ImageError, InputTensor, Limits, resize};

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
