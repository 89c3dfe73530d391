//! Rewrites a trunk with 16-bit weights and arithmetic: half the size, and fast on GPUs.

use std::collections::{BTreeMap, BTreeSet};

use half::f16;

use super::trunk::QuantisedTrunk;
use bundle::onnx::{
    FLOAT, FLOAT16, ModelProto, NodeProto, TensorProto, int_attribute, node, raw_tensor,
};

/// Operators that work with 16-bit floats.
const KNOWN: [&str; 21] = [
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Clip",
    "Concat",
    "Conv",
    "Flatten",
    "Gemm",
    "GlobalAveragePool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "MatMul",
    "MaxPool",
    "Mul",
    "Relu",
    "Reshape",
    "Sigmoid",
    "Squeeze",
    "Transpose",
];

/// Rewrites the graph in 16 bits, except for the nodes that the statistics depend on. Inputs and
/// outputs stay the same.
///
/// # Errors
/// A sentence that names an unsupported operator.
pub(super) fn rewrite(graph: &QuantisedTrunk) -> Result<ModelProto, String> {
    let shortened: Vec<(usize, &NodeProto)> = graph
        .nodes()
        .filter(|(number, _)| !graph.is_exact(*number))
        .collect();
    let unknown = shortened.iter().map(|(_, node)| &node.op_type);
    if let Some(operator) = unknown.into_iter().find(|of| !KNOWN.contains(&of.as_str())) {
        let reason = format!(
            "its operator {operator} is not supported in 16 bits: use --precision int8, or export the trunk without it"
        );
        return Err(reason);
    }
    let outputs = shortened.iter().flat_map(|(_, node)| &node.output);
    let mut writer = Float16Writer {
        graph,
        short: outputs.map(String::as_str).collect(),
        cast: BTreeMap::new(),
        nodes: Vec::new(),
        constants: Vec::new(),
    };
    for (number, original) in graph.nodes() {
        if graph.is_exact(number) {
            writer.nodes.push(original.clone());
        } else {
            writer.shorten(original);
        }
    }
    Ok(graph.rewritten(writer.nodes, writer.constants))
}

struct Float16Writer<'graph> {
    graph: &'graph QuantisedTrunk,
    /// Tensors that are computed in 16 bits.
    short: BTreeSet<&'graph str>,
    /// Names of the 16-bit versions of other tensors.
    cast: BTreeMap<String, String>,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Float16Writer<'_> {
    fn shorten(&mut self, original: &NodeProto) {
        let mut node = original.clone();
        for input in &mut node.input {
            *input = self.short_name(input);
        }
        let results = node.output.clone();
        for output in &mut node.output {
            *output = self.name_of_result(output);
        }
        self.nodes.push(node);
        for result in results.iter().filter(|result| self.graph.is_output(result)) {
            self.nodes.push(cast(&shortened(result), result, FLOAT));
        }
    }

    /// The name of the 16-bit version of a tensor.
    fn short_name(&mut self, tensor: &str) -> String {
        if tensor.is_empty() {
            return String::new();
        }
        if self.short.contains(tensor) {
            return self.name_of_result(tensor);
        }
        if let Some(known) = self.cast.get(tensor) {
            return known.clone();
        }
        let mut name = shortened(tensor);
        let constant = self.graph.constant(tensor);
        match constant.map(|constant| (constant, constant.floats())) {
            None => self.nodes.push(cast(tensor, &name, FLOAT16)),
            Some((constant, Some(values))) => {
                let values = values.into_iter().map(short_float);
                let bytes = values.flat_map(f16::to_le_bytes).collect();
                let short = raw_tensor(&name, &constant.dims, FLOAT16, bytes);
                self.constants.push(short);
            }
            // Shapes and axes keep their type.
            Some((_, None)) => tensor.clone_into(&mut name),
        }
        self.cast.insert(tensor.to_owned(), name.clone());
        name
    }

    /// The name of a node's 16-bit result. Outputs of the graph keep their names for the values
    /// that are cast back.
    fn name_of_result(&self, tensor: &str) -> String {
        if self.graph.is_output(tensor) {
            shortened(tensor)
        } else {
            tensor.to_owned()
        }
    }
}

/// Clamps large values to the largest 16-bit float. Infinity times zero would be NaN.
fn short_float(value: f32) -> f16 {
    f16::from_f32(value.clamp(f16::MIN.to_f32(), f16::MAX.to_f32()))
}

fn shortened(tensor: &str) -> String {
    format!("{tensor}/float16")
}

fn cast(from: &str, to: &str, data_type: i32) -> NodeProto {
    let mut node = node("Cast", &[from], to);
    node.attribute
        .push(int_attribute("to", i64::from(data_type)));
    node
}
