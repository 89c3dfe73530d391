//! Frees a batch axis that an export has fixed at one image.

use std::collections::BTreeMap;

use super::source::SourceModel;
use bundle::onnx::{NodeProto, TensorProto, int64_vector};

impl SourceModel {
    /// Target shapes of `Reshape` nodes that fix a batch of one, with a first axis that is copied
    /// from the input instead.
    pub(crate) fn freed_reshapes(&self) -> Vec<TensorProto> {
        let shape = |node: &NodeProto| {
            let [data, shape, ..] = node.input.as_slice() else {
                return None;
            };
            let values = self.integers(shape)?;
            let [1, _, ..] = values.as_slice() else {
                return None;
            };
            let free = [&[0], values.get(1..)?].concat();
            (!self.is_constant(data)).then(|| int64_vector(shape, &free))
        };
        let zero_is_zero = |node: &NodeProto| {
            let mut attributes = node.attribute.iter();
            attributes.any(|attribute| attribute.name == "allowzero" && attribute.i == 1)
        };
        let reshapes = self.graph.node.iter();
        let reshapes = reshapes.filter(|node| node.op_type == "Reshape" && !zero_is_zero(node));
        let freed: BTreeMap<String, TensorProto> = reshapes
            .filter_map(shape)
            .map(|tensor| (tensor.name.clone(), tensor))
            .collect();
        freed.into_values().collect()
    }

    /// The values of a constant list of integers.
    fn integers(&self, tensor: &str) -> Option<Vec<i64>> {
        let stored = self.graph.initializer.iter().find(|of| of.name == tensor);
        let computed = || {
            let node = self.producer(tensor)?;
            let mut attributes = node.attribute.iter();
            attributes.find(|attribute| node.op_type == "Constant" && attribute.name == "value")
        };
        let tensor = match stored {
            Some(stored) => stored,
            None => computed()?.t.as_ref()?,
        };
        if !tensor.int64_data.is_empty() {
            return Some(tensor.int64_data.clone());
        }
        let (words, _) = tensor.raw_data.as_chunks::<8>();
        Some(words.iter().map(|word| i64::from_le_bytes(*word)).collect())
    }
}
