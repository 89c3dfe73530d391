//! Refusals of `/v2`, in the form of its protocol.

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Response;
use serde_json::{Value, json};

use super::{
    cli::assert_no_library_words,
    server::{CELL, Server, fixture},
    v2::{INFER, LENGTH, binary, bytes_tensor},
};

#[tokio::test]
async fn v2_refusals_say_what_is_wrong() {
    let server = Server::with(&[("LIMITS__MAX_CELLS", "4")]);
    let image = BASE64_STANDARD.encode(fixture(CELL));
    let bytes = |shape: Value, data: Value| json!({"name": "image", "shape": shape, "datatype": "BYTES", "data": data});
    let floats = |shape: Value, values: Vec<f32>| json!({"name": "image", "shape": shape, "datatype": "FP32", "data": values});
    let good = || bytes(json!([1]), json!([image]));
    let pixels = 3 * 128 * 128;
    let cases = [
        (json!({"inputs": []}), 400, "`inputs` is empty"),
        (json!({"inputs": [good(), good()]}), 400, "more than 1"),
        (
            json!({"inputs": [bytes(json!([2]), json!([image]))]}),
            400,
            "the tensor has 1",
        ),
        (
            json!({"inputs": [bytes(json!([0]), json!([]))]}),
            400,
            "no image",
        ),
        (
            json!({"inputs": [bytes(json!([5]), json!([image, image, image, image, image]))]}),
            413,
            "at most 4",
        ),
        (
            json!({"inputs": [bytes(json!([1]), json!(["*"]))]}),
            400,
            "base64",
        ),
        (
            json!({"inputs": [bytes(json!([2]), json!([image, "AAAA"]))]}),
            415,
            "image 1",
        ),
        (
            json!({"inputs": [floats(json!([1, 3, 64, 64]), vec![0.0; 3 * 64 * 64])]}),
            400,
            "[n, 3, 128, 128]",
        ),
        (
            json!({"inputs": [floats(json!([1, 3, 128, 128]), vec![0.0; 9])]}),
            400,
            "9 values",
        ),
        (
            json!({"inputs": [floats(json!([1, 3, 128, 128]), vec![255.0; pixels])]}),
            422,
            "255",
        ),
        (
            json!({"parameters": {"method": "tta"}, "inputs": [floats(json!([1, 3, 128, 128]), vec![0.0; pixels])]}),
            422,
            "send the image",
        ),
        (
            json!({"parameters": {"method": "guess"}, "inputs": [good()]}),
            400,
            "guess",
        ),
        (
            json!({"parameters": {"colour": 1}, "inputs": [good()]}),
            400,
            "colour",
        ),
        (
            json!({"parameters": {"passes": 0, "method": "tta"}, "inputs": [good()]}),
            422,
            "passes",
        ),
        (
            json!({"inputs": [good()], "outputs": [{"name": "truth"}]}),
            400,
            "truth",
        ),
        (
            json!({"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES"}]}),
            400,
            "neither `data` nor `binary_data_size`",
        ),
        (
            json!({"inputs": [{"name": "image", "shape": [1], "datatype": "INT8", "data": [1]}]}),
            400,
            "INT8",
        ),
        (json!([]), 400, "an object with `inputs`"),
        (
            json!({"inputs": [{"name": "image", "datatype": "BYTES", "data": [image]}]}),
            400,
            "`inputs[0]`: expected an object with `name`, `shape` and `datatype`",
        ),
        (
            json!({"inputs": [bytes(json!(["one"]), json!([image]))]}),
            400,
            "`inputs[0].shape[0]`: expected a list of whole numbers",
        ),
    ];
    for (request, status, said) in cases {
        let response = server.post(INFER).json(&request).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_refused(response, status, said).await;
    }
    let tensor = bytes_tensor(&[fixture(CELL)]);
    let header = |size: usize| json!({"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": size}}]});
    for (header, tensor, said) in [
        (header(tensor.len() + 1), &tensor[..], "binary_data_size"),
        (header(3), &tensor[..3], "within an element"),
        (
            header(tensor.len() - 1),
            &tensor[..tensor.len() - 1],
            "within an element",
        ),
    ] {
        assert_refused(
            binary(&server, &header, tensor).send().await.unwrap(),
            400,
            said,
        )
        .await;
    }
    for length in ["9999999", "-1", "many"] {
        let request = server.post(INFER).header(LENGTH, length).body("{}");
        assert_refused(
            request.send().await.unwrap(),
            400,
            "Inference-Header-Content-Length",
        )
        .await;
    }
    for (path, said) in [
        ("/v2/models/absent", "absent"),
        ("/v2/models/absent/ready", "absent"),
        ("/v2/models/cric-lite0/versions/9", "version `9`"),
        ("/v2/nothing", "/v2/nothing"),
    ] {
        assert_refused(server.get(path).send().await.unwrap(), 404, said).await;
    }
    assert_refused(server.get(INFER).send().await.unwrap(), 405, "GET").await;
    let squeezed = server
        .post(INFER)
        .header("Content-Encoding", "gzip")
        .body("no gzip");
    assert_refused(squeezed.send().await.unwrap(), 400, "compressed").await;
}

async fn assert_refused(response: Response, status: u16, said: &str) {
    let found = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{text}");
    assert_no_library_words(&text);
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 1, "{text}");
    assert!(
        body["error"].as_str().unwrap().contains(said),
        "{said}: {text}"
    );
}
