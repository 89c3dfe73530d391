//! The ONNX file format, as far as this project reads and writes it.
//!
//! The trainer writes its small graphs with these types; the bundle check reads operator sets and
//! node types. ONNX Runtime runs the graphs. [`ModelProto`] decodes every message. [`RawModel`]
//! decodes only the messages that change when a model is cut into trunk and heads; [`Verbatim`]
//! keeps the bytes of the others.

mod schema;
mod verbatim;

pub use schema::*;
pub use verbatim::Verbatim;

use prost::{DecodeError, Message};

/// `TensorProto.DataType.FLOAT`
pub const FLOAT: i32 = 1;
/// `TensorProto.DataType.UINT8`
pub const UINT8: i32 = 2;
/// `TensorProto.DataType.INT8`
pub const INT8: i32 = 3;
/// `TensorProto.DataType.INT32`
pub const INT32: i32 = 6;
/// `TensorProto.DataType.INT64`
pub const INT64: i32 = 7;
/// `TensorProto.DataType.FLOAT16`
pub const FLOAT16: i32 = 10;
/// `TensorProto.DataLocation.EXTERNAL`
const EXTERNAL: i32 = 1;

/// One axis of a graph input or output, for [`tensor_info`].
#[derive(Clone, Copy, Debug)]
pub enum Axis {
    /// A size fixed in the graph.
    Fixed(i64),
    /// A size that is known only when the graph runs, with its name.
    Free(&'static str),
}

/// Describes an f32 input or output of a graph.
pub fn tensor_info(name: &str, axes: &[Axis]) -> ValueInfoProto {
    let dim = axes
        .iter()
        .map(|axis| DimensionProto {
            value: Some(match axis {
                Axis::Fixed(size) => DimensionValue::DimValue(*size),
                Axis::Free(symbol) => DimensionValue::DimParam((*symbol).to_owned()),
            }),
        })
        .collect();
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto {
                elem_type: FLOAT,
                shape: Some(TensorShapeProto { dim }),
            }),
        }),
    }
}

/// A constant of a graph from its bytes: row-major, little-endian, of the type `data_type`.
pub fn raw_tensor(name: &str, dims: &[i64], data_type: i32, raw_data: Vec<u8>) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type,
        raw_data,
        ..TensorProto::default()
    }
}

/// An f32 constant of a graph; `values` are row-major and as many as the product of `dims`.
pub fn float_tensor(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    raw_tensor(name, dims, FLOAT, bytes.collect())
}

impl ModelProto {
    /// Reads a model in order to write a changed one. Drops annotations of the graph, which
    /// describe the model before the change.
    ///
    /// # Errors
    /// When the bytes are not an ONNX model.
    pub fn read(bytes: &[u8]) -> Result<ModelProto, DecodeError> {
        let mut model = ModelProto::decode(bytes)?;
        if let Some(graph) = &mut model.graph {
            graph.doc_string.clear();
            graph.quantization_annotation.clear();
            graph.sparse_initializer.clear();
            graph.metadata_props.clear();
        }
        Ok(model)
    }

    /// The version of the default operators that the model is written for.
    pub fn opset(&self) -> Option<i64> {
        let is_default = |domain: &str| domain.is_empty() || domain == "ai.onnx";
        let mut sets = self.opset_import.iter();
        sets.find(|set| is_default(&set.domain))
            .map(|set| set.version)
    }
}

impl GraphProto {
    /// Refuses a model with external data: nothing here reads it, and no digest covers it.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub fn check_whole(&self) -> Result<(), String> {
        if self.has_weights_elsewhere() {
            return Err("it keeps weights in another file (external data), which bundles do not allow: export it as one file (in PyTorch with `external_data=False`)".to_owned());
        }
        Ok(())
    }

    /// Whether a tensor is in another file: a weight, or a tensor of a node or of a graph inside a
    /// node.
    fn has_weights_elsewhere(&self) -> bool {
        let attributes = || self.node.iter().flat_map(|node| &node.attribute);
        let held = attributes().flat_map(|attribute| attribute.t.iter().chain(&attribute.tensors));
        let mut tensors = self.initializer.iter().chain(held);
        tensors.any(|tensor| tensor.data_location == EXTERNAL)
            || attributes()
                .flat_map(AttributeProto::graphs)
                .any(Self::has_weights_elsewhere)
    }
}

impl AttributeProto {
    /// Graphs inside a node, such as the branches of `If`.
    pub fn graphs(&self) -> impl Iterator<Item = &GraphProto> {
        self.g.as_deref().into_iter().chain(&self.graphs)
    }
}

impl TensorProto {
    /// The values of an f32 constant in row-major order; `None` for another type, or if their
    /// number is not the product of the dimensions.
    pub fn floats(&self) -> Option<Vec<f32>> {
        let values = if self.raw_data.is_empty() {
            self.float_data.clone()
        } else {
            let (words, _) = self.raw_data.as_chunks::<4>();
            words.iter().map(|word| f32::from_le_bytes(*word)).collect()
        };
        let count = self
            .dims
            .iter()
            .try_fold(1, |product: i64, size| product.checked_mul(*size));
        let fits = self.data_type == FLOAT && count == i64::try_from(values.len()).ok();
        fits.then_some(values)
    }
}

/// A one-dimensional i64 constant, for the shapes of `Reshape` and the axes of `Unsqueeze`.
pub fn int64_vector(name: &str, values: &[i64]) -> TensorProto {
    let length = i64::try_from(values.len()).unwrap_or(i64::MAX);
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    raw_tensor(name, &[length], INT64, bytes.collect())
}

/// A node of the default operator domain without attributes.
pub fn node(op_type: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op_type.to_owned(),
        name: output.to_owned(),
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.to_owned()],
        ..NodeProto::default()
    }
}

/// An attribute that is one integer, such as the `axis` of a `Concat`.
pub fn int_attribute(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        i: value,
        r#type: 2,
        ..AttributeProto::default()
    }
}

/// An attribute that is a list of integers, such as the `perm` of a `Transpose`.
pub fn ints_attribute(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        ints: values.to_vec(),
        r#type: 7,
        ..AttributeProto::default()
    }
}

/// A complete model of operator set 17 and intermediate representation 8, which ONNX Runtime reads
/// since 1.12.
pub fn model(graph: GraphProto) -> ModelProto {
    ModelProto {
        ir_version: 8,
        producer_name: "secondlook-train".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: 17,
        }],
        ..ModelProto::default()
    }
}
