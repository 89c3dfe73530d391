//! Reads and replaces Lite0's weights in the ONNX graph, and cuts the graph before the first
//! trained block.

use std::collections::BTreeSet;

use super::{ConvolutionPlan, Frozen, convolutions, tail::Lite0Tail};
use crate::{
    TrainingError,
    error::{ensure, impossible},
    workspace::float_bytes,
};
use bundle::onnx::{Axis, GraphProto, ModelProto, NodeProto, ValueInfoProto, tensor_info};

/// Name of the output of [`frozen_part`].
pub const MAP: &str = "map";

/// Number of nodes of each kind in the graph.
const NODES: [(&str, usize); 5] = [
    ("Conv", 49),
    ("Clip", 33),
    ("Add", 9),
    ("GlobalAveragePool", 1),
    ("Flatten", 1),
];

/// The numbers of a convolution in ONNX layout.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StoredConvolution {
    /// `[outputs, inputs per group, kernel, kernel]`
    pub weight: Vec<f32>,
    /// `[outputs]`
    pub bias: Vec<f32>,
}

impl StoredConvolution {
    /// Whether the lengths fit the plan.
    pub(super) fn fits(&self, plan: &ConvolutionPlan) -> bool {
        self.weight.len() == plan.weight_shape().iter().product::<usize>()
            && self.bias.len() == plan.outputs
    }
}

/// The 49 convolutions in the order of the graph.
pub(super) fn read_convolutions(
    model: &ModelProto,
) -> Result<Vec<StoredConvolution>, TrainingError> {
    let graph = checked_graph(model)?;
    let nodes = graph.node.iter().filter(|node| node.op_type == "Conv");
    let read = |(plan, node): (&ConvolutionPlan, &NodeProto)| {
        let stored = StoredConvolution {
            weight: constant(graph, node, 1, &plan.weight_shape())
                .ok_or_else(|| unlike(plan, "kernel"))?,
            bias: constant(graph, node, 2, &[plan.outputs]).ok_or_else(|| unlike(plan, "bias"))?,
        };
        if !has_attributes(node, plan) {
            return Err(unlike(plan, "stride or padding"));
        }
        Ok(stored)
    };
    convolutions().iter().zip(nodes).map(read).collect()
}

/// The original graph with the trained weights; frozen weights stay.
///
/// # Errors
/// [`TrainingError::Impossible`] if the original is not EfficientNet-Lite0.
pub fn put_back(original: &ModelProto, tail: &Lite0Tail) -> Result<ModelProto, TrainingError> {
    checked_graph(original)?;
    let mut model = original.clone();
    let Some(graph) = model.graph.as_mut() else {
        return Ok(model);
    };
    let nodes = graph.node.iter().filter(|node| node.op_type == "Conv");
    let names: Vec<[String; 2]> = nodes
        .map(|node| [1, 2].map(|input| node.input.get(input).cloned().unwrap_or_default()))
        .collect();
    let trained: Vec<StoredConvolution> = tail.convolutions().map(|of| of.stored()).collect();
    let first = names.len().saturating_sub(trained.len());
    for ([weight, bias], stored) in names.iter().skip(first).zip(&trained) {
        write(graph, weight, &stored.weight);
        write(graph, bias, &stored.bias);
    }
    Ok(model)
}

/// The graph from the image `[N, 3, H, W]` to [`MAP`], the input of the first trained block,
/// `[N, C, h, w]`; `None` if no block is frozen.
///
/// # Errors
/// [`TrainingError::Impossible`] if the model is not EfficientNet-Lite0.
pub fn frozen_part(
    model: &ModelProto,
    frozen: Frozen,
) -> Result<Option<ModelProto>, TrainingError> {
    let graph = checked_graph(model)?;
    let cut = MapCut::of(graph, frozen);
    Ok(cut.map(|cut| part(model, graph, &graph.node[..cut.node], &cut, None)))
}

/// The graph from [`MAP`] to the features: what [`frozen_part`] leaves; `None` when nothing is
/// frozen.
///
/// # Errors
/// As [`frozen_part`].
pub fn trained_part(
    model: &ModelProto,
    frozen: Frozen,
) -> Result<Option<ModelProto>, TrainingError> {
    let graph = checked_graph(model)?;
    let cut = MapCut::of(graph, frozen);
    let outputs = Some(graph.output.as_slice());
    Ok(cut.map(|cut| part(model, graph, &graph.node[cut.node..], &cut, outputs)))
}

/// Where a graph is cut into its frozen and its trained part.
struct MapCut {
    /// Place of the first trained node.
    node: usize,
    /// Name of the tensor that it reads.
    map: String,
    /// Channels of that tensor.
    channels: i64,
}

