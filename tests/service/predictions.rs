//! The content of answers.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{
    header::CONTENT_TYPE,
    multipart::{Form, Part},
};
use serde_json::Value;

use super::server::{CELL, Server, answer, fixture};

const METHODS: [&str; 4] = ["baseline", "mc_dropout", "ensemble", "tta"];

fn numbers<'answer>(list: &'answer Value, member: &'answer str) -> Vec<f64> {
    let items = list.as_array().unwrap();
    items
        .iter()
        .map(|item| item[member].as_f64().unwrap())
        .collect()
}

/// An answer without the members that differ between requests.
pub fn lasting(mut answer: Value) -> Value {
    let members = answer.as_object_mut().unwrap();
    for name in ["id", "request_id", "timing_ms"] {
        members.remove(name).unwrap();
    }
    answer
}

fn check_numbers(part: &Value) {
    let probabilities = numbers(&part["probabilities"], "probability");
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    let index = usize::try_from(part["prediction"]["index"].as_u64().unwrap()).unwrap();
    let largest = probabilities.iter().copied().fold(0.0, f64::max);
    assert_eq!(part["prediction"]["probability"].as_f64(), Some(largest));
    assert_eq!(
        part["prediction"]["probability"].as_f64(),
        Some(probabilities[index])
    );
    assert_eq!(
        part["prediction"]["label"],
        part["probabilities"][index]["label"]
    );

    let single = part["samples"]["used"] == 1;
    let uncertainty = &part["uncertainty"];
    assert_eq!(uncertainty["variance"].is_null(), single);
    assert_eq!(uncertainty["paper"]["variance"]["value"].is_null(), single);
    assert_eq!(part["probabilities"][0]["std"].is_null(), single);
    let entropy = uncertainty["predictive_entropy"].as_f64().unwrap();
    let mutual = uncertainty["mutual_information"].as_f64().unwrap();
    assert!((0.0..=entropy).contains(&mutual) && entropy <= (probabilities.len() as f64).ln());
    let action = part["decision"]["action"].as_str().unwrap();
    let reasons = part["decision"]["reasons"].as_array().unwrap();
    assert_eq!(
        reasons.is_empty(),
        action == "accept",
        "{action} {reasons:?}"
    );
}

#[tokio::test]
async fn methods_give_consistent_numbers() {
    let server = Server::start();
    for method in METHODS {
        let answer = server.answer(&format!("?method={method}")).await;
        assert_eq!(answer["method"], method);
        assert_eq!(answer["samples"]["values"], Value::Null);
        let p_value = answer["ood"]["p_value"].as_f64().unwrap();
        assert!(p_value > 0.0 && p_value <= 1.0 && answer["ood"]["score"].is_number());
        assert!(
            answer["decision"]["policy"].is_string(),
            "a default policy decides"
        );
        assert_eq!(answer["accession"], Value::Null);
        assert_eq!(answer["comparisons"], Value::Array(vec![]));
        let samples = &answer["samples"];
        let stopped_early = samples["used"] != samples["requested"];
        assert_eq!(samples["stopped_early"], stopped_early);
        assert!(!stopped_early || method == "tta", "{method}");
        assert_eq!(samples["used"] == 1, method == "baseline");
        assert!(
            answer["provenance"]["software"]
                .as_str()
                .unwrap()
                .starts_with("secondlook ")
        );
        assert_eq!(answer["provenance"]["execution_provider"], "cpu");
        check_numbers(&answer);
    }
}

#[tokio::test]
async fn include_adds_samples_and_timing() {
    let server = Server::start();
    let answer = server
        .answer("?method=mc_dropout&passes=7&seed=3&include=samples")
        .await;
    let samples = answer["samples"]["values"].as_array().unwrap();
    assert_eq!(samples.len(), 7);
    let classes = answer["probabilities"].as_array().unwrap().len();
    assert!(
        samples
            .iter()
            .all(|sample| sample.as_array().unwrap().len() == classes)
    );
    assert_eq!(answer["provenance"]["seed"], 3);
    for part in ["queue", "decode", "inference", "total"] {
        assert!(answer["timing_ms"][part].as_f64().unwrap() >= 0.0, "{part}");
    }
}

