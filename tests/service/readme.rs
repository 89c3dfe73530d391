//! The README's `curl` commands and the answer printed there.

use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::{
    examples::agree,
    server::{Server, answer},
};

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

#[tokio::test]
async fn readme_answer_is_real() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let file = between(&readme, "--data-binary @", " ");
    let path = between(&readme, "'http://127.0.0.1:8080", "'");
    let printed: Value = serde_json::from_str(between(&readme, "```json", "```")).unwrap();

    let server = Server::start();
    let request = server
        .post(path)
        .header("Content-Type", "image/png")
        .body(std::fs::read(file).unwrap());
    let real = answer(request).await;
    assert!(agree(&printed, &real), "run `make readme`: {real:#}");
}

#[tokio::test]
async fn readme_field_command_works() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let form = between(&readme, "curl -F image=@", "```");
    let (image, rest) = form.split_once(' ').unwrap();
    let table = between(rest, "nuclei=@", ";type=text/csv");
    let path = between(rest, "'http://127.0.0.1:8080", "'");

    let part = |file: &str| Part::bytes(std::fs::read(file).unwrap()).file_name(file.to_owned());
    let nuclei = part(table).mime_str("text/csv").unwrap();
    let form = Form::new()
        .part("image", part(image))
        .part("nuclei", nuclei);
    let server = Server::start();
    let reply = answer(server.post(path).multipart(form)).await;
    let cells = reply["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 10);
    assert!(cells.iter().all(|cell| cell["prediction"].is_object()));
}

#[tokio::test]
async fn example_cells_work_with_every_method() {
    let server = Server::start();
    for class in ["nilm", "asc-us", "lsil", "asc-h", "hsil", "scc"] {
        let cell = std::fs::read(format!("examples/cells/{class}.png")).unwrap();
        for method in ["baseline", "mc_dropout", "ensemble", "tta"] {
            let reply = answer(server.predict(&format!("?method={method}"), cell.clone())).await;
            assert_eq!(reply["method"], method, "{class}");
        }
    }
}
