//! Every kind of problem: its status, its type, the field, and a hint.

use reqwest::{
    RequestBuilder,
    header::CONTENT_TYPE,
    multipart::{Form, Part},
};
use serde_json::json;

use super::{
    cli::assert_no_library_words,
    server::{CELL, Server, fixture, problem},
};

async fn expect(request: RequestBuilder, status: u16, kind: &str, field: Option<&str>) {
    let response = request.send().await.unwrap();
    let problem = problem(response).await;
    let found = json!([problem["status"], problem["type"], problem["field"]]);
    assert_eq!(
        found,
        json!([status, format!("urn:secondlook:problem:{kind}"), field]),
        "{problem}"
    );
    assert!(problem["hint"].is_string(), "{problem}");
}

#[tokio::test]
async fn wrong_uploads_have_distinct_problems() {
    let server = Server::start();
    let send = |label: &'static str, body: &'static [u8]| {
        server
            .post("/v1/predictions")
            .header(CONTENT_TYPE, label)
            .body(body)
    };
    expect(send("image/png", b""), 400, "image-missing", Some("image")).await;
    expect(
        send("application/json", b"{}"),
        415,
        "unsupported-media-type",
        Some("Content-Type"),
    )
    .await;
    expect(
        send("application/x-www-form-urlencoded", b"a=b"),
        415,
        "unsupported-media-type",
        Some("Content-Type"),
    )
    .await;
    expect(
        send("image/png", b"hello"),
        415,
        "unsupported-media-type",
        Some("image"),
    )
    .await;
    expect(
        send("image/gif", b"GIF89a......"),
        415,
        "unsupported-media-type",
        Some("image"),
    )
    .await;
    let truncated = fixture("bad_inputs/jpeg_truncated_half.jpg");
    expect(
        server.predict("", truncated),
        422,
        "image-undecodable",
        Some("image"),
    )
    .await;
    let bomb = fixture("bad_inputs/bomb_50000x50000.png");
    expect(
        server.predict("", bomb),
        413,
        "image-too-many-pixels",
        Some("image"),
    )
    .await;
}

/// The same file would be refused again, so the hint does not ask for another upload.
#[tokio::test]
async fn unsupported_variant_names_alternative() {
    let server = Server::start();
    let arithmetic = fixture("bad_inputs/jpeg_arithmetic_sof9.jpg");
    let problem = problem(server.predict("", arithmetic).send().await.unwrap()).await;
    assert_eq!(problem["status"], 422);
    assert_eq!(
        problem["detail"],
        "a JPEG with arithmetic coding is not supported: save the image as baseline or progressive JPEG of 8 bits, or as PNG"
    );
    let hint = problem["hint"].as_str().unwrap();
    assert!(!hint.contains("complete"), "{hint}");
}

#[tokio::test]
async fn malformed_forms_have_distinct_problems() {
    let server = Server::start();
    let form = |form: Form| server.post("/v1/predictions").multipart(form);
    let image = || Part::bytes(fixture(CELL));
    expect(
        form(Form::new().text("accession", "S-1")),
        400,
        "image-missing",
        Some("image"),
    )
    .await;
    expect(
        form(Form::new().part("image", Part::bytes(vec![]))),
        400,
        "image-missing",
        Some("image"),
    )
    .await;
    let twice = Form::new().part("image", image()).part("image", image());
    assert_refused(form(twice), "image").await;
    let not_text = Form::new()
        .part("image", image())
        .part("accession", Part::bytes(vec![0xff]));
    assert_refused(form(not_text), "accession").await;
    let stranger = Form::new().part("image", image()).text("colour", "red");
    expect(form(stranger), 422, "parameter-invalid", Some("colour")).await;
    let no_boundary = server
        .post("/v1/predictions")
        .header(CONTENT_TYPE, "multipart/form-data")
        .body("x");
    assert_refused(no_boundary, "Content-Type").await;
    let label = "multipart/form-data; boundary=b";
    let cut_off = server
        .post("/v1/predictions")
        .header(CONTENT_TYPE, label)
        .body("--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nabc");
    let response = cut_off.send().await.unwrap();
    assert_eq!(
        problem(response).await["type"],
        "urn:secondlook:problem:request-malformed"
    );
}

async fn assert_refused(request: RequestBuilder, field: &str) {
    let problem = problem(request.send().await.unwrap()).await;
    assert_eq!(
        problem["type"], "urn:secondlook:problem:request-malformed",
        "{problem}"
    );
    assert_eq!(problem["field"], field, "{problem}");
}

