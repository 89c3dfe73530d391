//! The sessions of one bundle on one worker thread, and the runs of batches.

use std::collections::BTreeMap;

use ort::{
    memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType},
    session::{RunOptions, Session},
    value::{Outlet, Tensor, TensorRef},
};

use super::{
    Runtime, SessionOptions,
    graphs::{BundleGraphs, OpenGraph},
    rows::{HeadRows, TrunkRun},
};
use crate::{
    RunError, SessionError,
    config::ExecutionProvider,
    method::{self, HeadGraph, HeadQuestion, to_i64},
};
use bundle::{Manifest, Method};
use imaging::InputTensor;

/// The context of a batch's run.
#[derive(Clone, Copy)]
pub(crate) struct RunContext<'run> {
    /// Options that can terminate the run from outside.
    pub(crate) options: &'run RunOptions,
    /// Whether all cores are free for the run.
    pub(crate) alone: bool,
}

/// Numbers of images in one run of the trunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchSizes {
    /// Smaller batches are padded to this size.
    pub(crate) smallest: usize,
    pub(crate) largest: usize,
}

impl BatchSizes {
    /// The size that a batch is padded to. There are few sizes, and each is run once at start.
    pub(crate) fn bucket(self, images: usize) -> usize {
        let size = images.next_power_of_two().max(self.smallest);
        size.min(self.largest).max(images)
    }

    /// All sizes of batches.
    pub(crate) fn buckets(self) -> impl Iterator<Item = usize> {
        let first = self.bucket(1);
        std::iter::successors(Some(first), move |size| {
            (*size < self.largest).then(|| self.bucket(size + 1))
        })
    }
}

/// The sessions of a bundle.
pub(crate) struct BundleSessions {
    manifest: Manifest,
    graphs: OpenGraphs,
    /// Sessions for the graphs that read images, with one thread per core.
    on_all_cores: Option<OpenGraphs>,
    /// Device memory for features; `None` if they are copied, and heads run on one image at a time.
    memory: Option<OutputMemory>,
}

/// Memory for the outputs of a trunk.
pub(crate) struct OutputMemory {
    pub(super) features: MemoryInfo<'static>,
    pub(super) statistics: MemoryInfo<'static>,
}

impl OutputMemory {
    /// On a GPU: device memory for features, which heads read there, and process memory for
    /// statistics. `None` on the processor.
    pub(crate) fn of(providers: &[ExecutionProvider]) -> Result<Option<Self>, ort::Error> {
        match providers.first() {
            Some(ExecutionProvider::Cuda(device)) => {
                Self::on(AllocationDevice::CUDA, *device).map(Some)
            }
            Some(ExecutionProvider::Cpu) | None => Ok(None),
        }
    }

    /// Memory with features on `device` number `number`.
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

#[derive(Default)]
struct OpenGraphs {
    trunk: Option<OpenGraph>,
    heads: BTreeMap<Method, OpenGraph>,
}

impl BundleSessions {
    pub(crate) fn open(
        runtime: &Runtime,
        graphs: &BundleGraphs,
        options: &SessionOptions<'_>,
    ) -> Result<Self, SessionError> {
        let mut sessions = Self {
            manifest: graphs.manifest.clone(),
            graphs: OpenGraphs {
                trunk: graphs.open_trunk(runtime, options)?,
                heads: graphs.open_heads(runtime, options)?,
            },
            on_all_cores: None,
            memory: None,
        };
        if let Some(memory) = OutputMemory::of(options.providers).map_err(SessionError::Memory)? {
            sessions.keep_features_in(memory);
        }
        Ok(sessions)
    }

    /// Keeps features in `memory`, so that a head takes all images of a batch at once. Changes
    /// nothing if the bundle's heads cannot take batches.
    pub(crate) fn keep_features_in(&mut self, memory: OutputMemory) {
        let takes_batches = self.graphs.trunk.is_some()
            && self.graphs.heads.iter().all(|(method, head)| {
                let copies_rows = self.manifest.copies_rows(*method);
                !copies_rows && head.session.inputs().iter().all(has_open_batch_axis)
            });
        self.memory = Some(memory).filter(|_| takes_batches);
    }

