//! The examples in the OpenAPI document are real answers, and fixed questions keep their answers.
//! `make openapi` writes both again.

use std::{collections::BTreeMap, env, fs};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use reqwest::{
    RequestBuilder,
    multipart::{Form, Part},
};
use secondlook::api::{
    answer::PredictionAnswer, batch::BatchAnswer, fields::FieldAnswer, problem::ProblemBody,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::server::{self, Server, answer, fixture, problem};

/// Set this variable to write the examples again: `make openapi`.
const UPDATE: &str = "UPDATE_EXAMPLES";
/// Tolerance for floats, because machines with other vector units differ.
const TOLERANCE: f64 = 1e-3;
const EXAMPLES: &str = "src/api/examples";
const ANSWERS: &str = "tests/service/snapshots/answers.json";

/// Equal except for the last digits, which differ between machines, and for members that differ
/// between requests.
pub fn agree(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) if left.is_f64() => {
            let (left, right) = (left.as_f64().unwrap(), right.as_f64().unwrap());
            (left - right).abs() < TOLERANCE * right.abs().max(1.0)
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| agree(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let passing = |name: &str| matches!(name, "request_id" | "timing_ms");
            let equal =
                |(name, value): (&String, &Value)| passing(name) || agree(value, &right[name]);
            left.keys().eq(right.keys()) && left.iter().all(equal)
        }
        _ => left == right,
    }
}

fn check(name: &str, answer: &impl Serialize) {
    let path = format!("{EXAMPLES}/{name}.json");
    if env::var_os(UPDATE).is_some() {
        return fs::write(path, serde_json::to_string_pretty(answer).unwrap() + "\n").unwrap();
    }
    let example: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let answer = serde_json::to_value(answer).unwrap();
    expect(&path, &example, &answer);
}

fn expect(path: &str, example: &Value, answer: &Value) {
    assert!(
        agree(example, answer),
        "{path} is not what the server says, run `make openapi`: {answer:#}"
    );
}

#[tokio::test]
async fn openapi_examples_are_real_answers() {
    let server = Server::start();
    let cell = fs::read("examples/cells/hsil.png").unwrap();
    let answer = server
        .predict("?method=mc_dropout", cell)
        .send()
        .await
        .unwrap();
    let answer: PredictionAnswer = answer.json().await.unwrap();
    check("prediction", &answer);

    let half = server
        .predict("", fixture("bad_inputs/jpeg_truncated_half.jpg"))
        .send()
        .await
        .unwrap();
    let problem: ProblemBody = serde_json::from_value(problem(half).await).unwrap();
    check("problem", &problem);

    let cell = |name: &str| {
        let bytes = fs::read(format!("examples/cells/{name}")).unwrap();
        Part::bytes(bytes).file_name(name.to_owned())
    };
    let half = fixture("bad_inputs/jpeg_truncated_half.jpg");
    let batch = Form::new()
        .part("image", cell("nilm.png"))
        .part("image", cell("hsil.png"))
        .part("image", Part::bytes(half).file_name("half.jpg"));
    let request = server.post("/v1/predictions:batch?method=mc_dropout");
    let batch: BatchAnswer = server_answer(request.multipart(batch)).await;
    check("batch", &batch);

    let nuclei = r#"[{"id": "1", "x": 70, "y": 70}, {"id": "2", "x": 70, "y": 140}]"#;
    let field = Form::new()
        .part("image", cell("hsil.png"))
        .text("nuclei", nuclei);
    let request = server.post("/v1/fields?method=mc_dropout&source_width_px=1280");
    let field: FieldAnswer = server_answer(request.multipart(field)).await;
    check("field", &field);

    let fhir = |request: RequestBuilder| request.header("Accept", "application/fhir+json");
    let hsil = fs::read("examples/cells/hsil.png").unwrap();
    let observation = fhir(server.predict("?method=mc_dropout", hsil));
    check_resource("observation", server::answer(observation).await);
    let form = Form::new()
        .part("image", cell("hsil.png"))
        .text("nuclei", nuclei);
    let request = server.post("/v1/fields?method=mc_dropout&source_width_px=1280");
    let bundle = server::answer(fhir(request.multipart(form))).await;
    check_resource("bundle", bundle);
}

/// An example in FHIR. Its ids depend on all digits of its numbers, so they differ between
/// machines.
fn check_resource(name: &str, resource: Value) {
    let path = format!("{EXAMPLES}/{name}.json");
    if env::var_os(UPDATE).is_some() {
        return check(name, &resource);
    }
    let example: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let (example, resource) = (without_addresses(example), without_addresses(resource));
    expect(&path, &example, &resource);
}

/// A file of the folder `examples`, under its name.
fn part(path: &str) -> Part {
    let name = path.rsplit('/').next().unwrap().to_owned();
    Part::bytes(fs::read(format!("examples/{path}")).unwrap()).file_name(name)
}