#[tokio::test]
async fn impossible_parameters_are_named() {
    let server = Server::start();
    let cases = [
        ("?method=guess", "method"),
        ("?compare=tta,ensemble", "compare"),
        ("?compare=tta&compare=tta", "compare"),
        ("?passes=0&method=tta", "passes"),
        ("?passes=5&method=baseline", "passes"),
        ("?passes=60000&method=tta", "passes"),
        ("?seed=-1", "seed"),
        ("?seed=9007199254740992", "seed"),
        ("?policy=wishful", "policy"),
        ("?include=everything", "include"),
        ("?colour=red", "colour"),
    ];
    for (query, field) in cases {
        let response = server.predict(query, fixture(CELL)).send().await.unwrap();
        let problem = problem(response).await;
        assert_eq!(
            problem["type"], "urn:secondlook:problem:parameter-invalid",
            "{query}: {problem}"
        );
        assert_eq!(
            (&problem["status"], &problem["field"]),
            (&json!(422), &json!(field)),
            "{query}: {problem}"
        );
    }
    let long = format!("?accession={}", "x".repeat(257));
    let response = server.predict(&long, fixture(CELL)).send().await.unwrap();
    assert_eq!(problem(response).await["field"], "accession");
}

/// Every text is ours: what was expected, what was found, and where.
#[tokio::test]
async fn refusals_have_no_library_words() {
    let server = Server::start();
    let queries = [
        (
            "?method=guess",
            "`method`: expected one of baseline, mc_dropout, ensemble, tta, found `guess`",
        ),
        (
            "?compare=tta&compare=guess",
            "`compare`: expected one of baseline, mc_dropout, ensemble, tta, found `guess`",
        ),
        (
            "?passes=many",
            "`passes`: expected a whole number from 1 to 65535, such as 50, found `many`",
        ),
        (
            "?exact=perhaps",
            "`exact`: expected true or false, found `perhaps`",
        ),
        (
            "?confidence=0.7",
            "`confidence`: expected one of 0.8, 0.9, 0.95, found `0.7`",
        ),
        ("?seed=1&seed=2", "`seed` is there 2 times, expected once"),
        ("?colour=red", "`colour` is not a parameter of this route"),
    ];
    for (query, detail) in queries {
        let response = server.predict(query, fixture(CELL)).send().await.unwrap();
        let problem = problem(response).await;
        assert_eq!(problem["detail"], detail, "{query}");
        assert_no_library_words(&problem.to_string());
        assert!(problem["hint"].is_string(), "{problem}");
    }
    let header = "cell_id,nucleus_x,nucleus_y\n";
    let nuclei = [
        (
            "[{\"x\": 1, \"y\": \"left\"}]".to_owned(),
            "nucleus 0: expected a number for `y`",
        ),
        ("[{\"x\": 1}]".to_owned(), "nucleus 0 has no `y`"),
        ("[{\"x\": 1,".to_owned(), "this is not valid JSON"),
        (
            format!("{header}1,left,2\n"),
            "line 2: expected a number in `nucleus_x`",
        ),
        (format!("{header}1,2\n"), "line 2: expected 3 columns"),
    ];
    for (nuclei, detail) in nuclei {
        let form = Form::new()
            .part("image", Part::bytes(fixture(CELL)))
            .text("nuclei", nuclei);
        let response = server
            .post("/v1/fields")
            .multipart(form)
            .send()
            .await
            .unwrap();
        let problem = problem(response).await;
        let found = problem["detail"].as_str().unwrap();
        assert!(found.contains(detail), "{problem}");
        assert_no_library_words(found);
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_are_refused() {
    let server = Server::start();
    expect(server.get("/v1/nothing"), 404, "not-found", None).await;
    expect(server.get("/docs/nothing.js"), 404, "not-found", None).await;
    expect(
        server.get("/v1/models/absent"),
        404,
        "model-unknown",
        Some("name"),
    )
    .await;
    expect(
        server.predict("?model=absent", fixture(CELL)),
        404,
        "model-unknown",
        Some("model"),
    )
    .await;
    let response = server
        .client
        .delete(format!("http://{}/v1/models", server.address()))
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["allow"], "GET,HEAD");
    assert_eq!(
        problem(response).await["type"],
        "urn:secondlook:problem:method-not-allowed"
    );
}

#[tokio::test]
async fn clients_can_shorten_the_deadline() {
    let server = Server::start();
    for header in ["X-Request-Timeout", "Request-Timeout"] {
        let hurried = server
            .predict("?method=tta&passes=200&exact=true", fixture(CELL))
            .header(header, "0.01");
        expect(hurried, 504, "deadline-passed", None).await;
        let confused = server.predict("", fixture(CELL)).header(header, "soon");
        expect(
            confused,
            400,
            "request-malformed",
            Some(&header.to_lowercase()),
        )
        .await;
    }
}
