//! Malformed fields, and options for single cells.

use reqwest::multipart::{Form, Part};
use serde_json::json;

use super::{
    fields::{ask, field, form, nuclei, png},
    server::{Server, answer, problem},
};

#[tokio::test]
async fn malformed_fields_are_refused() {
    let server = Server::with(&[("LIMITS__MAX_CELLS", "8")]);
    let image = || Part::bytes(png(&field()));
    let cases = [
        (Form::new().part("image", image()), 400, "nuclei"),
        (Form::new().text("nuclei", "[]"), 400, "image"),
        (form(png(&field()), ""), 422, "nuclei"),
        (form(png(&field()), "[{\"x\": 1}]"), 422, "nuclei"),
        (form(png(&field()), "a,b\n1,2\n"), 422, "nuclei"),
        (form(png(&field()), &nuclei().to_string()), 413, "nuclei"),
        (form(b"no image".to_vec(), "[]"), 415, "image"),
        (
            form(png(&field()), "[]").text("nuclei", "[]"),
            400,
            "nuclei",
        ),
        (
            form(png(&field()), "[]").text("colour", "red"),
            422,
            "colour",
        ),
    ];
    for (number, (form, status, field)) in cases.into_iter().enumerate() {
        let response = server
            .post("/v1/fields")
            .multipart(form)
            .send()
            .await
            .unwrap();
        let problem = problem(response).await;
        assert_eq!(
            (&problem["status"], &problem["field"]),
            (&json!(status), &json!(field)),
            "{number}: {problem}"
        );
        assert!(problem["hint"].is_string(), "{problem}");
    }
}

#[tokio::test]
async fn views_need_a_single_nucleus() {
    let server = Server::start();
    let query = "?method=tta&passes=4&exact=true&include=views";
    let nucleus = nuclei()[0].clone();
    let one = answer(ask(&server, query, &json!([nucleus]))).await;
    let views = &one["cells"][0]["prediction"]["samples"]["views"];
    assert_eq!(views.as_array().unwrap().len(), 4);
    let two = ask(&server, query, &json!([nucleus, nucleus]));
    let problem = problem(two.send().await.unwrap()).await;
    assert_eq!(
        (&problem["status"], &problem["field"]),
        (&json!(422), &json!("include")),
        "{problem}"
    );
}
