//! Metadata of the server and its models.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{ModelPath, response::OutputTensor};
use crate::api::{problem::Problem, service::Service};
use engine::LoadedModel;

/// The protocol's name of the extension.
const BINARY: &str = "binary_tensor_data";

pub(super) async fn server() -> Json<Value> {
    Json(json!({
        "name": "secondlook",
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": [BINARY],
    }))
}

pub(super) async fn model(
    State(service): State<Service>,
    Path(path): Path<ModelPath>,
) -> Result<Json<Value>, Problem> {
    path.find(&service).map(|model| Json(describe(model)))
}

pub(super) async fn model_ready(
    State(service): State<Service>,
    Path(path): Path<ModelPath>,
) -> Result<StatusCode, Problem> {
    path.find(&service).map(|_| StatusCode::OK)
}

fn describe(model: &LoadedModel) -> Value {
    let manifest = model.manifest();
    let input = &manifest.input;
    let normalisation = &input.normalisation;
    let outputs: Vec<Value> = OutputTensor::ALL
        .iter()
        .map(|output| {
            let mut tensor = json!({
                "name": output.name(),
                "datatype": output.datatype(),
                "shape": output.shape(model.classes()),
            });
            let columns = output.columns(&manifest.labels);
            if let (Some(columns), Some(fields)) = (columns, tensor.as_object_mut()) {
                fields.insert("parameters".to_owned(), json!({ "columns": columns }));
            }
            tensor
        })
        .collect();
    let methods: Vec<&str> = model.methods().iter().map(|method| method.name()).collect();
    json!({
        "name": manifest.name,
        "versions": [manifest.version],
        "platform": "onnxruntime_onnx",
        "inputs": [{
            "name": "image",
            "datatype": "BYTES",
            "shape": [-1],
            "parameters": {
                "content": "encoded images (JPEG, PNG, TIFF, BMP, WebP), in JSON as base64",
                "crop_edge_px": input.crop_edge_px,
                "or": {
                    "datatype": "FP32",
                    "shape": [-1, 3, input.size, input.size],
                    "content": "red, green, blue, each (value * scale - mean) / std of 0 to 255; not for method tta",
                    "scale": normalisation.scale,
                    "mean": normalisation.mean,
                    "std": normalisation.std,
                },
            },
        }],
        "outputs": outputs,
        "parameters": {
            "methods": methods,
            "request_parameters": ["method", "passes", "seed", "policy", "exact"],
        },
    })
}