fn batch(server: &Server, method: &str) -> RequestBuilder {
    let half = fixture("bad_inputs/jpeg_truncated_half.jpg");
    let form = Form::new()
        .part("image", part("cells/nilm.png"))
        .part("image", part("cells/scc.png"))
        .part("image", Part::bytes(half).file_name("half.jpg"));
    server
        .post(&format!("/v1/predictions:batch?method={method}"))
        .multipart(form)
}

fn field(server: &Server, method: &str) -> RequestBuilder {
    let nuclei = r#"[{"id": "1", "x": 764, "y": 242}, {"x": 599, "y": 513}, {"id": "outside", "x": -1, "y": 0}]"#;
    let form = Form::new()
        .part("image", part("fields/smear.jpg"))
        .text("nuclei", nuclei);
    server
        .post(&format!("/v1/fields?method={method}"))
        .multipart(form)
}

fn inference(server: &Server, method: &str) -> RequestBuilder {
    let cell = fs::read("examples/cells/hsil.png").unwrap();
    let tensor = json!({"name": "image", "datatype": "BYTES", "shape": [1], "data": [BASE64_STANDARD.encode(cell)]});
    let body = json!({"inputs": [tensor], "parameters": {"method": method}});
    let path = "/v2/models/cric-lite0/infer";
    server.post(path).json(&body)
}

/// The lines of an answer, in the order of the cells.
async fn lines(request: RequestBuilder) -> Value {
    let request = request.header("Accept", "application/x-ndjson");
    let text = request.send().await.unwrap().text().await.unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let mut lines: Vec<Value> = lines.collect();
    lines.sort_by_key(|line| line["index"].as_u64());
    lines.into()
}

/// The answers of the default bundle for the files in `examples`, over every route.
async fn answers() -> BTreeMap<String, Value> {
    // The same on every processor.
    let server = Server::with(&[("ENGINE__TRUNK_PRECISION", "float32")]);
    let fhir = |request: RequestBuilder| request.header("Accept", "application/fhir+json");
    let mut answers = BTreeMap::new();
    for method in ["baseline", "mc_dropout", "ensemble", "tta"] {
        let cell = || {
            let bytes = fs::read("examples/cells/hsil.png").unwrap();
            server.predict(&format!("?method={method}"), bytes)
        };
        let in_json = [
            ("crop", cell()),
            ("batch", batch(&server, method)),
            ("field", field(&server, method)),
            ("v2", inference(&server, method)),
        ];
        for (name, request) in in_json {
            answers.insert(format!("{name} {method}"), answer(request).await);
        }
        let resource = without_addresses(answer(fhir(cell())).await);
        answers.insert(format!("crop {method} FHIR"), resource);
    }
    let many = [
        ("batch", batch(&server, "tta")),
        ("field", field(&server, "tta")),
    ];
    for (name, request) in many {
        let resource = without_addresses(answer(fhir(request)).await);
        answers.insert(format!("{name} tta FHIR"), resource);
    }
    answers.insert(
        "field tta lines".to_owned(),
        lines(field(&server, "tta")).await,
    );
    let cell = |query| server.predict(query, fs::read("examples/cells/asc-us.png").unwrap());
    for query in [
        "?method=ensemble&compare=tta&compare=baseline&policy=accept_error_2_classes_10",
        "?method=mc_dropout&passes=3&seed=3&include=samples&accession=S26-1",
    ] {
        answers.insert(format!("crop {query}"), answer(cell(query)).await);
    }
    answers
}

/// A line for each answer.
fn write_answers(answers: &BTreeMap<String, Value>) {
    let lines = answers.iter();
    let lines: Vec<String> = lines
        .map(|(name, answer)| format!("{}: {answer}", json!(name)))
        .collect();
    fs::write(ANSWERS, format!("{{\n{}\n}}\n", lines.join(",\n"))).unwrap();
}

#[tokio::test]
async fn fixed_questions_keep_their_answers() {
    let answers = answers().await;
    if env::var_os(UPDATE).is_some() {
        return write_answers(&answers);
    }
    let expected = fs::read(ANSWERS).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_slice(&expected).unwrap();
    assert!(expected.keys().eq(answers.keys()));
    for (name, answer) in &answers {
        expect(name, &expected[name], answer);
    }
}

fn without_addresses(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(name, _)| !matches!(name.as_str(), "fullUrl" | "id" | "identifier"))
            .map(|(name, value)| (name, without_addresses(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_addresses).collect(),
        other => other,
    }
}

async fn server_answer<Answer: serde::de::DeserializeOwned>(request: RequestBuilder) -> Answer {
    serde_json::from_value(answer(request).await).unwrap()
}
