//! The views of test-time augmentation. Workers make them a few at a time, so that fifty never lie in memory together.

use std::{ops::Range, sync::Arc};

use bundle::{Input, Tta};
use imaging::{CellImage, ImageError, InputTensor, augment, resize};

/// View number `index` of the image, of the bundle's input size. It depends on the seed and `index` alone.
fn view(
    image: &CellImage,
    tta: &Tta,
    input: &Input,
    seed: u64,
    index: usize,
) -> Result<CellImage, ImageError> {
    // An index is far below 2⁶⁴ on every machine there is.
    let index = index as u64;
    augment::view(image, &tta.policy, seed, index, input.size, input.resize)
}

/// The first `count` views as PNG files, as the trunk sees them before they are normalised.
pub(crate) fn pictures(
    image: &CellImage,
    tta: &Tta,
    input: &Input,
    seed: u64,
    count: usize,
) -> Result<Vec<Vec<u8>>, ImageError> {
    (0..count)
        .map(|index| view(image, tta, input, seed, index)?.to_png())
        .collect()
}

/// Appends views number `range` of the image to the tensor.
pub(crate) fn push_views(
    tensor: &mut InputTensor,
    image: &CellImage,
    tta: &Tta,
    input: &Input,
    seed: u64,
    range: Range<usize>,
) -> Result<(), ImageError> {
    for index in range {
        let view = view(image, tta, input, seed, index)?;
        tensor.push(&view, &input.normalisation)?;
    }
    Ok(())
}

/// An image larger than this many input sizes is shrunk before views are made of it: a field of 50 megapixels would
/// otherwise be jittered at full size for every view.
const LARGEST_SOURCE: u32 = 4;

/// The image itself, or a smaller copy of the same shape where it is much larger than the views to be made of it.
pub(crate) fn source(image: &Arc<CellImage>, input: &Input) -> Result<Arc<CellImage>, ImageError> {
    let most = input.size.saturating_mul(LARGEST_SOURCE);
    let longest = image.width().max(image.height());
    if longest <= most {
        return Ok(Arc::clone(image));
    }
    let shrunk = |side: u32| {
        let scaled = u64::from(side) * u64::from(most) / u64::from(longest);
        u32::try_from(scaled).unwrap_or(most).max(1)
    };
    let (width, height) = (shrunk(image.width()), shrunk(image.height()));
    resize(image, width, height, input.resize).map(Arc::new)
}
