//! Every way of being told no: the status that means it, a stable type, the field, and a hint.

use reqwest::{
    RequestBuilder,
    header::CONTENT_TYPE,
    multipart::{Form, Part},
};
use serde_json::json;

use super::server::{CELL, Server, fixture, problem};

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
async fn uploads_that_are_no_image_are_told_apart() {
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

/// To send such a file again would be of no use, so the hint does not speak of the upload.
#[tokio::test]
async fn a_sound_file_of_a_kind_that_is_not_read_is_told_what_to_send_instead() {
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
async fn forms_that_are_malformed_are_told_apart() {
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

#[tokio::test]
async fn what_is_not_there_is_404_and_wrong_methods_keep_allow() {
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
async fn deadlines_are_the_clients_to_shorten() {
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
