//! Cells that only say when to stop.

use std::collections::BTreeMap;

use crate::{Study, random};

/// Share of the training cells that say when to stop, where a recipe stops early.
const SHARE: f64 = 0.1;

/// Divides training rows into those to learn from and those that say when to stop: whole images, together about a tenth
/// of the cells and never more than half of the images. The paper stops by the fold that evaluates afterwards.
pub(super) fn hold_back(study: &Study, rows: &[usize], purpose: &str) -> (Vec<usize>, Vec<usize>) {
    let mut of_image: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, image) in rows.iter().zip(study.images(rows)) {
        of_image.entry(image).or_default().push(*row);
    }
    let images: Vec<Vec<usize>> = of_image.into_values().collect();
    let mut stream = random::stream(study.seed, &format!("{purpose}/cells to stop by"));
    let order = random::permutation(&mut stream, images.len());
    let wanted = rows.len() as f64 * SHARE;
    let mut held_back: Vec<usize> = Vec::new();
    for image in order.into_iter().take(images.len() / 2) {
        if held_back.len() as f64 >= wanted {
            break;
        }
        held_back.extend(images.get(image).into_iter().flatten());
    }
    held_back.sort_unstable();
    let learnt_from = |row: &usize| held_back.binary_search(row).is_err();
    (
        rows.iter().copied().filter(learnt_from).collect(),
        held_back,
    )
}
