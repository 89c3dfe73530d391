//! The Open Inference Protocol, with JSON and with binary tensors.

use std::io::Write;

use base64::{Engine, prelude::BASE64_STANDARD};
use bundle::Bundle;
use flate2::{Compression, write::GzEncoder};
use imaging::{InputTensor, Limits, decode, resize};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use super::server::{Server, answer};

pub const INFER: &str = "/v2/models/cric-lite0/infer";
pub const LENGTH: &str = "Inference-Header-Content-Length";

fn example(class: &str) -> Vec<u8> {
    std::fs::read(format!("examples/cells/{class}.png")).unwrap()
}

/// The elements of a BYTES tensor.
pub fn bytes_tensor(images: &[Vec<u8>]) -> Vec<u8> {
    let element = |image: &Vec<u8>| {
        let length = u32::try_from(image.len()).unwrap().to_le_bytes();
        [&length[..], image].concat()
    };
    images.iter().flat_map(element).collect()
}

/// The normalised input tensor of the default bundle.
fn normalised(image: &[u8]) -> Vec<f32> {
    let bundle = Bundle::open("models/cric-lite0".as_ref()).unwrap();
    let input = &bundle.manifest().input;
    let cell = decode(image, &Limits::default()).unwrap();
    let resized = resize(&cell, input.size, input.size, input.resize).unwrap();
    let mut tensor = InputTensor::with_capacity(input.size, input.size, 1).unwrap();
    tensor.push(&resized, &input.normalisation).unwrap();
    tensor.into_vec()
}

pub fn binary(server: &Server, header: &Value, tensors: &[u8]) -> RequestBuilder {
    let json = header.to_string();
    let request = server.post(INFER).header(LENGTH, json.len());
    request.body([json.as_bytes(), tensors].concat())
}

fn output<'answer>(answer: &'answer Value, name: &str) -> &'answer Value {
    let outputs = answer["outputs"].as_array().unwrap();
    outputs
        .iter()
        .find(|output| output["name"] == name)
        .unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().unwrap().iter();
    list.map(|number| number.as_f64().unwrap()).collect()
}

fn close(left: &[f64], right: &[f64]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|(left, right)| (left - right).abs() < 1e-6)
}

