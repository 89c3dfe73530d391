//! A foreign model that is to be cut, and its tensors.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use bundle::onnx::{
    AttributeProto, DimensionValue, FLOAT, GraphProto, ModelProto, NodeProto, RawModel,
    ValueInfoProto,
};

/// The image input of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageInput {
    /// Name of the tensor.
    pub name: String,
    /// The batch size, if it is fixed.
    pub batch: Option<i64>,
    /// Height and width in pixels, if they are fixed.
    pub size: Option<(i64, i64)>,
}

/// A decoded model, with its bytes.
pub(crate) struct SourceModel {
    pub(super) raw: RawModel,
    pub(super) graph: GraphProto,
    /// The node that gives each tensor.
    pub(super) producers: BTreeMap<String, usize>,
    /// Tensors that do not depend on the image.
    pub(super) constants: BTreeSet<String>,
}

impl SourceModel {
    /// Reads a model file.
    ///
    /// # Errors
    /// If the bytes are not a model, or its weights are in another file or sparse.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let unreadable = |_| "not an ONNX model".to_owned();
        let model = ModelProto::decode(bytes).map_err(unreadable)?;
        let raw = RawModel::decode(bytes).map_err(unreadable)?;
        let graph = model.graph.filter(|graph| !graph.node.is_empty());
        let graph =
            graph.ok_or("the ONNX model has no graph, or one without nodes: export it again")?;
        graph.check_whole()?;
        let sparse = raw.graph.as_ref().map(|graph| &graph.sparse_initializer);
        if sparse.is_some_and(|sparse| !sparse.is_empty()) {
            return Err(
                "the model has sparse weights: save them as dense weights first".to_owned(),
            );
        }
        let mut producers = BTreeMap::new();
        for (index, node) in graph.node.iter().enumerate() {
            for output in node.output.iter().filter(|output| !output.is_empty()) {
                producers.insert(output.clone(), index);
            }
        }
        Ok(Self {
            constants: constants(&graph),
            raw,
            graph,
            producers,
        })
    }

    /// The one input that is not a weight.
    ///
    /// # Errors
    /// If there are several, or the input is not a batch of 32-bit RGB images `[N, 3, H, W]`.
    pub(crate) fn image_input(&self) -> Result<ImageInput, String> {
        let inputs: Vec<&ValueInfoProto> = self
            .graph
            .input
            .iter()
            .filter(|input| !self.constants.contains(&input.name))
            .collect();
        let [input] = inputs[..] else {
            let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
            return Err(format!(
                "the model has {} inputs ({}): a trunk has exactly one, the image",
                names.len(),
                names.join(", ")
            ));
        };
        let tensor = input.r#type.as_ref().and_then(|of| of.tensor_type.as_ref());
        let dims: Option<Vec<Option<i64>>> = tensor
            .and_then(|tensor| tensor.shape.as_ref())
            .map(|shape| shape.dim.iter().map(|dim| fixed(&dim.value)).collect());
        let is_float = tensor.is_some_and(|tensor| tensor.elem_type == FLOAT);
        match dims.as_deref() {
            Some([batch, None | Some(3), height, width]) if is_float && *width != Some(3) => {
                Ok(ImageInput {
                    name: input.name.clone(),
                    batch: *batch,
                    size: height.zip(*width),
                })
            }
            _ => Err(format!(
                "the input `{}` is not a batch of RGB images [N, 3, H, W] of 32-bit floats: export \
                 the model with such an input",
                input.name
            )),
        }
    }

    /// Names of the graph's outputs.
    pub(crate) fn outputs(&self) -> Vec<&str> {
        let outputs = self.graph.output.iter();
        outputs.map(|output| output.name.as_str()).collect()
    }

    /// The node that computes a tensor; `None` for inputs and weights.
    pub(crate) fn producer(&self, tensor: &str) -> Option<&NodeProto> {
        self.graph.node.get(*self.producers.get(tensor)?)
    }

    /// Whether a tensor is the same for every image.
    pub(crate) fn is_constant(&self, tensor: &str) -> bool {
        self.constants.contains(tensor)
    }

    /// The last tensors of the graph that depend on the image, last first.
    pub(crate) fn last_tensors(&self, count: usize) -> Vec<&str> {
        let outputs = self.graph.node.iter().rev().flat_map(|node| &node.output);
        outputs
            .filter(|output| !output.is_empty() && !self.constants.contains(*output))
            .take(count)
            .map(String::as_str)
            .collect()
    }

    /// `wanted`, with underscores added while another tensor has that name.
    pub(crate) fn free_name(&self, wanted: &str, tensor: Option<&str>) -> String {
        let taken = |name: &str| {
            let known = self.producers.contains_key(name)
                || self.constants.contains(name)
                || self.graph.input.iter().any(|input| input.name == name);
            known && tensor != Some(name)
        };
        let mut name = wanted.to_owned();
        while taken(&name) {
            name.push('_');
        }
        name
    }
}

/// Weights and everything computed from them alone. The nodes of a graph are in execution order.
fn constants(graph: &GraphProto) -> BTreeSet<String> {
    let weights = graph.initializer.iter().map(|tensor| tensor.name.clone());
    let mut constants: BTreeSet<String> = weights.collect();
    for node in &graph.node {
        let inner = node
            .attribute
            .iter()
            .flat_map(AttributeProto::graphs)
            .next()
            .is_some();
        let mut inputs = node.input.iter().filter(|input| !input.is_empty());
        if !inner && inputs.all(|input| constants.contains(input)) {
            constants.extend(node.output.iter().cloned());
        }
    }
    constants
}

fn fixed(dimension: &Option<DimensionValue>) -> Option<i64> {
    match dimension {
        Some(DimensionValue::DimValue(size)) if *size > 0 => Some(*size),
        _ => None,
    }
}
