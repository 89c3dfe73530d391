//! The loop on a GPU: trunk and baseline head over batches that are ready, a thread for each pair
//! of sessions.

use std::time::Instant;

use bundle::{Manifest, Method};
use engine::{ExecutionProvider, SessionOptions};
use ort::{session::Session, value::TensorRef};

use super::together;
use crate::{BenchResult, setting::Setting};

struct SessionPair {
    trunk: Session,
    head: Session,
}

pub(crate) struct GpuLoop {
    manifest: Manifest,
    pairs: Vec<SessionPair>,
    batch: usize,
}

impl GpuLoop {
    pub(crate) fn open(setting: &Setting, workers: usize, batch: usize) -> BenchResult<Self> {
        let gpu = setting.options.gpu.ok_or("no GPU was named")?;
        let providers = [ExecutionProvider::Cuda(gpu)];
        let options = SessionOptions {
            providers: &providers,
            intra_threads: 1,
            spinning: false,
            keep_dropout: false,
        };
        let manifest = setting.bundle.manifest().clone();
        let open = |file| {
            setting
                .runtime
                .session(&setting.bundle.path_of(file), &options)
        };
        let trunk = manifest.trunk.as_ref().ok_or("the bundle has no trunk")?;
        let head = manifest.head(Method::Baseline).ok_or("no baseline")?;
        let pair = |_| -> BenchResult<SessionPair> {
            Ok(SessionPair {
                trunk: open(&trunk.file)?,
                head: open(&head.file)?,
            })
        };
        Ok(Self {
            pairs: (0..workers).map(pair).collect::<BenchResult<_>>()?,
            manifest,
            batch,
        })
    }

    /// Images per second, all threads together.
    pub(crate) fn rate(&mut self, seconds: f64) -> BenchResult<f64> {
        let size = self.manifest.input.size as usize;
        let images = vec![0.5; self.batch * 3 * size * size];
        let (manifest, batch) = (&self.manifest, self.batch);
        let rates = together(&mut self.pairs, |_, pair| {
            repeat(pair, manifest, &images, (batch, seconds))
        })?;
        Ok(rates.into_iter().sum())
    }
}

fn repeat(
    pair: &mut SessionPair,
    manifest: &Manifest,
    images: &[f32],
    (batch, seconds): (usize, f64),
) -> BenchResult<f64> {
    let size = i64::from(manifest.input.size);
    let trunk = manifest.trunk.as_ref().ok_or("the bundle has no trunk")?;
    let head = manifest.head(Method::Baseline).ok_or("no baseline")?;
    let mut answer = || -> BenchResult {
        let tensor = TensorRef::from_array_view(([batch as i64, 3, size, size], images))?;
        let outputs = pair
            .trunk
            .run(ort::inputs![trunk.input.as_str() => tensor])?;
        let features = outputs
            .get(&trunk.features)
            .ok_or("the trunk gave no features")?;
        pair.head
            .run(ort::inputs![head.input.as_str() => features])?;
        Ok(())
    };
    // The first run of a size chooses the kernels.
    answer()?;
    let (start, mut batches) = (Instant::now(), 0);
    while start.elapsed().as_secs_f64() < seconds {
        answer()?;
        batches += 1;
    }
    Ok((batches * batch) as f64 / start.elapsed().as_secs_f64())
}
