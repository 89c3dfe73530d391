//! The first thing that people try: the README's `curl` and the answer printed beside it.

use serde_json::Value;

use super::server::{Server, answer};

/// Machines differ in the last digits of floats.
const TOLERANCE: f64 = 1e-3;

/// The text of the README between two markers.
fn between<'text>(text: &'text str, start: &str, end: &str) -> &'text str {
    let (_, after) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("the README has no `{start}`"));
    after
        .split_once(end)
        .unwrap_or_else(|| panic!("the README has no `{end}`"))
        .0
}

fn assert_alike(printed: &Value, real: &Value, path: &str) {
    match (printed, real) {
        (Value::Object(printed), Value::Object(real)) => {
            let names = |members: &serde_json::Map<String, Value>| {
                members.keys().cloned().collect::<Vec<_>>()
            };
            assert_eq!(names(printed), names(real), "{path}");
            for (name, value) in printed {
                assert_alike(value, &real[name], &format!("{path}.{name}"));
            }
        }
        (Value::Array(printed), Value::Array(real)) => {
            assert_eq!(printed.len(), real.len(), "{path}");
            for (index, (printed, real)) in printed.iter().zip(real).enumerate() {
                assert_alike(printed, real, &format!("{path}[{index}]"));
            }
        }
        (Value::Number(printed), Value::Number(real)) if printed.is_f64() => {
            let (printed, real) = (printed.as_f64().unwrap(), real.as_f64().unwrap());
            assert!(
                (printed - real).abs() < TOLERANCE,
                "{path}: {printed} in the README, {real} answered"
            );
        }
        _ => assert_eq!(printed, real, "{path}"),
    }
}

#[tokio::test]
async fn the_answer_in_the_readme_is_the_one_that_the_server_gives() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let file = between(&readme, "--data-binary @", " ");
    let path = between(&readme, "'http://127.0.0.1:8080", "'");
    let mut printed: Value = serde_json::from_str(between(&readme, "```json", "```")).unwrap();

    let server = Server::start();
    let request = server
        .post(path)
        .header("Content-Type", "image/png")
        .body(std::fs::read(file).unwrap());
    let mut real = answer(request).await;
    for id in ["id", "request_id"] {
        assert!(printed[id].is_string() && real[id].is_string());
        printed[id] = Value::Null;
        real[id] = Value::Null;
    }
    assert_alike(&printed, &real, "");
}

#[tokio::test]
async fn the_example_of_each_class_is_answered_by_every_method() {
    let server = Server::start();
    for class in ["nilm", "asc-us", "lsil", "asc-h", "hsil", "scc"] {
        let cell = std::fs::read(format!("examples/cells/{class}.png")).unwrap();
        for method in ["baseline", "mc_dropout", "ensemble", "tta"] {
            let reply = answer(server.predict(&format!("?method={method}"), cell.clone())).await;
            assert_eq!(reply["method"], method, "{class}");
        }
    }
}
