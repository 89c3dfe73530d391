//! The same image, method and seed give the same bytes, alone or with other requests.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::{
    predictions::lasting,
    server::{Server, answer, fixture},
};

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_do_not_change_answers() {
    let server = Server::start();
    let cells = [
        "imaging/crop00.png",
        "imaging/crop05.png",
        "imaging/crop09.png",
        "imaging/gray.jpg",
    ];
    let queries = [
        "?method=baseline&include=samples",
        "?method=mc_dropout&include=samples",
        "?method=ensemble&include=samples",
        "?method=tta&passes=16&seed=5&include=samples",
    ];
    let requests: Vec<_> = cells
        .iter()
        .flat_map(|cell| queries.map(|query| (*cell, query)))
        .collect();

    let mut alone = BTreeMap::new();
    for (cell, query) in &requests {
        let answer = answer(server.predict(query, fixture(cell))).await;
        alone.insert((*cell, *query), lasting(answer).to_string());
    }

    // Each twice, all 32 at once.
    let crowd = requests.iter().chain(&requests);
    let answers = join_all(
        crowd
            .clone()
            .map(|(cell, query)| answer(server.predict(query, fixture(cell)))),
    )
    .await;
    for (request, answer) in crowd.zip(answers) {
        assert_eq!(lasting(answer).to_string(), alone[request], "{request:?}");
    }
}

#[tokio::test]
async fn other_seed_gives_other_samples() {
    let server = Server::start();
    let first = server.answer("?method=mc_dropout&seed=1").await;
    let second = server.answer("?method=mc_dropout&seed=2").await;
    assert_ne!(first["probabilities"], second["probabilities"]);
    let derived = server.answer("?method=mc_dropout").await;
    let seed = derived["provenance"]["seed"].as_u64().unwrap();
    let repeated = server
        .answer(&format!("?method=mc_dropout&seed={seed}"))
        .await;
    assert_eq!(lasting(derived), lasting(repeated));
}
