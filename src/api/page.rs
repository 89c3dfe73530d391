//! `/`: the page for people who look at cells, embedded in the binary.
//!
//! Its files are in `src/web`; the browser runs them unchanged. They name each other by relative
//! paths, so that the page also works behind a proxy that serves it below a path.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use bundle::sha256_hex;

/// Nothing from other servers, nothing inline. Images that a user opens are blobs in the browser.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// A browser keeps the files and asks each time whether they have changed, so a new version shows
/// at once.
const CACHE: &str = "no-cache";
const INDEX: &str = "index.html";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const CSV: &str = "text/csv; charset=utf-8";
const SVG: &str = "image/svg+xml";
const PNG: &str = "image/png";
const JPEG: &str = "image/jpeg";

struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    etag: String,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    macro_rules! asset {
        ($name:literal, $content_type:expr) => {
            asset!($name, $content_type, concat!("../web/", $name))
        };
        ($name:literal, $content_type:expr, $path:expr) => {
            Asset::new($name, $content_type, include_bytes!($path))
        };
    }
    vec![
        asset!("index.html", HTML),
        asset!("style.css", STYLE),
        asset!("results.css", STYLE),
        asset!("icon.svg", SVG),
        asset!("app.js", SCRIPT),
        asset!("ask.js", SCRIPT),
        asset!("cell.js", SCRIPT),
        asset!("csv.js", SCRIPT),
        asset!("dom.js", SCRIPT),
        asset!("examples.js", SCRIPT),
        asset!("field.js", SCRIPT),
        asset!("key.js", SCRIPT),
        asset!("measures.js", SCRIPT),
        asset!("methods.js", SCRIPT),
        asset!("opened.js", SCRIPT),
        asset!("plot.js", SCRIPT),
        asset!("problems.js", SCRIPT),
        asset!("settings.js", SCRIPT),
        asset!("words.js", SCRIPT),
        asset!("worklist.js", SCRIPT),
        asset!("nilm.png", PNG, "../../examples/cells/nilm.png"),
        asset!("lsil.png", PNG, "../../examples/cells/lsil.png"),
        asset!("hsil.png", PNG, "../../examples/cells/hsil.png"),
        asset!("smear.jpg", JPEG, "../../examples/fields/smear.jpg"),
        asset!("smear.csv", CSV, "../../examples/fields/smear.csv"),
    ]
});

impl Asset {
    fn new(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        let etag = format!("\"{}\"", sha256_hex(bytes));
        Self {
            name,
            content_type,
            bytes,
            etag,
        }
    }
}

pub(super) async fn index(headers: HeaderMap) -> Response {
    serve(INDEX, &headers)
}

pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    serve(&name, &headers)
}

fn serve(name: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let about = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (header::CACHE_CONTROL, CACHE),
        (header::ETAG, asset.etag.as_str()),
    ];
    if has_it(headers, &asset.etag) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    let content_type = [(header::CONTENT_TYPE, asset.content_type)];
    (about, content_type, asset.bytes).into_response()
}

/// Whether the browser has these bytes already. Proxies that compress mark the tag as weak.
fn has_it(headers: &HeaderMap, etag: &str) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH);
    let given = given.iter().filter_map(|value| value.to_str().ok());
    let mut tags = given.flat_map(|value| value.split(','));
    tags.any(|tag| tag.trim().trim_start_matches("W/") == etag)
}
