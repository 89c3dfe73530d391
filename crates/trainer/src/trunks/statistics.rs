//! A second output of a trunk: statistics of a middle layer, for the out-of-distribution score.

use std::collections::BTreeSet;

use crate::{TrainingError, error::ensure};
use bundle::onnx::{
    Axis::Free, GraphProto, ModelProto, NodeProto, TensorProto, float_tensor, int_attribute,
    int64_vector, ints_attribute, node, tensor_info,
};

/// Name of the output with the statistics.
pub const STATISTICS: &str = "statistics";

const MEAN: &str = "statistics/mean";
const LOG_STD: &str = "statistics/log_std";
const RAISED: &str = "statistics/raised";
const AXES: &str = "statistics/axes";
const FLOOR: &str = "statistics/floor";
const HALF: &str = "statistics/half";

/// The axes of H and W.
const SPACE: [i64; 2] = [2, 3];

/// The first operator set in which reductions take their axes as an input.
const AXES_ARE_INPUTS: i64 = 18;

/// Added to each variance before its logarithm, so that a channel that is constant over space has a
/// finite one. Its log standard deviation is then ln 10⁻³, far below that of other channels.
const VARIANCE_FLOOR: f32 = 1e-6;

/// Adds a second output, `statistics` `[N, 2C]`, to a graph from image to features. It holds, for
/// each of the C channels of `tensor` `[N, C, H, W]`, first all means over space, then all
/// logarithms of the standard deviation over space, ½ ln(variance + 10⁻⁶); the variance is a mean
/// over H · W. An image's statistics are bit-identical in any batch.
///
/// # Errors
/// [`TrainingError::Impossible`] if no node computes `tensor`, or the graph already has such an
/// output.
pub fn with_statistics(model: &ModelProto, tensor: &str) -> Result<ModelProto, TrainingError> {
    let mut model = model.clone();
    let axes_are_inputs = model.opset() >= Some(AXES_ARE_INPUTS);
    let graph = model.graph.get_or_insert_default();
    ensure!(
        outputs_of(graph).any(|name| name == tensor),
        "no node of the graph computes `{tensor}`: name the output of one of its nodes"
    );
    ensure!(
        outputs_of(graph).all(|name| name != STATISTICS),
        "the trunk already has a tensor `{STATISTICS}`, as those in bundles have: use the trunk from \
         which the bundle was made"
    );
    graph.node.extend(nodes(tensor, axes_are_inputs));
    let floor = float_tensor(FLOOR, &[], &[VARIANCE_FLOOR]);
    let half = float_tensor(HALF, &[], &[0.5]);
    let axes = axes_are_inputs.then(|| int64_vector(AXES, &SPACE));
    graph
        .initializer
        .extend([floor, half].into_iter().chain(axes));
    // The runtime infers the number of channels.
    let axes = [Free("n"), Free("statistic")];
    graph.output.push(tensor_info(STATISTICS, &axes));
    Ok(model)
}

/// The slash in our names avoids clashes with other tensors.
fn nodes(tensor: &str, axes_are_inputs: bool) -> Vec<NodeProto> {
    // `Log` processes several numbers at a time and rounds the rest of the batch differently. A
    // reduction, here of a single number, takes each logarithm by itself.
    let mut logarithm = node("ReduceLogSum", &[RAISED], "statistics/log_variance");
    if axes_are_inputs {
        logarithm.input.push(AXES.to_owned());
    } else {
        logarithm.attribute.push(ints_attribute("axes", &SPACE));
    }
    let mut side_by_side = node("Concat", &[MEAN, LOG_STD], "statistics/channels");
    side_by_side.attribute.push(int_attribute("axis", 1));
    vec![
        node("GlobalAveragePool", &[tensor], MEAN),
        node("Sub", &[tensor, MEAN], "statistics/deviation"),
        node("Mul", &["statistics/deviation"; 2], "statistics/square"),
        node(
            "GlobalAveragePool",
            &["statistics/square"],
            "statistics/variance",
        ),
        node("Add", &["statistics/variance", FLOOR], RAISED),
        logarithm,
        node("Mul", &["statistics/log_variance", HALF], LOG_STD),
        side_by_side,
        node("Flatten", &["statistics/channels"], STATISTICS),
    ]
}

/// The outputs, in the graph's order, of additions of two computed tensors. They end residual
/// blocks, and their statistics are worth trying. Additions of a constant, such as a bias, are left
/// out.
pub fn residual_additions(model: &ModelProto) -> Vec<String> {
    let Some(graph) = &model.graph else {
        return Vec::new();
    };
    let constants = graph.node.iter().filter(|node| node.op_type == "Constant");
    let constants = constants.flat_map(|node| &node.output);
    let initializers = graph.initializer.iter().map(|tensor| &tensor.name);
    let constants: BTreeSet<&String> = constants.chain(initializers).collect();
    let adds = graph.node.iter().filter(|node| node.op_type == "Add");
    let residual = adds.filter(|node| !node.input.iter().any(|input| constants.contains(input)));
    residual
        .filter_map(|node| node.output.first().cloned())
        .collect()
}

/// Whether two graphs compute a tensor by the same nodes and numbers, so that training did not
/// change it.
pub(crate) fn computed_alike(one: &ModelProto, other: &ModelProto, tensor: &str) -> bool {
    let (one, other) = (part_before(one, tensor), part_before(other, tensor));
    one.is_some() && one == other
}

/// The nodes that compute a tensor, last first, and the constants that they read; `None` without a
/// graph.
fn part_before<'a>(
    model: &'a ModelProto,
    tensor: &'a str,
) -> Option<(Vec<&'a NodeProto>, Vec<&'a TensorProto>)> {
    let graph = model.graph.as_ref()?;
    let mut needed = BTreeSet::from([tensor]);
    let mut nodes = Vec::new();
    for node in graph.node.iter().rev() {
        if node
            .output
            .iter()
            .any(|output| needed.contains(output.as_str()))
        {
            needed.extend(node.input.iter().map(String::as_str));
            nodes.push(node);
        }
    }
    let read = |constant: &&TensorProto| needed.contains(constant.name.as_str());
    Some((nodes, graph.initializer.iter().filter(read).collect()))
}

fn outputs_of(graph: &GraphProto) -> impl Iterator<Item = &String> {
    graph.node.iter().flat_map(|node| &node.output)
}
