//! What the trunk made of a batch, and where it lies.

use std::{borrow::Cow, ops::Range};

use ort::{
    memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType},
    session::Session,
    value::{DynValue, Tensor},
};

use super::{
    RunError,
    methods::{extract, unexpected},
    sessions::{Passage, to_i64},
};
use crate::config::ExecutionProvider;
use bundle::Trunk;
use imaging::InputTensor;

/// One row per image: features `[D]` with a trunk, the image `[3, H, W]` without one. With a trunk that has them, also
/// statistics `[S]`.
pub(super) struct Rows<'images> {
    pub(super) place: Place<'images>,
    statistics: Vec<f32>,
    statistic_count: usize,
}

/// Where rows lie.
pub(super) enum Place<'images> {
    /// In this process' memory, row-major.
    Here {
        values: Cow<'images, [f32]>,
        /// Shape of one row.
        shape: Vec<i64>,
        /// Number of values of one row.
        length: usize,
    },
    /// In the memory of the device that made them, `[images, D]`.
    OnDevice { value: DynValue, images: usize },
}

impl<'images> Rows<'images> {
    /// The images themselves, for heads that read them.
    pub(super) fn of_images(images: &'images InputTensor, size: i64) -> Self {
        let values = images.as_slice();
        Self {
            place: Place::Here {
                length: values.len() / images.images().max(1),
                values: Cow::Borrowed(values),
                shape: vec![3, size, size],
            },
            statistics: Vec::new(),
            statistic_count: 0,
        }
    }

    /// The rows of all images, row-major; empty where they lie on a device.
    pub(super) fn values(&self) -> &[f32] {
        match &self.place {
            Place::Here { values, .. } => values,
            Place::OnDevice { .. } => &[],
        }
    }

    /// Statistics `[images, S]` of some images, row-major; empty where the trunk has none.
    pub(super) fn statistics_of(&self, images: Range<usize>) -> Vec<f32> {
        let values = self
            .statistics
            .iter()
            .skip(images.start * self.statistic_count);
        values
            .take(images.len() * self.statistic_count)
            .copied()
            .collect()
    }
}

/// Memory in which a trunk leaves its outputs.
pub(super) struct Memory {
    features: MemoryInfo<'static>,
    statistics: MemoryInfo<'static>,
}

impl Memory {
    /// The device's own for features, which its heads read there, and this process' for the rest; `None` on the processor.
    pub(super) fn of(providers: &[ExecutionProvider]) -> Result<Option<Self>, ort::Error> {
        match providers.first() {
            Some(ExecutionProvider::Cuda(device)) => {
                Self::on(AllocationDevice::CUDA, *device).map(Some)
            }
            Some(ExecutionProvider::Cpu) | None => Ok(None),
        }
    }

    /// Features on `device`, the number `number` of its kind.
    pub(super) fn on(device: AllocationDevice<'_>, number: i32) -> Result<Self, ort::Error> {
        Ok(Self {
            features: MemoryInfo::new(device, number, AllocatorType::Device, MemoryType::Default)?
                .to_owned(),
            statistics: MemoryInfo::new(
                AllocationDevice::CPU,
                0,
                AllocatorType::Device,
                MemoryType::CPUOutput,
            )?,
        })
    }
}

/// A trunk and its session.
pub(super) struct TrunkGraph<'run> {
    pub(super) session: &'run mut Session,
    pub(super) trunk: &'run Trunk,
    pub(super) passage: Passage<'run>,
}

