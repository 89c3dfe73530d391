//! Rewrites a trunk with convolutions in 8-bit integers.
//!
//! The graph uses `QuantizeLinear` and `DequantizeLinear` around each operator. Runtimes fuse these
//! into integer operators; other programs can compute the same numbers in floats. Weights have one
//! scale per output channel, activations one per tensor.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    int8_plan::Int8Plan,
    scale::{Scale, Weight},
    trunk::QuantisedTrunk,
};
use bundle::onnx::{
    INT8, INT32, ModelProto, NodeProto, TensorProto, UINT8, float_tensor, int_attribute, node,
    raw_tensor,
};

/// Largest weight. Processors without VNNI add two products of 8-bit numbers in 16 bits. 2 · 255 ·
/// 64 fits; 2 · 255 · 127 does not, and results would differ between processors.
const LARGEST: i8 = 64;
/// Largest weight of a depthwise convolution, for which the runtime adds in 32 bits.
const LARGEST_DEPTHWISE: i8 = 127;

/// Rewrites the graph.
pub(super) fn rewrite(
    graph: &QuantisedTrunk,
    plan: &Int8Plan,
    scales: &BTreeMap<String, Scale>,
) -> ModelProto {
    let mut writer = Int8Writer {
        scales,
        rounded: BTreeSet::new(),
        nodes: Vec::new(),
        constants: Vec::new(),
    };
    for (number, original) in graph.nodes() {
        let mut node = original.clone();
        for (position, input) in node.input.iter_mut().enumerate() {
            if plan.reads_integers(number, position, input) {
                *input = writer.rounded(input);
            }
        }
        if plan.convolutions.contains(&number) {
            writer.round_weights(graph, original, &mut node);
        }
        writer.nodes.push(node);
    }
    graph.rewritten(writer.nodes, writer.constants)
}

struct Int8Writer<'scales> {
    scales: &'scales BTreeMap<String, Scale>,
    /// Tensors that are already rounded.
    rounded: BTreeSet<String>,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Int8Writer<'_> {
    /// The name of a tensor after rounding. Adds the rounding before its first reader.
    fn rounded(&mut self, tensor: &str) -> String {
        let [step, zero, integers, numbers] =
            ["step", "zero", "integers", "rounded"].map(|what| format!("{tensor}/{what}"));
        let Some(scale) = self.scales.get(tensor) else {
            return tensor.to_owned();
        };
        if self.rounded.insert(tensor.to_owned()) {
            self.constants.extend([
                float_tensor(&step, &[], &[scale.step]),
                raw_tensor(&zero, &[], UINT8, vec![scale.zero]),
            ]);
            self.nodes.extend([
                node("QuantizeLinear", &[tensor, &step, &zero], &integers),
                node("DequantizeLinear", &[&integers, &step, &zero], &numbers),
            ]);
        }
        numbers
    }

    /// Gives a convolution integer weights. The bias is rounded to the step of the products that it
    /// is added to.
    fn round_weights(
        &mut self,
        graph: &QuantisedTrunk,
        original: &NodeProto,
        node: &mut NodeProto,
    ) {
        let [image, weight, ..] = original.input.as_slice() else {
            return;
        };
        let (Some(scale), Some(stored)) = (self.scales.get(image), graph.constant(weight)) else {
            return;
        };
        let (Some(values), [channels, per_group, ..]) = (stored.floats(), stored.dims.as_slice())
        else {
            return;
        };
        let most = match per_group {
            1 => LARGEST_DEPTHWISE,
            _ => LARGEST,
        };
        let rows = usize::try_from(*channels).unwrap_or(0);
        let rounded = Weight::rounded(&values, rows, most);
        let bytes = rounded.values.iter().flat_map(|value| value.to_le_bytes());
        let integers = (INT8, bytes.collect());
        let weight = self.by_channel(original, stored, integers, &rounded.steps);
        set_input(node, 1, weight);

        let bias = original.input.get(2).and_then(|name| graph.constant(name));
        let Some((bias, values)) = bias.and_then(|bias| Some((bias, bias.floats()?))) else {
            return;
        };
        let steps: Vec<f32> = rounded.steps.iter().map(|step| step * scale.step).collect();
        let integer = |(value, step): (&f32, &f32)| {
            // The cast saturates; a bias of 2³¹ steps dominates the sum anyway.
            (f64::from(*value) / f64::from(*step)).round_ties_even() as i32
        };
        let integers = values.iter().zip(&steps).map(integer);
        let bytes = integers.flat_map(i32::to_le_bytes).collect();
        let bias = self.by_channel(original, bias, (INT32, bytes), &steps);
        set_input(node, 2, bias);
    }

    /// Adds an integer constant with one step per channel, and returns the name of its dequantised
    /// tensor.
    fn by_channel(
        &mut self,
        reader: &NodeProto,
        stored: &TensorProto,
        (data_type, integers): (i32, Vec<u8>),
        steps: &[f32],
    ) -> String {
        // The name includes the reader, because two convolutions may share a weight or a bias.
        let reader = reader.output.first().map_or("", String::as_str);
        let [step, zero, values, numbers] = ["steps", "zeros", "integers", "rounded"]
            .map(|what| format!("{}/{reader}/{what}", stored.name));
        let channels = i64::try_from(steps.len()).unwrap_or(i64::MAX);
        let bytes_each = if data_type == INT8 { 1 } else { 4 };
        let zeros = vec![0; bytes_each * steps.len()];
        self.constants.extend([
            float_tensor(&step, &[channels], steps),
            raw_tensor(&zero, &[channels], data_type, zeros),
            raw_tensor(&values, &stored.dims, data_type, integers),
        ]);
        let mut dequantise = node("DequantizeLinear", &[&values, &step, &zero], &numbers);
        dequantise.attribute.push(int_attribute("axis", 0));
        self.nodes.push(dequantise);
        numbers
    }
}

fn set_input(node: &mut NodeProto, position: usize, name: String) {
    if let Some(input) = node.input.get_mut(position) {
        *input = name;
    }
}
