//! The views of test-time augmentation, a few at a time, so that fifty of them never lie in memory together.

use std::ops::Range;

use crate::{
    bundle::{Input, Tta},
    imaging::{CellImage, ImageError, InputTensor, augment},
};

/// Views number `range` of the image, ready for the trunk. View `i` depends on the seed and `i` alone.
pub(in crate::engine) fn views(
    image: &CellImage,
    tta: &Tta,
    input: &Input,
    seed: u64,
    range: Range<usize>,
) -> Result<InputTensor, ImageError> {
    let mut tensor = InputTensor::with_capacity(input.size, input.size, range.len())?;
    for index in range {
        // An index is far below 2⁶⁴ on every machine there is.
        let view = augment::view(
            image,
            &tta.policy,
            seed,
            index as u64,
            input.size,
            input.resize,
        )?;
        tensor.push(&view, &input.normalisation)?;
    }
    Ok(tensor)
}

/// Cuts `views` into consecutive ranges of at most `largest`, at least one for each of `workers` where there are enough.
pub(in crate::engine) fn chunks(views: usize, largest: usize, workers: usize) -> Vec<Range<usize>> {
    let size = views.div_ceil(workers.max(1)).clamp(1, largest.max(1));
    (0..views)
        .step_by(size)
        .map(|start| start..(start + size).min(views))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::chunks;

    #[test]
    fn chunks_cover_every_view_once() {
        assert_eq!(chunks(10, 4, 2), [0..4, 4..8, 8..10]);
        assert_eq!(chunks(4, 8, 4), [0..1, 1..2, 2..3, 3..4]);
        assert!(chunks(0, 8, 4).is_empty());
    }
}