    /// Opens additional sessions on all cores for the graphs that read images: the trunk, or every
    /// head if there is no trunk. They run batches that have all cores to themselves.
    pub(crate) fn open_on_all_cores(
        &mut self,
        runtime: &Runtime,
        graphs: &BundleGraphs,
        options: &SessionOptions<'_>,
    ) -> Result<(), SessionError> {
        let mut graphs_on_all_cores = OpenGraphs {
            trunk: graphs.open_trunk(runtime, options)?,
            heads: BTreeMap::new(),
        };
        if graphs_on_all_cores.trunk.is_none() {
            graphs_on_all_cores.heads = graphs.open_heads(runtime, options)?;
        }
        self.on_all_cores = Some(graphs_on_all_cores);
        Ok(())
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(crate) fn has_sessions_on_all_cores(&self) -> bool {
        self.on_all_cores.is_some()
    }

    pub(crate) fn trunk(&self) -> Option<&Session> {
        self.graphs.trunk.as_ref().map(|graph| &graph.session)
    }

    pub(crate) fn head(&self, method: Method) -> Option<&Session> {
        self.graphs.heads.get(&method).map(|graph| &graph.session)
    }

    /// Runs the trunk once on all images, which have the manifest's input size.
    pub(crate) fn rows<'images>(
        &mut self,
        images: &'images InputTensor,
        context: RunContext<'_>,
    ) -> Result<HeadRows<'images>, RunError> {
        let size = i64::from(self.manifest.input.size);
        let on_all_cores = self.on_all_cores.as_mut().filter(|_| context.alone);
        let on_all_cores = on_all_cores.and_then(|graphs| graphs.trunk.as_mut());
        let graph = on_all_cores.or(self.graphs.trunk.as_mut());
        let (Some(graph), Some(trunk)) = (graph, &self.manifest.trunk) else {
            return Ok(HeadRows::of_images(images, size));
        };
        let graph = TrunkRun {
            session: &mut graph.session,
            trunk,
            options: context.options,
        };
        let count = images.images();
        let shape = [to_i64(count), 3, size, size];
        match &self.memory {
            Some(memory) => {
                // `ort` (2.0.0-rc.15) copies a borrowed tensor with a session of its own, which
                // waits for itself.
                let owned = images.as_slice().to_vec();
                graph.rows_in(memory, &Tensor::from_array((shape, owned))?, count)
            }
            None => {
                let lent = TensorRef::from_array_view((shape, images.as_slice()))?;
                graph.rows(&lent, count)
            }
        }
    }

    /// Runs the head of a method, which must have its own head. Returns `[images, samples, C]`.
    pub(super) fn head_scores(
        &mut self,
        method: Method,
        question: &HeadQuestion<'_>,
        context: RunContext<'_>,
    ) -> Result<Vec<f32>, RunError> {
        let on_all_cores = self.on_all_cores.as_mut().filter(|_| context.alone);
        let on_all_cores = on_all_cores.and_then(|graphs| graphs.heads.get_mut(&method));
        let graph = on_all_cores.or(self.graphs.heads.get_mut(&method));
        let (Some(graph), Some(head)) = (graph, self.manifest.head(method)) else {
            return Err(RunError::NoHead { method });
        };
        let graph = HeadGraph {
            session: &mut graph.session,
            head,
            classes: self.manifest.labels.len(),
            options: context.options,
        };
        method::ask(method, graph, &self.manifest, question)
    }
}

fn has_open_batch_axis(input: &Outlet) -> bool {
    let shape = input.dtype().tensor_shape();
    shape.is_some_and(|shape| shape.first() == Some(&-1))
}

#[cfg(test)]
mod tests {
    use super::BatchSizes;

    #[test]
    fn batches_are_padded_to_powers_of_two() {
        let batches = BatchSizes {
            smallest: 1,
            largest: 6,
        };
        let sizes: Vec<_> = (1..=9).map(|images| batches.bucket(images)).collect();
        assert_eq!(sizes, [1, 2, 4, 4, 6, 6, 7, 8, 9]);
        assert_eq!(batches.buckets().collect::<Vec<_>>(), [1, 2, 4, 6]);
    }

    #[test]
    fn fixed_size_batches_are_padded() {
        let batches = BatchSizes {
            smallest: 8,
            largest: 8,
        };
        assert_eq!([1, 5, 8].map(|images| batches.bucket(images)), [8, 8, 8]);
        assert_eq!(batches.buckets().collect::<Vec<_>>(), [8]);
    }
}
