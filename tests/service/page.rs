//! The page at `/` as the server sends it. `tests/browser` tests what it does.

use std::{collections::BTreeSet, fs};

use reqwest::{Response, StatusCode};

use super::server::Server;

fn header<'response>(response: &'response Response, name: &str) -> &'response str {
    response.headers()[name].to_str().unwrap()
}

/// What follows each `before` up to the next `after`.
fn between<'text>(text: &'text str, before: &str, after: char) -> Vec<&'text str> {
    let rest = text.split(before).skip(1);
    rest.filter_map(|rest| rest.split(after).next()).collect()
}

/// The files of the page that one of its files names.
fn names(text: &str) -> BTreeSet<String> {
    let written = between(text, "\"page/", '"');
    let imported = between(text, "from \"./", '"');
    let examples = between(text, "file: \"", '"');
    let tables = between(text, "table: \"", '"');
    let all = [written, imported, examples, tables].concat();
    all.into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn page_files_are_all_served() {
    let server = Server::start();
    let mut open = vec![String::new()];
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        let path = if name.is_empty() {
            "/".to_owned()
        } else {
            format!("/page/{name}")
        };
        let response = server.get(&path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let policy = header(&response, "content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        if !header(&response, "content-type").starts_with("text/") {
            continue;
        }
        assert!(header(&response, "content-type").ends_with("; charset=utf-8"));
        let text = response.text().await.unwrap();
        for elsewhere in ["src=\"http", "href=\"http", "from \"http", "url("] {
            assert!(!text.contains(elsewhere), "{path}: {elsewhere}");
        }
        let new = names(&text)
            .into_iter()
            .filter(|name| seen.insert(name.clone()));
        open.extend(new);
    }
    // The folder has no file that the page does not use.
    for file in fs::read_dir("src/web").unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(
            name == "index.html" || seen.contains(&name),
            "{name} is not used"
        );
    }
    assert!(
        seen.contains("smear.csv") && seen.contains("hsil.png"),
        "{seen:?}"
    );
}

#[tokio::test]
async fn page_files_are_cached_by_etag() {
    let server = Server::start();
    let first = server.get("/page/app.js").send().await.unwrap();
    assert_eq!(header(&first, "cache-control"), "no-cache");
    let etag = header(&first, "etag").to_owned();
    for given in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"other\", {etag}"),
    ] {
        let again = server.get("/page/app.js").header("If-None-Match", given);
        let again = again.send().await.unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(header(&again, "etag"), etag);
        assert!(again.bytes().await.unwrap().is_empty());
    }
    let other = server
        .get("/page/app.js")
        .header("If-None-Match", "\"other\"");
    assert_eq!(other.send().await.unwrap().status(), StatusCode::OK);
    for missing in ["/page/", "/page/nothing.js", "/page/..%2Fdocs.rs"] {
        let response = server.get(missing).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{missing}");
    }
}