impl TrunkGraph<'_> {
    /// Runs the trunk on images `[N, 3, H, W]` and copies what it made.
    pub(super) fn rows(
        self,
        images: &Tensor<f32>,
        count: usize,
    ) -> Result<Rows<'static>, RunError> {
        let inputs = ort::inputs![self.trunk.input.as_str() => images];
        let outputs = self
            .session
            .run_with_options(inputs, self.passage.options)?;
        let (statistics, statistic_count) = statistics(&outputs, self.trunk, count)?;
        let length = self.trunk.feature_count;
        let shape = [count, length].map(to_i64);
        let features = extract(&outputs, &self.trunk.features, &shape)?;
        Ok(Rows {
            place: Place::Here {
                values: Cow::Owned(features),
                shape: vec![to_i64(length)],
                length,
            },
            statistics,
            statistic_count,
        })
    }

    /// As [`Self::rows`], but the features stay in `memory`.
    pub(super) fn rows_in(
        self,
        memory: &Memory,
        images: &Tensor<f32>,
        count: usize,
    ) -> Result<Rows<'static>, RunError> {
        let name = self.trunk.features.as_str();
        let mut binding = self.session.create_binding()?;
        binding.bind_input(self.trunk.input.as_str(), images)?;
        binding.bind_output_to_device(name, &memory.features)?;
        if let Some((name, _)) = self.trunk.statistics() {
            binding.bind_output_to_device(name, &memory.statistics)?;
        }
        let options = self.passage.options;
        let mut outputs = self.session.run_binding_with_options(&binding, options)?;
        let (statistics, statistic_count) = statistics(&outputs, self.trunk, count)?;
        let expected = [count, self.trunk.feature_count].map(to_i64);
        let value = outputs.remove(name);
        let value = value.ok_or_else(|| unexpected(name, &[], &expected))?;
        if **value.shape() != expected {
            return Err(unexpected(name, value.shape(), &expected));
        }
        Ok(Rows {
            place: Place::OnDevice {
                value,
                images: count,
            },
            statistics,
            statistic_count,
        })
    }
}

fn statistics(
    outputs: &ort::session::SessionOutputs<'_>,
    trunk: &Trunk,
    count: usize,
) -> Result<(Vec<f32>, usize), RunError> {
    match trunk.statistics() {
        Some((name, width)) => {
            let expected = [count, width].map(to_i64);
            Ok((extract(outputs, name, &expected)?, width))
        }
        None => Ok((Vec::new(), 0)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use ort::{memory::AllocationDevice, session::RunOptions};

    use super::{Memory, Place};
    use crate::{
        SessionOptions,
        check::noise,
        config::ExecutionProvider,
        heads::{Answers, Ask},
        runtime::tests::runtime,
        sessions::{BundleGraphs, HeadCall, Passage, Sessions},
    };
    use bundle::Bundle;

    const IMAGES: usize = 4;

    /// Answers for all methods of the default bundle: of the first image, then of the two after it with another seed and
    /// fewer samples; the fourth fills the batch up.
    fn answers(sessions: &mut Sessions, bundle: &Bundle, stay: bool) -> (Answers, Vec<f32>) {
        let options = RunOptions::new().unwrap();
        let passage = Passage {
            options: &options,
            alone: false,
        };
        let images = noise(bundle, IMAGES).unwrap();
        let rows = sessions.rows(&images, passage).unwrap();
        assert_eq!(matches!(rows.place, Place::OnDevice { .. }), stay);
        let manifest = bundle.manifest();
        let calls = |seed, fewer: usize| -> Vec<HeadCall> {
            let call = |method| HeadCall {
                method,
                passes: manifest.default_passes(method).saturating_sub(fewer).max(1),
                seed,
            };
            manifest.offered_methods().into_iter().map(call).collect()
        };
        let (first, second) = (calls(7, 0), calls(8, 3));
        let asks = [(0..1, &first), (1..3, &second)];
        let asks = asks.map(|(images, calls)| Ask { images, calls });
        let answers = sessions.answer(&asks, &rows, passage).unwrap();
        (answers, rows.statistics_of(1..3))
    }

    /// The processor's memory stands for a GPU's: the way through it is the same.
    #[test]
    fn heads_say_the_same_of_features_that_stay_where_they_are() {
        let runtime = runtime();
        let bundle = Bundle::open(&testkit::path("models/cric-lite0")).unwrap();
        let options = SessionOptions {
            providers: &[ExecutionProvider::Cpu],
            intra_threads: 1,
            spinning: false,
            keep_dropout: false,
        };
        let graphs = BundleGraphs::read(runtime, &bundle, &options).unwrap();
        let mut sessions = Sessions::open(runtime, &graphs, &options).unwrap();
        let (copied, statistics) = answers(&mut sessions, &bundle, false);
        sessions.keep_features_in(Memory::on(AllocationDevice::CPU, 0).unwrap());
        let (kept, statistics_beside) = answers(&mut sessions, &bundle, true);

        assert_eq!(statistics, statistics_beside);
        assert!(!statistics.is_empty());
        let (copied, kept) = (copied.concat(), kept.concat());
        assert_eq!(copied.len(), kept.len());
        for (copied, kept) in copied.iter().zip(&kept) {
            assert!(!copied.is_empty());
            assert_eq!(copied.len(), kept.len());
            let apart = copied
                .iter()
                .zip(kept)
                .map(|(one, other)| (one - other).abs());
            assert!(apart.fold(0.0, f32::max) < 1e-4);
        }
    }
}