#[tokio::test]
async fn v2_metadata_is_complete() {
    let server = Server::start();
    for path in [
        "/health/live",
        "/health/ready",
        "/models/cric-lite0/ready",
        "/models/cric-lite0/versions/2/ready",
    ] {
        let response = server.get(&format!("/v2{path}")).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
    let about = answer(server.get("/v2")).await;
    assert_eq!(about["extensions"], json!(["binary_tensor_data"]));
    let model = answer(server.get("/v2/models/cric-lite0")).await;
    let same = answer(server.get("/v2/models/cric-lite0/versions/2")).await;
    assert_eq!(model, same);
    assert_eq!(model["inputs"][0]["name"], "image");
    assert_eq!(
        model["inputs"][0]["parameters"]["or"]["shape"],
        json!([-1, 3, 128, 128])
    );
    let names: Vec<&Value> = model["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|output| &output["name"])
        .collect();
    assert_eq!(
        json!(names),
        json!([
            "probabilities",
            "uncertainty",
            "samples",
            "label",
            "decision"
        ])
    );
}

#[tokio::test]
async fn v2_json_equals_v1() {
    let server = Server::start();
    let classes = ["nilm", "hsil"];
    for method in ["baseline", "mc_dropout", "ensemble", "tta"] {
        let data: Vec<String> = classes
            .iter()
            .map(|class| BASE64_STANDARD.encode(example(class)))
            .collect();
        let request = json!({
            "id": "7",
            "parameters": {"method": method, "seed": 3},
            "inputs": [{"name": "image", "shape": [2], "datatype": "BYTES", "data": data}],
        });
        let reply = answer(server.post(INFER).json(&request)).await;
        assert_eq!(
            json!([reply["id"], reply["model_name"], reply["model_version"]]),
            json!(["7", "cric-lite0", "2"])
        );
        let (mut probabilities, mut uncertainty, mut samples) = (vec![], vec![], vec![]);
        for (index, class) in classes.iter().enumerate() {
            let query = format!("?method={method}&seed=3&include=samples&exact=true");
            let alone = answer(server.predict(&query, example(class))).await;
            let classes = alone["probabilities"].as_array().unwrap().iter();
            probabilities.extend(classes.map(|class| class["probability"].as_f64().unwrap()));
            for measure in [
                "predictive_entropy",
                "expected_entropy",
                "mutual_information",
                "variation_ratio",
            ] {
                uncertainty.push(alone["uncertainty"][measure].as_f64().unwrap());
            }
            let rows = alone["samples"]["values"].as_array().unwrap();
            assert_eq!(
                output(&reply, "samples")["shape"],
                json!([2, rows.len(), 6]),
                "{method}"
            );
            samples.extend(rows.iter().flat_map(numbers));
            assert_eq!(
                output(&reply, "label")["data"][index],
                alone["prediction"]["label"]
            );
            assert_eq!(
                output(&reply, "decision")["data"][index],
                alone["decision"]["action"]
            );
        }
        for (name, expected) in [
            ("probabilities", probabilities),
            ("uncertainty", uncertainty),
            ("samples", samples),
        ] {
            assert!(
                close(&numbers(&output(&reply, name)["data"]), &expected),
                "{method} {name}"
            );
        }
    }
}

/// A binary response: its JSON, and the bytes of each output.
async fn parts(response: Response) -> (Value, Vec<Vec<u8>>) {
    let status = response.status();
    let length = response
        .headers()
        .get(LENGTH)
        .map(|length| length.to_str().unwrap().parse().unwrap());
    let body = response.bytes().await.unwrap();
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    let (json, mut rest) = body.split_at(length.unwrap());
    let json: Value = serde_json::from_slice(json).unwrap();
    let mut tensors = Vec::new();
    for output in json["outputs"].as_array().unwrap() {
        let size = output["parameters"]["binary_data_size"].as_u64();
        let (tensor, after) = rest.split_at(size.map_or(0, |size| usize::try_from(size).unwrap()));
        tensors.push(tensor.to_vec());
        rest = after;
    }
    assert!(rest.is_empty());
    (json, tensors)
}

#[tokio::test]
async fn compressed_tensors_give_same_answer() {
    let server = Server::start();
    let images = [example("lsil"), example("scc")];
    let tensor = bytes_tensor(&images);
    let header = json!({
        "parameters": {"method": "ensemble", "binary_data_output": true},
        "inputs": [{"name": "image", "shape": [2], "datatype": "BYTES",
            "parameters": {"binary_data_size": tensor.len()}}],
        "outputs": [{"name": "probabilities"}, {"name": "decision"}, {"name": "label", "parameters": {"binary_data": false}}],
    });
    let plain = parts(binary(&server, &header, &tensor).send().await.unwrap()).await;

    let json = header.to_string();
    let mut compressed = GzEncoder::new(Vec::new(), Compression::fast());
    compressed.write_all(json.as_bytes()).unwrap();
    compressed.write_all(&tensor).unwrap();
    let request = server
        .post(INFER)
        .header(LENGTH, json.len())
        .header("Content-Encoding", "gzip");
    let request = request.body(compressed.finish().unwrap());
    assert_eq!(parts(request.send().await.unwrap()).await, plain);

    let (reply, tensors) = plain;
    let floats: Vec<f64> = tensors[0]
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f64::from(f32::from_le_bytes(*bytes)))
        .collect();
    let mut decisions = Vec::new();
    for (index, image) in images.iter().enumerate() {
        let alone = answer(server.predict("?method=ensemble", image.clone())).await;
        let classes = alone["probabilities"].as_array().unwrap().iter();
        let expected: Vec<f64> = classes
            .map(|class| class["probability"].as_f64().unwrap())
            .collect();
        assert!(close(&floats[6 * index..6 * index + 6], &expected));
        decisions.push(
            alone["decision"]["action"]
                .as_str()
                .unwrap()
                .as_bytes()
                .to_vec(),
        );
        assert_eq!(
            output(&reply, "label")["data"][index],
            alone["prediction"]["label"]
        );
    }
    assert_eq!(tensors[1], bytes_tensor(&decisions));
}

#[tokio::test]
async fn normalised_tensor_equals_its_image() {
    let server = Server::start();
    let image = example("hsil");
    let values = normalised(&image);
    let alone = answer(server.predict("?method=mc_dropout&seed=5", image)).await;
    let classes = alone["probabilities"].as_array().unwrap().iter();
    let expected: Vec<f64> = classes
        .map(|class| class["probability"].as_f64().unwrap())
        .collect();
    let parameters = json!({"method": "mc_dropout", "seed": 5});
    let input = json!({"name": "image", "shape": [1, 3, 128, 128], "datatype": "FP32"});

    let mut of_json = input.clone();
    of_json["data"] = json!([values]);
    let request = json!({"parameters": parameters, "inputs": [of_json]});
    let reply = answer(server.post(INFER).json(&request)).await;
    assert!(close(
        &numbers(&output(&reply, "probabilities")["data"]),
        &expected
    ));

    let tensor: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let mut of_bytes = input;
    of_bytes["parameters"] = json!({"binary_data_size": tensor.len()});
    let header = json!({"parameters": parameters, "inputs": [of_bytes]});
    let reply = answer(binary(&server, &header, &tensor)).await;
    assert!(close(
        &numbers(&output(&reply, "probabilities")["data"]),
        &expected
    ));
}
