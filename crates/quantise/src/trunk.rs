//! A trunk's graph, and the nodes that must not change.

use std::collections::BTreeSet;

use bundle::{
    Trunk,
    onnx::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto},
};

/// From this operator set on, each channel of a weight can have its own scale.
const SCALE_PER_CHANNEL: i64 = 13;
/// From this IR version on, weights need not be listed as inputs.
const WEIGHTS_ARE_NO_INPUTS: i64 = 4;

/// A decoded trunk.
pub(super) struct QuantisedTrunk {
    model: ModelProto,
    graph: GraphProto,
    /// Names of the constants.
    constants: BTreeSet<String>,
    /// The nodes that the statistics depend on, by their number.
    exact: BTreeSet<usize>,
}

impl QuantisedTrunk {
    /// Reads a trunk's file.
    ///
    /// # Errors
    /// A sentence about what is not supported.
    pub(super) fn parse(bytes: &[u8], trunk: &Trunk) -> Result<Self, String> {
        let mut model = ModelProto::read(bytes)
            .map_err(|_| "it is not an ONNX file, or a part of it is missing: export it again")?;
        if model.opset() < Some(SCALE_PER_CHANNEL) {
            return Err(format!(
                "its operator set is older than {SCALE_PER_CHANNEL}: export it again, for example with opset 17"
            ));
        }
        let graph = model
            .graph
            .take()
            .ok_or("it contains no graph: export it again")?;
        graph.check_whole()?;
        let attributes = graph.node.iter().flat_map(|node| &node.attribute);
        if attributes.flat_map(AttributeProto::graphs).next().is_some() {
            return Err(
                "it has nodes with subgraphs (such as If or Loop): export it without branches and loops"
                    .to_owned(),
            );
        }
        let constants = graph.initializer.iter().map(|of| of.name.clone());
        let statistics = trunk.statistics().map(|(name, _)| name);
        Ok(Self {
            constants: constants.collect(),
            exact: statistics.map_or_else(BTreeSet::new, |name| ancestors(&graph, name)),
            model,
            graph,
        })
    }

    /// The nodes with their numbers, in execution order.
    pub(super) fn nodes(&self) -> impl DoubleEndedIterator<Item = (usize, &NodeProto)> {
        self.graph.node.iter().enumerate()
    }

    /// Whether the statistics depend on the node with this number.
    pub(super) fn is_exact(&self, number: usize) -> bool {
        self.exact.contains(&number)
    }

    /// Whether a tensor is a constant of the graph.
    pub(super) fn is_constant(&self, tensor: &str) -> bool {
        self.constants.contains(tensor)
    }

    /// Whether a tensor is an input of the graph.
    pub(super) fn is_input(&self, tensor: &str) -> bool {
        let mut inputs = self.graph.input.iter();
        inputs.any(|input| input.name == tensor) && !self.is_constant(tensor)
    }

    /// Whether a tensor is an output of the graph.
    pub(super) fn is_output(&self, tensor: &str) -> bool {
        let mut outputs = self.graph.output.iter();
        outputs.any(|output| output.name == tensor)
    }

    /// The nodes that read a tensor.
    pub(super) fn readers(&self, tensor: &str) -> Vec<(usize, &NodeProto)> {
        let reads = |node: &NodeProto| node.input.iter().any(|input| input == tensor);
        self.nodes().filter(|(_, node)| reads(node)).collect()
    }

    /// A constant of the graph.
    pub(super) fn constant(&self, name: &str) -> Option<&TensorProto> {
        let mut constants = self.graph.initializer.iter();
        constants.find(|constant| constant.name == name)
    }

    /// The model with intermediate tensors as additional outputs.
    pub(super) fn exposing(&self, tensors: &BTreeSet<String>) -> ModelProto {
        let mut graph = self.graph.clone();
        let inner = tensors.iter().filter(|tensor| !self.is_output(tensor));
        graph.output.extend(inner.map(|tensor| ValueInfoProto {
            name: tensor.clone(),
            ..ValueInfoProto::default()
        }));
        self.model_of(graph)
    }

    /// The model with other nodes and additional constants. Constants that no node reads are left
    /// out.
    pub(super) fn rewritten(&self, nodes: Vec<NodeProto>, further: Vec<TensorProto>) -> ModelProto {
        let read: BTreeSet<&String> = nodes.iter().flat_map(|node| &node.input).collect();
        let constants = self.graph.initializer.iter().cloned().chain(further);
        let initializer = constants.filter(|of| read.contains(&of.name)).collect();
        let inputs = self.graph.input.iter();
        let input = inputs.filter(|input| !self.is_constant(&input.name));
        let graph = GraphProto {
            initializer,
            name: self.graph.name.clone(),
            input: input.cloned().collect(),
            output: self.graph.output.clone(),
            node: nodes,
            ..GraphProto::default()
        };
        self.model_of(graph)
    }

    fn model_of(&self, graph: GraphProto) -> ModelProto {
        ModelProto {
            ir_version: self.model.ir_version.max(WEIGHTS_ARE_NO_INPUTS),
            graph: Some(graph),
            ..self.model.clone()
        }
    }
}

/// The nodes that a tensor depends on.
fn ancestors(graph: &GraphProto, tensor: &str) -> BTreeSet<usize> {
    let mut needed = BTreeSet::from([tensor]);
    let mut found = BTreeSet::new();
    for (number, node) in graph.node.iter().enumerate().rev() {
        if node
            .output
            .iter()
            .any(|output| needed.contains(output.as_str()))
        {
            found.insert(number);
            needed.extend(node.input.iter().map(String::as_str));
        }
    }
    found
}
