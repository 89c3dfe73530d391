#![allow(clippy::unwrap_used)]
//! Which answers are given again.

use axum::{Router, body::to_bytes, extract::Query, middleware::from_fn_with_state, routing::post};
use futures_util::stream;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use std::{collections::BTreeMap, convert::Infallible};

use super::*;

/// Answers with cells of which one has a problem of this kind, as a whole or line by line.
async fn cells(Query(query): Query<BTreeMap<String, String>>) -> Response {
    let unsettled = Unsettled::default();
    let kind = match query.get("cell").map(String::as_str) {
        Some("late") => Some(ProblemKind::DeadlinePassed),
        Some("broken") => Some(ProblemKind::ImageUndecodable),
        _ => None,
    };
    let noted = unsettled.clone();
    let make = move || {
        kind.iter()
            .for_each(|kind| noted.note(&Problem::new(*kind, "a cell")));
        "cells"
    };
    let body = if query.contains_key("lines") {
        let line = async move { Ok::<_, Infallible>(make()) };
        Body::from_stream(stream::once(line))
    } else {
        Body::from(make())
    };
    (Extension(unsettled), body).into_response()
}

/// Asks twice with one key; whether the second answer was the first one.
async fn is_given_again(query: &str) -> bool {
    let store = Arc::new(Store::new(&crate::config::IdempotencyConfig::default()));
    let routes = Router::new()
        .route("/", post(cells))
        .layer(from_fn_with_state(store, answer_once));
    let routes = TowerToHyperService::new(routes);
    let mut replayed = Vec::new();
    for _ in 0..2 {
        let request = Request::post(format!("/?{query}")).header(HEADER, "key");
        let response = routes.call(request.body(Body::empty()).unwrap()).await;
        let (parts, body) = response.unwrap().into_parts();
        assert_eq!(to_bytes(body, 100).await.unwrap(), "cells");
        replayed.push(parts.headers.contains_key(REPLAYED));
    }
    assert_eq!(replayed.first(), Some(&false));
    replayed == [false, true]
}

#[tokio::test]
async fn only_what_may_be_gone_next_time_is_tried_again() {
    for form in ["whole", "lines"] {
        assert!(is_given_again(form).await, "{form}");
        assert!(
            is_given_again(&format!("{form}&cell=broken")).await,
            "{form}"
        );
        assert!(
            !is_given_again(&format!("{form}&cell=late")).await,
            "{form}"
        );
    }
}
