//! Selects the parts of a trunk to compute in 8-bit integers.

use std::collections::BTreeSet;

use super::trunk::QuantisedTrunk;
use bundle::onnx::NodeProto;

/// Activations that the runtime fuses into the convolution before them.
const ACTIVATIONS: [&str; 2] = ["Clip", "Relu"];

/// The nodes to rewrite.
#[derive(Default)]
pub(super) struct Int8Plan {
    /// Numbers of the convolutions.
    pub(super) convolutions: BTreeSet<usize>,
    /// Numbers of the additions of two tensors, at least one of which is in integers.
    pub(super) additions: BTreeSet<usize>,
    /// Tensors that all nodes read as integers.
    pub(super) outputs: BTreeSet<String>,
}

impl Int8Plan {
    /// Selects every convolution, except those that the statistics depend on, that read the image,
    /// or whose name starts with one of `kept`.
    pub(super) fn of(graph: &QuantisedTrunk, kept: &[String]) -> Self {
        let mut plan = Self::default();
        for (number, node) in graph.nodes() {
            if graph.is_exact(number) || kept.iter().any(|start| node.name.starts_with(start)) {
                continue;
            }
            let rewritten = match node.op_type.as_str() {
                "Conv" if can_be_rounded(graph, node) => plan.convolutions.insert(number),
                "Add" if plan.joins_integers(graph, node) => plan.additions.insert(number),
                _ => false,
            };
            if rewritten {
                plan.outputs.extend(settled_output(graph, node));
            }
        }
        plan
    }

    /// Whether a node reads its input number `position` as integers.
    pub(super) fn reads_integers(&self, number: usize, position: usize, tensor: &str) -> bool {
        let image = self.convolutions.contains(&number) && position == 0;
        image || self.additions.contains(&number) || self.outputs.contains(tensor)
    }

    /// All tensors that need a scale.
    pub(super) fn tensors(&self, graph: &QuantisedTrunk) -> BTreeSet<String> {
        let mut tensors = BTreeSet::new();
        for (number, node) in graph.nodes() {
            let inputs = node.input.iter().enumerate();
            let read =
                inputs.filter(|(position, input)| self.reads_integers(number, *position, input));
            tensors.extend(read.map(|(_, input)| input.clone()));
        }
        tensors
    }

    fn joins_integers(&self, graph: &QuantisedTrunk, node: &NodeProto) -> bool {
        node.input.iter().any(|input| self.outputs.contains(input))
            && !node.input.iter().any(|input| graph.is_constant(input))
    }
}

/// Whether a convolution has finite 32-bit constants as weights and does not read the image. The
/// first convolution has only three channels, so it costs little, and its errors affect the whole
/// network.
fn can_be_rounded(graph: &QuantisedTrunk, node: &NodeProto) -> bool {
    let [image, weights @ ..] = node.input.as_slice() else {
        return false;
    };
    let is_finite = |name: &String| {
        let values = graph.constant(name).and_then(|of| of.floats());
        values.is_some_and(|values| values.iter().all(|value| value.is_finite()))
    };
    let named = weights.iter().filter(|name| !name.is_empty());
    !graph.is_input(image) && !weights.is_empty() && named.into_iter().all(is_finite)
}

/// The tensor to round: a node's output, or the output of the activation if that is its only
/// reader.
fn settled_output(graph: &QuantisedTrunk, node: &NodeProto) -> Option<String> {
    let output = node.output.first()?;
    match graph.readers(output)[..] {
        [(number, reader)]
            if ACTIVATIONS.contains(&reader.op_type.as_str())
                && !graph.is_output(output)
                && !graph.is_exact(number) =>
        {
            reader.output.first().cloned()
        }
        _ => Some(output.clone()),
    }
}
