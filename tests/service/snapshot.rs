//! A whole response of a small bundle, so that a new default model does not change it.

use serde_json::Value;

use super::server::{Server, fixture};
use testkit::tiny;

/// Rounds numbers, because machines differ in the last digits.
fn round(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|_| number.is_f64()) {
                *value = ((float * 1e4).round() / 1e4).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(round),
        Value::Object(members) => members.values_mut().for_each(round),
        _ => {}
    }
}

#[tokio::test]
async fn a_whole_answer() {
    let models = tempfile::tempdir().unwrap();
    let directory = models.path().join("tiny");
    std::fs::create_dir(&directory).unwrap();
    tiny::trunk_and_heads(&directory);
    let server = Server::of(models.path(), &[]);
    let query =
        "?method=mc_dropout&compare=baseline&passes=2&seed=7&include=samples&include=timing";
    let request = server.predict(query, fixture("imaging/crop00.png"));
    let request = request
        .header("X-Request-Id", "lims-7")
        .header("X-Accession", "S26-1234/A");
    let mut answer = super::server::answer(request).await;
    round(&mut answer);
    insta::assert_json_snapshot!(answer, {
        ".id" => "[digest]",
        ".timing_ms.queue" => "[milliseconds]",
        ".timing_ms.decode" => "[milliseconds]",
        ".timing_ms.inference" => "[milliseconds]",
        ".timing_ms.total" => "[milliseconds]",
        ".provenance.software" => "secondlook [version]",
    });
}
