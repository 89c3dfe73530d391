//! Writes trained heads as ONNX graphs, node by node. Available exporters support neither masks as
//! inputs nor K heads at once.

use crate::{
    fit::shared::{
        bank::fuse,
        weights::{HeadWeights, LayerWeights},
    },
    score::by_place,
};
use bundle::{
    Mask,
    onnx::{
        Axis, GraphProto, ModelProto, NodeProto, TensorProto, float_tensor, int64_vector,
        ints_attribute, model, node, tensor_info,
    },
};

/// Name of every head's input.
pub const FEATURES: &str = "features";
/// Name of every head's output.
pub const LOGITS: &str = "logits";

/// Features `[N, D]` → logits `[N, C]` of the first head.
pub fn baseline_graph(weights: &HeadWeights) -> ModelProto {
    let mut graph = GraphBuilder::new("baseline", weights);
    let mut value = FEATURES.to_owned();
    for index in 0..weights.layers.len() {
        value = graph.dense(&value, index, 1.0);
    }
    let classes = Axis::Fixed(graph_size(weights.shape.classes));
    graph.finish(&value, vec![Axis::Free("N"), classes], &[])
}

/// Features `[N, D]` and masks `[N, T, width]` → logits `[N, T, C]` of the first head.
///
/// A mask named [`FEATURE_MASK`](crate::FEATURE_MASK) drops features; the others drop units of the
/// hidden layers, first to last. Layers before the first mask are computed once per image. The
/// factor 1/(1 − p) is folded into the weights after each mask.
pub fn mc_dropout_graph(weights: &HeadWeights, masks: &[Mask]) -> ModelProto {
    let mut graph = GraphBuilder::new("mc_dropout", weights);
    graph.constants.push(int64_vector("pass_axis", &[1]));
    let (of_features, of_layers) = by_place(masks);
    let mut value = FEATURES.to_owned();
    let once = usize::from(of_features.is_none());
    for index in 0..weights.layers.len() {
        if index == once {
            value = graph.add("Unsqueeze", &[&value, "pass_axis"], "per_image");
        }
        let mask = match index.checked_sub(1) {
            None => of_features,
            Some(layer) => of_layers.get(layer).copied(),
        };
        let kept = mask.map_or(1.0, |(_, mask)| 1.0 / (1.0 - mask.drop_probability) as f32);
        if let Some((_, mask)) = mask {
            value = graph.add("Mul", &[&value, &mask.input], &format!("dropped_{index}"));
        }
        value = graph.dense(&value, index, kept);
    }
    let output = vec![
        Axis::Free("N"),
        Axis::Free("T"),
        Axis::Fixed(graph_size(weights.shape.classes)),
    ];
    graph.finish(&value, output, masks)
}

/// Features `[N, D]` → logits `[N, K, C]`.
///
/// The first layer of all heads is one product; the later ones are batched over the heads.
pub fn ensemble_graph(weights: &HeadWeights) -> ModelProto {
    let shape = &weights.shape;
    let (members, width) = (
        graph_size(shape.members),
        graph_size(shape.layers().first().map_or(0, |(_, width)| *width)),
    );
    let mut graph = GraphBuilder::new("ensemble", weights);
    let hidden = graph.fused_dense();
    graph
        .constants
        .push(int64_vector("per_head_shape", &[-1, members, width]));
    let per_head = graph.add("Reshape", &[&hidden, "per_head_shape"], "hidden_per_image");
    let mut value = graph.transpose(&per_head, "hidden_per_head");
    for index in 1..weights.layers.len() {
        value = graph.batched_dense(&value, index);
    }
    let per_image = graph.transpose(&value, "logits_per_image");
    let output = vec![
        Axis::Free("N"),
        Axis::Fixed(members),
        Axis::Fixed(graph_size(shape.classes)),
    ];
    graph.finish(&per_image, output, &[])
}

