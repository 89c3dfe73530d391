//! Access: keys, scopes, rates, origins, and public addresses.

use std::process::Command;

use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};

use super::server::{CELL, MODELS, Server, fixture, problem, program};

/// A key and its entry for the configuration, as `secondlook keys new` prints them.
fn new_key(arguments: &[&str]) -> (String, String) {
    let made = program()
        .args(["keys", "new"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let printed = String::from_utf8(made.stdout).unwrap();
    let (key, entry) = printed.trim_end().split_once('\n').unwrap();
    assert!(
        !entry.contains(key),
        "the configuration would hold the key itself"
    );
    (key.to_owned(), entry.to_owned())
}

fn server_with(entries: &[&str]) -> Server {
    Server::with(&[("ACCESS__KEYS", &format!("[{}]", entries.join(", ")))])
}

/// The status, the kind of problem and the headers of a refusal.
async fn refusal(request: RequestBuilder) -> (u16, String, HeaderMap) {
    let response = request.send().await.unwrap();
    let headers = response.headers().clone();
    let status = response.status().as_u16();
    let problem = problem(response).await;
    assert!(problem["hint"].is_string(), "{problem}");
    let kind = problem["type"]
        .as_str()
        .unwrap()
        .rsplit(':')
        .next()
        .unwrap();
    (status, kind.to_owned(), headers)
}

fn challenge(headers: &HeaderMap) -> &str {
    headers["www-authenticate"].to_str().unwrap()
}

#[tokio::test]
async fn scopes_decide_what_a_key_allows() {
    let (usual, usual_entry) = new_key(&["lims"]);
    let (scraper, scraper_entry) = new_key(&["prometheus", "--scope", "metrics"]);
    let server = server_with(&[&usual_entry, &scraper_entry]);
    let predict = || server.predict("", fixture(CELL));

    for open in [
        "/",
        "/page/app.js",
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/docs/",
    ] {
        assert_eq!(
            server.get(open).send().await.unwrap().status(),
            StatusCode::OK,
            "{open}"
        );
    }
    for request in [
        predict(),
        server.get("/v1/models"),
        server.get("/metrics"),
        server.get("/nothing"),
    ] {
        let (status, kind, headers) = refusal(request).await;
        assert_eq!((status, kind.as_str()), (401, "unauthorized"));
        assert_eq!(challenge(&headers), "Bearer realm=\"secondlook\"");
    }
    let refused: serde_json::Value = predict().send().await.unwrap().json().await.unwrap();
    let hint = refused["hint"].as_str().unwrap();
    assert!(hint.contains("`X-API-Key: KEY`"), "{hint}");
    for wrong in [
        "wrong",
        &usual[1..],
        &format!("{usual}x"),
        &usual.to_uppercase(),
    ] {
        let (status, _, headers) = refusal(predict().bearer_auth(wrong)).await;
        assert_eq!(status, 401, "{wrong}");
        assert!(challenge(&headers).contains("invalid_token"), "{wrong}");
    }

    assert_eq!(
        predict().bearer_auth(&usual).send().await.unwrap().status(),
        StatusCode::OK
    );
    let models = server.get("/v1/models").header("X-API-Key", &usual);
    assert_eq!(models.send().await.unwrap().status(), StatusCode::OK);
    let metrics = server.get("/metrics").bearer_auth(&scraper);
    assert_eq!(metrics.send().await.unwrap().status(), StatusCode::OK);
    for (request, scope) in [
        (server.get("/metrics").bearer_auth(&usual), "metrics"),
        (predict().bearer_auth(&scraper), "predict"),
        (server.get("/v1/models").bearer_auth(&scraper), "read"),
    ] {
        let (status, kind, headers) = refusal(request).await;
        assert_eq!((status, kind.as_str()), (403, "forbidden"));
        assert!(challenge(&headers).contains(&format!("scope=\"{scope}\"")));
    }
    let log = server.log();
    assert!(log.contains("lims") && !log.contains(&usual), "{log}");
}

#[tokio::test]
async fn rate_limit_counts_each_key_alone() {
    let (hasty, hasty_entry) = new_key(&["hasty", "--requests-per-minute", "30", "--burst", "2"]);
    let (other, other_entry) = new_key(&["other"]);
    let server = server_with(&[&hasty_entry, &other_entry]);
    let ask = |key: &str| server.get("/v1/models").bearer_auth(key);
    for _ in 0..2 {
        assert_eq!(ask(&hasty).send().await.unwrap().status(), StatusCode::OK);
    }
    let (status, kind, headers) = refusal(ask(&hasty)).await;
    assert_eq!((status, kind.as_str()), (429, "rate-limited"));
    let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    assert_eq!(ask(&other).send().await.unwrap().status(), StatusCode::OK);
    tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
    assert_eq!(ask(&hasty).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn only_named_origins_get_cors_headers() {
    let preflight = |server: &Server, origin: &str| {
        let url = format!("http://{}/v1/predictions", server.address());
        server
            .client
            .request(Method::OPTIONS, url)
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "POST")
            .header(
                "Access-Control-Request-Headers",
                "content-type,idempotency-key",
            )
            .send()
    };
    const ALLOWED: &str = "access-control-allow-origin";
    let closed = Server::start();
    let refused = preflight(&closed, "https://lims.example").await.unwrap();
    assert!(!refused.headers().contains_key(ALLOWED));

    let (_, entry) = new_key(&["lims"]);
    let keys = format!("[{entry}]");
    let settings = [
        ("ACCESS__ALLOWED_ORIGINS", r#"["https://lims.example"]"#),
        ("ACCESS__KEYS", keys.as_str()),
    ];
    let server = Server::with(&settings);
    let allowed = preflight(&server, "https://lims.example").await.unwrap();
    assert!(allowed.status().is_success());
    assert_eq!(allowed.headers()[ALLOWED], "https://lims.example");
    let listed = |name: &str| allowed.headers()[name].to_str().unwrap().to_lowercase();
    assert_eq!(listed("access-control-allow-methods"), "get,post");
    let headers = listed("access-control-allow-headers");
    for header in [
        "authorization",
        "content-type",
        "x-api-key",
        "idempotency-key",
        "x-accession",
        "x-request-id",
        "x-request-timeout",
        "request-timeout",
        "inference-header-content-length",
    ] {
        assert!(headers.split(',').any(|name| name == header), "{headers}");
    }
    let stranger = preflight(&server, "https://elsewhere.example")
        .await
        .unwrap();
    assert!(!stranger.headers().contains_key(ALLOWED));
    // A page must be able to read why its request was refused.
    let refused = server
        .get("/v1/models")
        .header("Origin", "https://lims.example");
    let refused = refused.send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers()[ALLOWED], "https://lims.example");
    let exposed = &refused.headers()["access-control-expose-headers"];
    assert_eq!(
        exposed,
        "retry-after,x-request-id,inference-header-content-length"
    );
}

/// What `serve` prints instead of starting.
fn refused_start(settings: &[(&str, &str)]) -> String {
    let mut command: Command = program();
    command.args(["serve", "--listen", "0.0.0.0:0", "--models", MODELS]);
    for (key, value) in settings {
        command.env(format!("SECONDLOOK_ACCESS__{key}"), value);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), said.lines().count()),
        (Some(2), 1),
        "{said}"
    );
    said
}

#[test]
fn public_address_needs_keys_or_open() {
    let said = refused_start(&[]);
    assert!(
        said.contains("access.keys") && said.contains("access.open"),
        "{said}"
    );
    let (_, entry) = new_key(&["lims"]);
    let twice = format!("[{entry}, {entry}]");
    let entry = format!("[{entry}]");
    let said = refused_start(&[("OPEN", "true"), ("KEYS", &entry)]);
    assert!(said.contains("access.open"), "{said}");
    assert!(refused_start(&[("KEYS", &twice)]).contains("twice"));
    let short = r#"[{name = "lims", sha256 = "abc"}]"#;
    assert!(refused_start(&[("KEYS", short)]).contains("sha256"));
    let origin = r#"["lims.example"]"#;
    assert!(
        refused_start(&[("OPEN", "true"), ("ALLOWED_ORIGINS", origin)]).contains("lims.example")
    );

    for settings in [("ACCESS__OPEN", "true"), ("ACCESS__KEYS", entry.as_str())] {
        let server = Server::listening("0.0.0.0:0", &[settings]);
        assert!(server.address().starts_with("0.0.0.0:"));
    }
}

#[test]
fn impossible_keys_are_refused() {
    for arguments in [["a b", "--burst", "0"], ["lims", "--burst", "3"]] {
        let made = program()
            .args(["keys", "new"])
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!((made.status.code(), made.stdout.len()), (Some(2), 0));
    }
}
