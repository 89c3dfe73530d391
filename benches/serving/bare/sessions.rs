//! Sessions as the server opens them, without a server.

use std::collections::BTreeMap;

use bundle::{Bundle, Manifest, Method};
use engine::Runtime;
use ort::{
    ep,
    session::{Session, builder::GraphOptimizationLevel},
    value::TensorRef,
};

use super::inputs::BareInputs;
use crate::BenchResult;

/// The trunk and the head of every method.
pub(super) struct BareSessions {
    manifest: Manifest,
    trunk: Session,
    heads: BTreeMap<Method, Session>,
}

impl BareSessions {
    /// Opens them with this many threads per operator. The threads spin or sleep between operators.
    pub(super) fn open(
        runtime: &Runtime,
        bundle: &Bundle,
        (threads, spinning): (usize, bool),
    ) -> BenchResult<Self> {
        let manifest = bundle.manifest().clone();
        let open = |file| -> BenchResult<Session> {
            let builder = Session::builder(runtime.environment())?
                .with_optimization_level(GraphOptimizationLevel::All)?
                .with_intra_threads(threads)?
                .with_inter_threads(1)?
                .with_intra_op_spinning(spinning)?;
            let arena = ep::CPU::default().with_arena_allocator(true).build();
            let mut builder = builder.with_execution_providers([arena])?;
            Ok(builder.commit_from_file(bundle.path_of(file))?)
        };
        let trunk = manifest.trunk.as_ref().ok_or("the bundle has no trunk")?;
        let mut heads = BTreeMap::new();
        for method in manifest.methods_with_heads() {
            let head = manifest.head(method).ok_or("a method has no head")?;
            heads.insert(method, open(&head.file)?);
        }
        Ok(Self {
            trunk: open(&trunk.file)?,
            heads,
            manifest,
        })
    }

    /// Runs all graphs that an answer needs, and discards the scores.
    pub(super) fn answer(&mut self, inputs: &BareInputs) -> BenchResult {
        let method = self.manifest.head_method(inputs.method);
        let (Some(trunk), Some(head)) = (&self.manifest.trunk, self.manifest.head(method)) else {
            return Err("the bundle has no such head".into());
        };
        let session = self.heads.get_mut(&method).ok_or("no head is loaded")?;
        let size = i64::from(self.manifest.input.size);
        let values = inputs.images.as_slice();
        // One image at a time, as the server does on the processor.
        for image in values.chunks_exact(values.len() / inputs.images.images()) {
            let image = TensorRef::from_array_view(([1, 3, size, size], image))?;
            let outputs = self
                .trunk
                .run(ort::inputs![trunk.input.as_str() => image])?;
            let features = outputs
                .get(&trunk.features)
                .ok_or("the trunk gave no features")?;
            let (shape, features) = features.try_extract_tensor::<f32>()?;
            let features = TensorRef::from_array_view((shape.clone(), features))?;
            let mut given = ort::inputs![head.input.as_str() => features];
            for (mask, drawn) in &inputs.masks {
                let shape = [1, inputs.passes as i64, mask.width as i64];
                let drawn = TensorRef::from_array_view((shape, drawn.as_slice()))?;
                given.push((mask.input.as_str().into(), drawn.into()));
            }
            session.run(given)?;
        }
        Ok(())
    }
}