/// A size as ONNX stores it; sizes of heads are far below the limit.
fn graph_size(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// A constant that is named later.
fn stored(shape: &[usize], values: &[f32]) -> TensorProto {
    let shape: Vec<i64> = shape.iter().map(|size| graph_size(*size)).collect();
    float_tensor("", &shape, values)
}

struct GraphBuilder<'a> {
    name: &'static str,
    weights: &'a HeadWeights,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl<'a> GraphBuilder<'a> {
    fn new(name: &'static str, weights: &'a HeadWeights) -> Self {
        Self {
            name,
            weights,
            nodes: Vec::new(),
            constants: Vec::new(),
        }
    }

    /// Layer `index` of the first head on the last axis, its weights multiplied by `factor`.
    fn dense(&mut self, input: &str, index: usize, factor: f32) -> String {
        let (rows, columns) = self.size(index);
        let Some(layer) = self.weights.layers.get(index) else {
            return input.to_owned();
        };
        let scaled: Vec<f32> = layer.weight.iter().map(|value| value * factor).collect();
        let weight = stored(&[rows, columns], &scaled);
        self.layer(input, index, weight, stored(&[columns], &layer.bias))
    }

    /// Layer 0 of all heads, concatenated.
    fn fused_dense(&mut self) -> String {
        let (rows, columns) = self.size(0);
        let members = self.weights.shape.members;
        let Some(LayerWeights { weight, bias }) = self.weights.layers.first() else {
            return FEATURES.to_owned();
        };
        let width = members * columns;
        let weight = stored(&[rows, width], &fuse(weight, members, rows, columns));
        self.layer(FEATURES, 0, weight, stored(&[width], bias))
    }

    /// Layer `index` of all heads on `[K, N, rows]`.
    fn batched_dense(&mut self, input: &str, index: usize) -> String {
        let (rows, columns) = self.size(index);
        let members = self.weights.shape.members;
        let Some(LayerWeights { weight, bias }) = self.weights.layers.get(index) else {
            return input.to_owned();
        };
        let weight = stored(&[members, rows, columns], weight);
        self.layer(input, index, weight, stored(&[members, 1, columns], bias))
    }

    /// MatMul, Add and, except after the last layer, Relu.
    fn layer(
        &mut self,
        input: &str,
        index: usize,
        weight: TensorProto,
        bias: TensorProto,
    ) -> String {
        let (weight_name, bias_name) = (format!("weight_{index}"), format!("bias_{index}"));
        for (name, tensor) in [(&weight_name, weight), (&bias_name, bias)] {
            let name = name.clone();
            self.constants.push(TensorProto { name, ..tensor });
        }
        let product = format!("product_{index}");
        let product = self.add("MatMul", &[input, &weight_name], &product);
        let sum = self.add("Add", &[&product, &bias_name], &format!("sum_{index}"));
        if index + 1 == self.weights.layers.len() {
            return sum;
        }
        self.add("Relu", &[&sum], &format!("hidden_{index}"))
    }

    fn transpose(&mut self, input: &str, output: &str) -> String {
        let mut transpose = node("Transpose", &[input], output);
        transpose.attribute.push(ints_attribute("perm", &[1, 0, 2]));
        self.nodes.push(transpose);
        output.to_owned()
    }

    fn add(&mut self, op_type: &str, inputs: &[&str], output: &str) -> String {
        self.nodes.push(node(op_type, inputs, output));
        output.to_owned()
    }

    fn size(&self, index: usize) -> (usize, usize) {
        let layers = self.weights.shape.layers();
        layers.get(index).copied().unwrap_or_default()
    }

    /// Names the last value and declares inputs and outputs.
    fn finish(mut self, last: &str, output: Vec<Axis>, masks: &[Mask]) -> ModelProto {
        self.add("Identity", &[last], LOGITS);
        let width = |width| Axis::Fixed(graph_size(width));
        let features = [Axis::Free("N"), width(self.weights.shape.features)];
        let mask_info = |mask: &Mask| {
            let axes = [Axis::Free("N"), Axis::Free("T"), width(mask.width)];
            tensor_info(&mask.input, &axes)
        };
        let features = std::iter::once(tensor_info(FEATURES, &features));
        let inputs = features.chain(masks.iter().map(mask_info));
        model(GraphProto {
            node: self.nodes,
            name: self.name.to_owned(),
            initializer: self.constants,
            input: inputs.collect(),
            output: vec![tensor_info(LOGITS, &output)],
            ..GraphProto::default()
        })
    }
}