#[tokio::test]
async fn views_are_the_model_inputs() {
    let server = Server::start();
    let query = "?method=tta&passes=6&exact=true&include=samples&include=views";
    let samples = server.answer(query).await["samples"].clone();
    let (rows, views) = (samples["values"].as_array(), samples["views"].as_array());
    let (rows, views) = (rows.unwrap(), views.unwrap());
    assert_eq!((rows.len(), views.len()), (6, 6));
    let mut scales = Vec::new();
    for (row, view) in rows.iter().zip(views) {
        let png = BASE64_STANDARD.decode(view.as_str().unwrap()).unwrap();
        let alone = answer(server.predict("?method=baseline", png)).await;
        let alone = alone["probabilities"].as_array().unwrap();
        let together = row.as_array().unwrap().iter().map(logarithm);
        let alone = alone.iter().map(|class| logarithm(&class["probability"]));
        scales.push(range(together) / range(alone));
    }
    // The same class scores, divided by the temperature of TTA instead of the baseline's.
    for scale in &scales {
        assert!((scale - scales[0]).abs() < 1e-3, "{scales:?}");
    }
    let without = server.answer("?method=ensemble&include=views").await;
    assert_eq!(without["samples"]["views"], Value::Null);
}

fn logarithm(probability: &Value) -> f64 {
    probability.as_f64().unwrap().ln()
}

fn range(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().fold(f64::MIN, f64::max) - values.fold(f64::MAX, f64::min)
}

#[tokio::test]
async fn comparisons_equal_single_methods() {
    let server = Server::start();
    let together = server
        .answer("?method=ensemble&compare=mc_dropout&compare=baseline&include=samples")
        .await;
    let comparisons = together["comparisons"].as_array().unwrap();
    assert_eq!(comparisons.len(), 2);
    for comparison in comparisons {
        check_numbers(comparison);
        let method = comparison["method"].as_str().unwrap();
        let alone = server
            .answer(&format!("?method={method}&include=samples"))
            .await;
        for (member, value) in comparison.as_object().unwrap() {
            assert_eq!(*value, alone[member], "{method} {member}");
        }
    }
}

#[tokio::test]
async fn form_and_raw_body_agree() {
    let server = Server::start();
    let expected = lasting(server.answer("").await);

    let part = Part::bytes(fixture(CELL)).file_name("cell.gif");
    let form = server
        .post("/v1/predictions")
        .multipart(Form::new().part("image", part));
    assert_eq!(lasting(answer(form).await), expected);

    for label in [
        "image/jpeg",
        "IMAGE/X-ANYTHING; q=1",
        "application/octet-stream",
    ] {
        let request = server
            .post("/v1/predictions")
            .header(CONTENT_TYPE, label)
            .body(fixture(CELL));
        assert_eq!(lasting(answer(request).await), expected, "{label}");
    }
    let unlabelled = server.post("/v1/predictions").body(fixture(CELL));
    assert_eq!(lasting(answer(unlabelled).await), expected);
}

#[tokio::test]
async fn accession_is_returned_and_never_logged() {
    let server = Server::start();
    let form = Form::new()
        .part("image", Part::bytes(fixture(CELL)))
        .text("accession", "S26-in-form");
    let ways = [
        (
            "S26-in-query",
            server.predict("?accession=S26-in-query", fixture(CELL)),
        ),
        (
            "S26-in-header",
            server
                .predict("", fixture(CELL))
                .header("X-Accession", "S26-in-header"),
        ),
        (
            "S26-in-form",
            server.post("/v1/predictions").multipart(form),
        ),
    ];
    for (accession, request) in ways {
        assert_eq!(answer(request).await["accession"], accession);
    }
    let with_tab = server.predict("", fixture(CELL));
    let with_tab = with_tab.header("X-Accession", "S26-in\ttwo");
    assert_eq!(with_tab.send().await.unwrap().status(), 400);
    assert!(!server.log().contains("S26-"), "{}", server.log());
}

#[tokio::test]
async fn request_id_is_kept_or_made() {
    let server = Server::start();
    let response = server
        .predict("", fixture(CELL))
        .header("X-Request-Id", "lims-7")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["x-request-id"], "lims-7");
    assert_eq!(
        response.json::<Value>().await.unwrap()["request_id"],
        "lims-7"
    );

    let response = server
        .get("/health/live")
        .header("X-Request-Id", "two words")
        .send()
        .await
        .unwrap();
    let made = response.headers()["x-request-id"].to_str().unwrap();
    assert_eq!(made.len(), 26, "{made}");
    assert!(server.log().contains("lims-7") && !server.log().contains("two words"));
}
