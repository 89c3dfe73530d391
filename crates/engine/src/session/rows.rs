//! What the trunk made of a batch, and where it lies.

use std::{borrow::Cow, ops::Range};

use ort::{
    memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType},
    session::{RunOptions, Session, SessionOutputs},
    value::{DynValue, Tensor},
};

use crate::{
    RunError,
    config::ExecutionProvider,
    method::{extract, to_i64, unexpected},
};
use bundle::Trunk;
use imaging::InputTensor;

/// One row per image: features `[D]` with a trunk, the image `[3, H, W]` without one. With a trunk that has them, also
/// statistics `[S]`.
pub(crate) struct HeadRows<'images> {
    pub(super) location: RowsLocation<'images>,
    statistics: Vec<f32>,
    statistic_count: usize,
}

/// Where rows lie.
pub(crate) enum RowsLocation<'images> {
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

impl<'images> HeadRows<'images> {
    /// The images themselves, for heads that read them.
    pub(crate) fn of_images(images: &'images InputTensor, size: i64) -> Self {
        let values = images.as_slice();
        Self {
            location: RowsLocation::Here {
                length: values.len() / images.images().max(1),
                values: Cow::Borrowed(values),
                shape: vec![3, size, size],
            },
            statistics: Vec::new(),
            statistic_count: 0,
        }
    }

    /// The rows of all images, row-major; empty where they lie on a device.
    pub(crate) fn values(&self) -> &[f32] {
        match &self.location {
            RowsLocation::Here { values, .. } => values,
            RowsLocation::OnDevice { .. } => &[],
        }
    }

    /// Statistics `[images, S]` of some images, row-major; empty where the trunk has none.
    pub(crate) fn statistics_of(&self, images: Range<usize>) -> Vec<f32> {
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
pub(crate) struct OutputMemory {
    features: MemoryInfo<'static>,
    statistics: MemoryInfo<'static>,
}

impl OutputMemory {
    /// The device's own for features, which its heads read there, and this process' for the rest; `None` on the processor.
    pub(crate) fn of(providers: &[ExecutionProvider]) -> Result<Option<Self>, ort::Error> {
        match providers.first() {
            Some(ExecutionProvider::Cuda(device)) => {
                Self::on(AllocationDevice::CUDA, *device).map(Some)
            }
            Some(ExecutionProvider::Cpu) | None => Ok(None),
        }
    }

    /// Features on `device`, the number `number` of its kind.
    pub(crate) fn on(device: AllocationDevice<'_>, number: i32) -> Result<Self, ort::Error> {
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
pub(crate) struct TrunkRun<'run> {
    pub(crate) session: &'run mut Session,
    pub(crate) trunk: &'run Trunk,
    pub(crate) options: &'run RunOptions,
}

impl TrunkRun<'_> {
    /// Runs the trunk on images `[N, 3, H, W]` and copies what it made.
    pub(crate) fn rows(
        self,
        images: &Tensor<f32>,
        count: usize,
    ) -> Result<HeadRows<'static>, RunError> {
        let inputs = ort::inputs![self.trunk.input.as_str() => images];
        let outputs = self.session.run_with_options(inputs, self.options)?;
        let (statistics, statistic_count) = statistics(&outputs, self.trunk, count)?;
        let length = self.trunk.feature_count;
        let shape = [count, length].map(to_i64);
        let features = extract(&outputs, &self.trunk.features, &shape)?;
        Ok(HeadRows {
            location: RowsLocation::Here {
                values: Cow::Owned(features),
                shape: vec![to_i64(length)],
                length,
            },
            statistics,
            statistic_count,
        })
    }

    /// As [`Self::rows`], but the features stay in `memory`.
    pub(crate) fn rows_in(
        self,
        memory: &OutputMemory,
        images: &Tensor<f32>,
        count: usize,
    ) -> Result<HeadRows<'static>, RunError> {
        let name = self.trunk.features.as_str();
        let mut binding = self.session.create_binding()?;
        binding.bind_input(self.trunk.input.as_str(), images)?;
        binding.bind_output_to_device(name, &memory.features)?;
        if let Some((name, _)) = self.trunk.statistics() {
            binding.bind_output_to_device(name, &memory.statistics)?;
        }
        let mut outputs = self
            .session
            .run_binding_with_options(&binding, self.options)?;
        let (statistics, statistic_count) = statistics(&outputs, self.trunk, count)?;
        let expected = [count, self.trunk.feature_count].map(to_i64);
        let value = outputs.remove(name);
        let value = value.ok_or_else(|| unexpected(name, &[], &expected))?;
        if **value.shape() != expected {
            return Err(unexpected(name, value.shape(), &expected));
        }
        Ok(HeadRows {
            location: RowsLocation::OnDevice {
                value,
                images: count,
            },
            statistics,
            statistic_count,
        })
    }
}

fn statistics(
    outputs: &SessionOutputs<'_>,
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
