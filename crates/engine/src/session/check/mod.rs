//! Checks of a bundle that need its sessions: names and shapes of tensors, and the outputs of a
//! trial run.

mod answers;
mod graphs;
mod images;

use ort::session::RunOptions;

use self::{
    answers::{check_rows, check_scores, check_tensor, failed},
    graphs::check_graphs,
    images::TrialImage,
};
use super::{
    bundle_sessions::{BatchSizes, BundleSessions, RunContext},
    rows::{BatchPart, HeadRows, scores_of_parts},
};
use crate::{RunError, StartError, method::HeadCall};
use bundle::{Bundle, Manifest, Method, Sampling};
use imaging::InputTensor;

pub(crate) use images::{empty_tensor, noise};

/// Number of samples for each image after the first, which was checked with all of them.
const FEW_SAMPLES: usize = 2;

/// Compares every tensor in the manifest with the graphs, then runs each method once on noise and
/// checks the outputs. The run also warms the sessions up. [`check_on_other_images`] runs four more
/// images.
pub(crate) fn check(bundle: &Bundle, sessions: &mut BundleSessions) -> Result<(), StartError> {
    check_graphs(bundle, sessions)?;
    let manifest = bundle.manifest();
    let options = RunOptions::new().map_err(|error| failed(bundle)(error.into()))?;
    let context = RunContext {
        options: &options,
        alone: false,
    };
    let calls = calls_of(manifest);
    let noise = TrialImage::Noise.tensor(bundle)?;
    let shown = (TrialImage::Noise, &noise);
    let (rows, scores) = look_at_answers(bundle, sessions, context, shown, &calls)?;
    let answered = calls.iter().zip(&scores);
    let mut dropped = answered.filter(|(call, _)| call.method == Method::McDropout);
    let Some((call, first)) = dropped.next() else {
        return Ok(());
    };
    let again = [HeadCall { seed: 1, ..*call }];
    let again = scores_of(sessions, &rows, context, &again).map_err(failed(bundle))?;
    let stands_still = draws_anew(manifest) && again.first() == Some(first);
    if stands_still || all_rows_equal(first, manifest.labels.len()) {
        return Err(StartError::NotStochastic {
            name: manifest.name.clone(),
        });
    }
    Ok(())
}

/// Checks the outputs of every method on other images. Some values overflow only if an image is
/// flat, dark or bright.
pub(crate) fn check_on_other_images(
    bundle: &Bundle,
    sessions: &mut BundleSessions,
) -> Result<(), StartError> {
    let manifest = bundle.manifest();
    let options = RunOptions::new().map_err(|error| failed(bundle)(error.into()))?;
    let context = RunContext {
        options: &options,
        alone: true,
    };
    let mut calls = calls_of(manifest);
    for call in &mut calls {
        if manifest.draws_any_number(call.method) {
            call.passes = call.passes.min(FEW_SAMPLES);
        }
    }
    for image in TrialImage::FURTHER {
        let tensor = image.tensor(bundle)?;
        look_at_answers(bundle, sessions, context, (image, &tensor), &calls)?;
    }
    Ok(())
}

/// Runs every head in `calls` on an image as a request would, and refuses the bundle if an output
/// is not usable. Returns the trunk's rows and the scores of each call.
fn look_at_answers<'images>(
    bundle: &Bundle,
    sessions: &mut BundleSessions,
    context: RunContext<'_>,
    (image, tensor): (TrialImage, &'images InputTensor),
    calls: &[HeadCall],
) -> Result<(HeadRows<'images>, Vec<Vec<f32>>), StartError> {
    check_tensor(bundle, tensor, image)?;
    let rows = sessions.rows(tensor, context).map_err(failed(bundle))?;
    check_rows(bundle, &rows, image)?;
    let scores = scores_of(sessions, &rows, context, calls).map_err(failed(bundle))?;
    for (call, scores) in calls.iter().zip(&scores) {
        check_scores(bundle, call.method, scores, image)?;
    }
    Ok((rows, scores))
}

/// The scores of each call for the only image.
fn scores_of(
    sessions: &mut BundleSessions,
    rows: &HeadRows<'_>,
    context: RunContext<'_>,
    calls: &[HeadCall],
) -> Result<Vec<Vec<f32>>, RunError> {
    let part = BatchPart {
        images: 0..1,
        calls,
    };
    Ok(scores_of_parts(sessions, &[part], rows, context)?.concat())
}

/// Runs the graphs that read images on noise, on one core and on all cores. Refuses the bundle
/// unless both results are bit-identical, because an answer must not depend on the load of the
/// server.
pub(crate) fn check_on_all_cores(
    bundle: &Bundle,
    sessions: &mut BundleSessions,
) -> Result<(), StartError> {
    let failed = failed(bundle);
    let noise = noise(bundle, 1)?;
    let options = RunOptions::new().map_err(|error| failed(error.into()))?;
    let manifest = bundle.manifest();
    // With a trunk, heads always run on one core. Active dropout never gives the same result twice.
    let mut calls = calls_of(manifest);
    calls.retain(|call| manifest.trunk.is_none() && !manifest.has_active_dropout(call.method));
    let mut run = |alone| -> Result<_, RunError> {
        let options = &options;
        let context = RunContext { options, alone };
        let rows = sessions.rows(&noise, context)?;
        let scores = scores_of(sessions, &rows, context, &calls)?;
        Ok((rows.values().to_vec(), rows.statistics_of(0..1), scores))
    };
    let (one, all) = (run(false).map_err(&failed)?, run(true).map_err(&failed)?);
    if one == all {
        return Ok(());
    }
    Err(StartError::ThreadsDiffer {
        name: manifest.name.clone(),
    })
}

/// The call of every head with default options.
fn calls_of(manifest: &Manifest) -> Vec<HeadCall> {
    let heads = manifest.methods_with_heads().into_iter();
    heads
        .map(|method| HeadCall {
            method,
            passes: manifest.default_passes(method),
            seed: 0,
        })
        .collect()
}

/// Runs the trunk and every head once on each other batch size, so that no request pays for the
/// runtime's first run of a size.
pub(crate) fn warm_up(
    bundle: &Bundle,
    sessions: &mut BundleSessions,
    batches: BatchSizes,
) -> Result<(), StartError> {
    let manifest = bundle.manifest();
    let failed = failed(bundle);
    let options = RunOptions::new().map_err(|error| failed(error.into()))?;
    let context = RunContext {
        options: &options,
        alone: false,
    };
    let calls = calls_of(manifest);
    for size in batches.buckets().filter(|size| *size > 1) {
        let images = noise(bundle, size)?;
        let rows = sessions.rows(&images, context).map_err(&failed)?;
        scores_of(sessions, &rows, context, &calls).map_err(&failed)?;
    }
    Ok(())
}

/// Whether two runs of `mc_dropout` must differ. A graph with its own T samples may have fixed
/// masks.
fn draws_anew(manifest: &Manifest) -> bool {
    let sampling = manifest
        .methods
        .mc_dropout
        .as_ref()
        .map(|mc_dropout| &mc_dropout.sampling);
    !matches!(sampling, Some(Sampling::InGraph {}))
}

fn all_rows_equal(scores: &[f32], classes: usize) -> bool {
    let mut rows = scores.chunks_exact(classes);
    let first = rows.next();
    scores.len() > classes && rows.all(|row| Some(row) == first)
}
