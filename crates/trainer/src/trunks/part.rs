//! Takes parts of a foreign model out as models of their own.

use std::collections::BTreeSet;

use super::source::SourceModel;
use bundle::onnx::{
    AttributeProto, Axis, GraphProto, NodeProto, RawGraph, RawModel, TensorProto, ValueInfoProto,
    Verbatim, node, tensor_info,
};

/// The first version of the format in which weights need not be inputs as well.
const WEIGHTS_ARE_NO_INPUTS: i64 = 4;

/// One end of a part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartEnd<'a> {
    /// The tensor in the source.
    pub tensor: &'a str,
    /// Its name in the part.
    pub name: &'a str,
    /// Its shape in the part.
    pub axes: &'a [Axis],
    /// Whether the part flattens it to one row per image; for outputs only.
    pub flattened: bool,
}

impl SourceModel {
    /// The whole model with one more output.
    pub(crate) fn with_output(&self, tensor: &str) -> RawModel {
        let mut model = self.raw.clone();
        if self.outputs().contains(&tensor) {
            return model;
        }
        let output = ValueInfoProto {
            name: tensor.to_owned(),
            ..ValueInfoProto::default()
        };
        if let Some(graph) = &mut model.graph {
            graph.output.push(Verbatim::of(&output));
        }
        model
    }

    /// The part of the model between two tensors. `replaced` are constants that replace those of
    /// the same name.
    ///
    /// # Errors
    /// If the output depends on anything but the input and weights.
    pub(crate) fn part(
        &self,
        from: &PartEnd<'_>,
        to: &PartEnd<'_>,
        replaced: &[TensorProto],
    ) -> Result<RawModel, String> {
        let stop: BTreeSet<&str> = replaced.iter().map(|tensor| tensor.name.as_str()).collect();
        let (nodes, needed) = self.needed(from.tensor, to.tensor, &stop)?;
        let raw = self.raw.graph.clone().unwrap_or_default();
        let named = self.graph.initializer.iter().zip(raw.initializer);
        let weights = named
            .filter(|(tensor, _)| needed.contains(tensor.name.as_str()))
            .filter(|(tensor, _)| !stop.contains(tensor.name.as_str()))
            .map(|(_, bytes)| bytes);
        let replacing = replaced
            .iter()
            .filter(|tensor| needed.contains(tensor.name.as_str()));
        let mut kept: Vec<Verbatim> = raw
            .node
            .into_iter()
            .enumerate()
            .filter(|(index, _)| nodes.contains(index))
            .map(|(_, bytes)| bytes)
            .collect();
        if from.name != from.tensor {
            let renaming = node("Identity", &[from.name], from.tensor);
            kept.insert(0, Verbatim::of(&renaming));
        }
        if to.flattened || to.name != to.tensor {
            let operator = if to.flattened { "Flatten" } else { "Identity" };
            kept.push(Verbatim::of(&node(operator, &[to.tensor], to.name)));
        }
        let graph = RawGraph {
            node: kept,
            initializer: weights.chain(replacing.map(Verbatim::of)).collect(),
            input: vec![Verbatim::of(&tensor_info(from.name, from.axes))],
            output: vec![Verbatim::of(&tensor_info(to.name, to.axes))],
            ..raw_without_parts(&self.raw)
        };
        Ok(RawModel {
            ir_version: self.raw.ir_version.max(WEIGHTS_ARE_NO_INPUTS),
            graph: Some(graph),
            ..self.raw.clone()
        })
    }

    /// The nodes between two tensors, and all tensors that they read.
    fn needed<'a>(
        &'a self,
        from: &str,
        to: &'a str,
        constants: &BTreeSet<&str>,
    ) -> Result<(BTreeSet<usize>, BTreeSet<&'a str>), String> {
        let mut needed = BTreeSet::from([to]);
        let mut nodes = BTreeSet::new();
        for (index, node) in self.graph.node.iter().enumerate().rev() {
            let gives = |output: &String| {
                let output = output.as_str();
                needed.contains(output) && output != from && !constants.contains(output)
            };
            if node.output.iter().any(gives) {
                nodes.insert(index);
                needed.extend(self.reads(node));
            }
        }
        let stray = needed.iter().find(|tensor| {
            let inner = self.producers.contains_key(**tensor) || self.constants.contains(**tensor);
            **tensor != from && !inner
        });
        match stray {
            None => Ok((nodes, needed)),
            Some(stray) => Err(format!(
                "`{to}` does not depend on `{from}` alone: it also needs `{stray}`"
            )),
        }
    }

    /// Tensors that a node reads, including those that its subgraphs take from outside.
    fn reads<'a>(&'a self, node: &'a NodeProto) -> Vec<&'a str> {
        let own = node.input.iter().filter(|input| !input.is_empty());
        let mut read: Vec<&str> = own.map(String::as_str).collect();
        let mut inner: Vec<&GraphProto> = node
            .attribute
            .iter()
            .flat_map(AttributeProto::graphs)
            .collect();
        while let Some(graph) = inner.pop() {
            let outputs = graph.output.iter().map(|output| &output.name);
            let inputs = graph.node.iter().flat_map(|node| &node.input);
            let outer = inputs.chain(outputs).filter(|name| {
                self.producers.contains_key(*name) || self.constants.contains(*name)
            });
            read.extend(outer.map(String::as_str));
            let deeper = graph.node.iter().flat_map(|node| &node.attribute);
            inner.extend(deeper.flat_map(AttributeProto::graphs));
        }
        read
    }
}

/// The fields of a graph that belong to no node or tensor.
fn raw_without_parts(model: &RawModel) -> RawGraph {
    let Some(graph) = &model.graph else {
        return RawGraph::default();
    };
    RawGraph {
        name: graph.name.clone(),
        doc_string: graph.doc_string.clone(),
        metadata_props: graph.metadata_props.clone(),
        ..RawGraph::default()
    }
}