impl MapCut {
    /// `None` when nothing is frozen.
    fn of(graph: &GraphProto, frozen: Frozen) -> Option<Self> {
        let kept = frozen.convolutions();
        let nodes = graph.node.iter().enumerate();
        let mut convolutions_of_graph = nodes.filter(|(_, node)| node.op_type == "Conv");
        let (place, node) = convolutions_of_graph.nth(kept).filter(|_| kept > 0)?;
        let plan = convolutions().into_iter().nth(kept)?;
        Some(Self {
            node: place,
            map: node.input.first()?.clone(),
            channels: i64::try_from(plan.inputs).unwrap_or(i64::MAX),
        })
    }
}

/// Some nodes of a graph with the constants that they use: from the image to [`MAP`], or from
/// [`MAP`] to `outputs`.
fn part(
    model: &ModelProto,
    graph: &GraphProto,
    nodes: &[NodeProto],
    cut: &MapCut,
    outputs: Option<&[ValueInfoProto]>,
) -> ModelProto {
    let nodes = nodes.iter().cloned();
    let nodes: Vec<NodeProto> = nodes.map(|node| renamed(node, &cut.map)).collect();
    let used: BTreeSet<&String> = nodes.iter().flat_map(|node| &node.input).collect();
    let constants = graph.initializer.iter();
    let initializer = constants.filter(|of| used.contains(&of.name)).cloned();
    let axes = [
        Axis::Free("N"),
        Axis::Fixed(cut.channels),
        Axis::Free("h"),
        Axis::Free("w"),
    ];
    let map = vec![tensor_info(MAP, &axes)];
    let (input, output) = match outputs {
        None => (graph.input.clone(), map),
        Some(outputs) => (map, outputs.to_vec()),
    };
    ModelProto {
        graph: Some(GraphProto {
            name: graph.name.clone(),
            initializer: initializer.collect(),
            node: nodes,
            input,
            output,
            ..GraphProto::default()
        }),
        ..model_header(model)
    }
}

/// A model without its graph.
fn model_header(model: &ModelProto) -> ModelProto {
    ModelProto {
        ir_version: model.ir_version,
        producer_name: model.producer_name.clone(),
        producer_version: model.producer_version.clone(),
        opset_import: model.opset_import.clone(),
        ..ModelProto::default()
    }
}

fn renamed(mut node: NodeProto, map: &str) -> NodeProto {
    for name in node.input.iter_mut().chain(&mut node.output) {
        if name == map {
            MAP.clone_into(name);
        }
    }
    node
}

fn checked_graph(model: &ModelProto) -> Result<&GraphProto, TrainingError> {
    let graph = model.graph.as_ref();
    let graph = graph.ok_or_else(|| impossible!("the ONNX model of the trunk has no graph"))?;
    for (op_type, expected) in NODES {
        let found = graph.node.iter().filter(|node| node.op_type == op_type);
        let found = found.count();
        ensure!(
            found == expected,
            "expected {expected} {op_type} nodes in the trunk, as in EfficientNet-Lite0 with \
             folded batch normalisation, found {found}: use weights/efficientnet_lite0.onnx, or \
             --frozen-trunk for another trunk"
        );
    }
    Ok(graph)
}

fn unlike(plan: &ConvolutionPlan, what: &str) -> TrainingError {
    impossible!(
        "the {what} of the trunk's {} convolution differs from EfficientNet-Lite0: use \
         weights/efficientnet_lite0.onnx, or --frozen-trunk for another trunk",
        plan.name()
    )
}

/// The values of a node's input if it is an f32 constant of this shape.
fn constant(
    graph: &GraphProto,
    node: &NodeProto,
    input: usize,
    shape: &[usize],
) -> Option<Vec<f32>> {
    let name = node.input.get(input)?;
    let tensor = graph.initializer.iter().find(|of| of.name == *name)?;
    tensor.floats().filter(|_| tensor.dims == sizes(shape))
}

fn has_attributes(node: &NodeProto, plan: &ConvolutionPlan) -> bool {
    let (before, after) = plan.padding();
    let groups = if plan.depthwise { plan.inputs } else { 1 };
    ints(node, "strides") == sizes(&[plan.stride; 2])
        && ints(node, "pads") == sizes(&[before, before, after, after])
        && node
            .attribute
            .iter()
            .all(|of| of.name != "group" || usize::try_from(of.i) == Ok(groups))
}

fn ints(node: &NodeProto, name: &str) -> Vec<i64> {
    let attribute = node.attribute.iter().find(|of| of.name == name);
    attribute.map_or_else(Vec::new, |of| of.ints.clone())
}

fn sizes(sizes: &[usize]) -> Vec<i64> {
    let size = |size: &usize| i64::try_from(*size).unwrap_or(i64::MAX);
    sizes.iter().map(size).collect()
}

fn write(graph: &mut GraphProto, name: &str, values: &[f32]) {
    let found = graph.initializer.iter_mut().find(|of| of.name == name);
    if let Some(tensor) = found {
        tensor.float_data.clear();
        tensor.raw_data = float_bytes(values);
    }
}
