//! What each method is to the engine: how it asks its graph, what that graph reads and gives, and what its scores mean. What may
//! enter: a file or folder for each method, and what all of them share. What may not: sessions' lives, queues, requests.
//!
//! A new method is a file or folder here and a line in the functions of this file. Test-time augmentation asks as the baseline
//! does, its own graph or the baseline's; [`tta`] makes the views and says how many are enough.

mod baseline;
mod ensemble;
mod graph;
mod mc_dropout;
mod samples;
pub(crate) mod tta;

use bundle::{Manifest, Method};

use crate::RunError;

pub(crate) use graph::{HeadGraph, HeadQuestion, NamedShape, extract, to_i64, unexpected};
pub use mc_dropout::{draw_mask, draw_masks};
pub(crate) use samples::samples_of;

/// What a head is asked for, once per image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadCall {
    /// Whose head; `Tta` may have none of its own.
    pub(crate) method: Method,
    /// Number of samples wanted of each image.
    pub(crate) passes: usize,
    /// Seed of the masks.
    pub(crate) seed: u64,
}

/// Asks the graph of a method for class scores `[images, samples, C]`, row-major.
pub(crate) fn ask(
    method: Method,
    graph: HeadGraph<'_>,
    manifest: &Manifest,
    question: &HeadQuestion<'_>,
) -> Result<Vec<f32>, RunError> {
    let methods = &manifest.methods;
    match (method, &methods.mc_dropout, &methods.ensemble) {
        (Method::McDropout, Some(mc_dropout), _) => mc_dropout::ask(graph, mc_dropout, question),
        (Method::Ensemble, _, Some(ensemble)) => ensemble::ask(graph, ensemble, question),
        _ => baseline::ask(graph, question),
    }
}

/// What the graph of a method reads beside features or images.
pub(crate) fn further_inputs(manifest: &Manifest, method: Method) -> Vec<NamedShape<'_>> {
    match (method, &manifest.methods.mc_dropout) {
        (Method::McDropout, Some(mc_dropout)) => mc_dropout::further_inputs(mc_dropout),
        _ => Vec::new(),
    }
}

/// The shape of a method's scores, −1 where the graph may leave the size open.
pub(crate) fn output_shape(manifest: &Manifest, method: Method) -> Vec<i64> {
    let classes = to_i64(manifest.labels.len());
    let methods = &manifest.methods;
    match (method, &methods.mc_dropout, &methods.ensemble) {
        (Method::McDropout, Some(mc_dropout), _) => mc_dropout::output_shape(mc_dropout, classes),
        (Method::Ensemble, _, Some(ensemble)) => ensemble::output_shape(ensemble, classes),
        _ => baseline::output_shape(classes),
    }
}
