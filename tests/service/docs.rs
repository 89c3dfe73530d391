//! The OpenAPI document, and the page that shows it.

use std::collections::BTreeSet;

use secondlook::api::openapi;
use serde_json::Value;

use super::server::{Server, answer};

/// Every string under a key of this name, at any depth.
fn strings<'document>(value: &'document Value, name: &str, found: &mut Vec<&'document str>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                if let (true, Some(text)) = (key == name, member.as_str()) {
                    found.push(text);
                }
                strings(member, name, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, name, found)),
        _ => {}
    }
}

#[test]
fn openapi_file_is_up_to_date() {
    let file = include_str!("../../openapi.yaml");
    assert!(
        openapi::yaml().unwrap() == file,
        "openapi.yaml is out of date: run `make openapi`"
    );
}

#[test]
fn openapi_references_and_ids_are_valid() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut references = Vec::new();
    strings(&document, "$ref", &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let target = document.pointer(reference.trim_start_matches('#'));
        assert!(target.is_some(), "{reference} leads nowhere");
    }
    let mut names = Vec::new();
    strings(&document["paths"], "operationId", &mut names);
    let operations: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|path| path.as_object().unwrap().len())
        .sum();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), operations);
}

#[tokio::test]
async fn docs_page_loads_only_local_files() {
    let server = Server::start();
    let document = answer(server.get("/openapi.json")).await;
    assert_eq!(document, serde_json::to_value(openapi::document()).unwrap());

    for start in ["/docs", "/docs/"] {
        let page = server.get(start).send().await.unwrap();
        assert_eq!(page.url().path(), "/docs/");
        let policy = page.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(policy.starts_with("default-src 'self';"), "{policy}");
        let html = page.text().await.unwrap();
        assert!(
            !html.contains("http://") && !html.contains("https://"),
            "{html}"
        );
        for file in [
            "swagger-ui.css",
            "swagger-ui-bundle.js",
            "swagger-initializer.js",
        ] {
            assert!(html.contains(file), "{file}");
            let response = server.get(&format!("/docs/{file}")).send().await.unwrap();
            assert!(response.status().is_success(), "{file}");
            assert!(
                response.headers()["content-type"]
                    .to_str()
                    .unwrap()
                    .starts_with("text/"),
                "{file}"
            );
        }
    }
    let script = server.text("/docs/swagger-initializer.js").await;
    assert!(script.contains("../openapi.json"), "{script}");
}
