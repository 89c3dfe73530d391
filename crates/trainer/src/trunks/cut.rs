//! Finds where a classifier's trunk ends.

use super::source::SourceModel;
use bundle::onnx::NodeProto;

/// Name of every trunk's output.
pub(crate) const FEATURES: &str = "features";

/// Operators that turn scores into probabilities, or change nothing.
const AFTER_SCORES: [&str; 4] = ["Softmax", "LogSoftmax", "Sigmoid", "Identity"];

/// Where to cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrunkCut {
    /// The tensor that becomes the features.
    pub tensor: String,
    /// The tensor with the class scores, if only one fully connected layer is cut off.
    pub scores: Option<String>,
}

impl TrunkCut {
    fn at(tensor: &str, scores: Option<&str>) -> Self {
        Self {
            tensor: tensor.to_owned(),
            scores: scores.map(str::to_owned),
        }
    }
}

/// The tensor before the last fully connected layer: a `Gemm` or `MatMul` with constant weights,
/// followed only by its bias and a softmax before the only output. A graph without such a layer
/// ends in its features.
///
/// # Errors
/// If there are several outputs, or a softmax follows another operator. The cut must then be named.
pub(crate) fn find_cut(model: &SourceModel) -> Result<TrunkCut, String> {
    let outputs = model.outputs();
    let [output] = outputs[..] else {
        return Err(format!(
            "the model has {} outputs ({}): name the tensor of the features with --cut",
            outputs.len(),
            outputs.join(", ")
        ));
    };
    let scores = before(model, output, &AFTER_SCORES);
    let kept = TrunkCut::at(output, None);
    if output == FEATURES {
        return Ok(kept);
    }
    let product = without_bias(model, scores).unwrap_or(scores);
    let layer = model
        .producer(product)
        .and_then(|node| input_of_layer(model, node));
    match layer {
        Some(features) => Ok(TrunkCut::at(features, Some(scores))),
        None if scores == output => Ok(kept),
        None => Err(format!(
            "no fully connected layer before the output: name the tensor of the features with \
             --cut; the last tensors are {}",
            model.last_tensors(6).join(", ")
        )),
    }
}

/// A cut at a named tensor.
///
/// # Errors
/// If the tensor does not exist or does not depend on the image.
pub(crate) fn named_cut(model: &SourceModel, tensor: &str) -> Result<TrunkCut, String> {
    if model.producer(tensor).is_none() || model.is_constant(tensor) {
        return Err(format!(
            "no tensor `{tensor}` that depends on the image; the last tensors are {}",
            model.last_tensors(6).join(", ")
        ));
    }
    Ok(TrunkCut::at(tensor, None))
}

/// Walks back from a tensor over some operators with one input. The number of nodes limits the
/// steps, since a malformed graph may have a cycle.
fn before<'a>(model: &'a SourceModel, tensor: &'a str, operators: &[&str]) -> &'a str {
    let mut tensor = tensor;
    for _ in 0..model.graph.node.len() {
        let node = model
            .producer(tensor)
            .filter(|node| operators.contains(&node.op_type.as_str()));
        let Some(input) = node.and_then(|node| node.input.first()) else {
            break;
        };
        tensor = input;
    }
    tensor
}

/// The operand of an addition of a constant.
fn without_bias<'a>(model: &'a SourceModel, tensor: &str) -> Option<&'a str> {
    let node = model
        .producer(tensor)
        .filter(|node| node.op_type == "Add")?;
    match node.input.as_slice() {
        [sum, bias] if model.is_constant(bias) && !model.is_constant(sum) => Some(sum),
        [bias, sum] if model.is_constant(bias) && !model.is_constant(sum) => Some(sum),
        _ => None,
    }
}

fn input_of_layer<'a>(model: &SourceModel, node: &'a NodeProto) -> Option<&'a str> {
    let connected = node.op_type == "Gemm" || node.op_type == "MatMul";
    match node.input.as_slice() {
        [features, weight, ..]
            if connected && model.is_constant(weight) && model.producer(features).is_some() =>
        {
            Some(features)
        }
        _ => None,
    }
}
