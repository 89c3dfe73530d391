//! `limits.max_answer_bytes`: the size of an answer is bounded before the model runs.

use std::fmt::Write as _;

use reqwest::{
    RequestBuilder, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use super::{
    answer_size::{INFER, request},
    server::{CELL, Server, fixture, problem},
};

fn crops(count: usize) -> Form {
    (0..count).fold(Form::new(), |form, index| {
        let name = format!("{index}.png");
        form.part("image", Part::bytes(fixture(CELL)).file_name(name))
    })
}

fn field(count: usize) -> Form {
    let mut nuclei = "cell_id,nucleus_x,nucleus_y\n".to_owned();
    for index in 0..count {
        writeln!(nuclei, "{index},{},40", 40 + index).unwrap();
    }
    let nuclei = Part::text(nuclei).mime_str("text/csv").unwrap();
    Form::new()
        .part("image", Part::bytes(fixture(CELL)))
        .part("nuclei", nuclei)
}

/// Requests, each with whether most of its answer is samples or views.
fn asked(server: &Server) -> Vec<(&'static str, bool, RequestBuilder)> {
    let all =
        "include=samples&compare=mc_dropout&compare=ensemble&compare=tta&exact=true&passes=50";
    let one = |query: &str| server.predict(query, fixture(CELL));
    let many = |path: &str, form: Form| server.post(path).multipart(form);
    let outputs = |outputs: Value, binary: bool| {
        let parameters =
            json!({"method": "mc_dropout", "passes": 200, "binary_data_output": binary});
        let members = json!({"parameters": parameters, "outputs": outputs});
        server.post(INFER).json(&request(&members))
    };
    let samples = || json!([{"name": "samples"}]);
    let fhir = "application/fhir+json";
    vec![
        ("one", false, one("?method=baseline")),
        (
            "one with an accession",
            false,
            one(&format!("?method=baseline&accession={}", "%22".repeat(256))),
        ),
        (
            "one in FHIR",
            false,
            one("?method=baseline").header("Accept", fhir),
        ),
        (
            "one with samples",
            true,
            one(&format!("?method=baseline&{all}")),
        ),
        (
            "one with views",
            true,
            one("?method=tta&include=views&exact=true&passes=60"),
        ),
        (
            "a batch",
            false,
            many("/v1/predictions:batch?method=baseline", crops(12)),
        ),
        (
            "a batch in FHIR",
            false,
            many("/v1/predictions:batch?method=baseline", crops(12)).header("Accept", fhir),
        ),
        (
            "a batch with samples",
            true,
            many(
                "/v1/predictions:batch?method=mc_dropout&passes=200&include=samples",
                crops(12),
            ),
        ),
        (
            "a field with samples",
            true,
            many(
                "/v1/fields?method=mc_dropout&passes=200&include=samples",
                field(12),
            ),
        ),
        (
            "a field in lines",
            true,
            many(
                "/v1/fields?method=mc_dropout&passes=200&include=samples",
                field(12),
            )
            .header("Accept", "application/x-ndjson"),
        ),
        ("samples in JSON", true, outputs(samples(), false)),
        ("samples behind JSON", true, outputs(samples(), true)),
        ("everything", true, outputs(json!([]), false)),
    ]
}

/// The number before a text.
fn number_before(text: &str, word: &str) -> usize {
    let (before, _) = text.split_once(word).unwrap();
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn answer_size_is_bounded_before_inference() {
    let usual = Server::start();
    let strict = Server::with(&[("LIMITS__MAX_ANSWER_BYTES", "1")]);
    for ((name, is_samples, asked), (_, _, refused)) in
        asked(&usual).into_iter().zip(asked(&strict))
    {
        let response = asked.send().await.unwrap();
        let status = response.status();
        let answer = response.bytes().await.unwrap();
        assert_eq!(
            status,
            StatusCode::OK,
            "{name}: {}",
            String::from_utf8_lossy(&answer)
        );

        let response = refused.send().await.unwrap();
        assert_eq!(
            response.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{name}"
        );
        let text = response.text().await.unwrap();
        assert!(text.contains("limits.max_answer_bytes"), "{name}: {text}");
        let reckoned = number_before(&text, " bytes, at most 1 ");
        assert!(
            answer.len() <= reckoned,
            "{name}: {} and {reckoned}",
            answer.len()
        );
        assert!(
            !is_samples || reckoned <= 3 * answer.len(),
            "{name}: {} and {reckoned}",
            answer.len()
        );
    }
    assert_eq!(
        strict.decisions().await,
        0,
        "a request ran that was refused"
    );
    let refused = strict.predict("", fixture(CELL)).send().await.unwrap();
    let refused = problem(refused).await;
    assert_eq!(
        refused["type"], "urn:secondlook:problem:answer-too-large",
        "{refused}"
    );
}
