//! Image work on threads of its own: from an upload to what the workers take.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::{EngineError, Model, RunError, methods::tta, plan::Plan};
use crate::{
    bundle::Input,
    imaging::{CellImage, ImageError, InputTensor, Limits, decode, resize},
};

/// An upload, decoded and made ready for what its plan needs.
pub(super) struct Prepared {
    /// The image at the trunk's size; absent when only views of it are wanted.
    pub(super) itself: Option<InputTensor>,
    /// What views are made of; absent without TTA.
    pub(super) source: Option<Arc<CellImage>>,
}

/// Decodes and resizes an upload, all in one step: each change of threads costs about as much as a resize.
pub(super) fn prepare(
    upload: &Bytes,
    limits: &Limits,
    model: &Model,
    plan: &Plan,
) -> Result<Prepared, ImageError> {
    let input = &model.manifest().input;
    let image = decode(upload, limits)?;
    let itself = plan
        .needs_image_itself()
        .then(|| at_input_size(&image, input));
    let source = (plan.views() > 0).then(|| tta::source(image, input));
    Ok(Prepared {
        itself: itself.transpose()?,
        source: source.transpose()?.map(Arc::new),
    })
}

fn at_input_size(image: &CellImage, input: &Input) -> Result<InputTensor, ImageError> {
    let resized = resize(image, input.size, input.size, input.resize)?;
    let mut tensor = InputTensor::with_capacity(input.size, input.size, 1)?;
    tensor.push(&resized, &input.normalisation)?;
    Ok(tensor)
}

/// Runs `work` off the async threads and says how long it took.
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<(T, Duration), EngineError> {
    let timed = move || {
        let started = Instant::now();
        work().map(|result| (result, started.elapsed()))
    };
    Ok(spawn_blocking(timed).await.map_err(RunError::Task)??)
}
