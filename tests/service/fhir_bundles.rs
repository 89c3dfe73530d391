//! Many cells in FHIR: a `Bundle` with an entry for each.

use std::collections::BTreeSet;

use reqwest::multipart::{Form, Part};

use super::{
    fhir::{cell, check, component, resource},
    server::{Server, answer, fixture},
};

/// Four nuclei on the example cell: one, one outside the image, the first again, and one without an
/// id.
fn field() -> Form {
    let nuclei = r#"[{"id": "a", "x": 70, "y": 70}, {"id": "b", "x": 70, "y": 140},
        {"id": "a", "x": 70, "y": 70}, {"x": 60, "y": 70}]"#;
    Form::new()
        .part("image", Part::bytes(cell("hsil")).file_name("field.png"))
        .text("nuclei", nuclei)
        .text("accession", "S26-0815")
}

#[tokio::test]
async fn field_bundle_has_entry_per_nucleus() {
    let server = Server::start();
    let request = || {
        let path = "/v1/fields?method=mc_dropout&source_width_px=1280";
        server.post(path).multipart(field())
    };
    let (said, bundle) = (answer(request()).await, resource(request()).await);
    assert_eq!(
        (&bundle["resourceType"], &bundle["type"]),
        (&"Bundle".into(), &"collection".into())
    );
    let (cells, entries) = (&said["cells"], bundle["entry"].as_array().unwrap());
    assert_eq!(entries.len(), 4);
    for (index, entry) in entries.iter().enumerate() {
        let (resource, cell) = (&entry["resource"], &cells[index]);
        assert_eq!(
            entry["fullUrl"],
            format!("urn:uuid:{}", resource["id"].as_str().unwrap())
        );
        if index == 1 {
            assert_eq!(resource["resourceType"], "OperationOutcome");
            let issue = &resource["issue"][0];
            assert_eq!(issue["details"]["coding"][0]["code"], "nucleus-outside");
            let diagnostics = issue["diagnostics"].as_str().unwrap();
            assert!(diagnostics.starts_with("cell 1 (b): "), "{diagnostics}");
            continue;
        }
        check(resource, &cell["prediction"]);
        assert_eq!(
            component(resource, "nucleus-x")["valueQuantity"]["value"],
            cell["x"]
        );
        assert_eq!(resource["specimen"]["identifier"]["value"], "S26-0815");
        let worklist = said["summary"]["worklist"].as_array().unwrap().iter();
        let place = worklist.zip(1..).find(|(entry, _)| entry["index"] == index);
        match place {
            Some((_, place)) => {
                assert_eq!(component(resource, "worklist-place")["valueInteger"], place);
            }
            None => assert_eq!(cell["prediction"]["decision"]["action"], "accept"),
        }
    }
    assert_eq!(
        component(&entries[0]["resource"], "cell-name")["valueString"],
        "a"
    );
    let addresses: BTreeSet<_> = entries
        .iter()
        .map(|entry| entry["fullUrl"].to_string())
        .collect();
    assert_eq!(addresses.len(), 4, "no two entries have one address");
    assert_eq!(bundle, resource(request()).await);
}

#[tokio::test]
async fn batch_is_a_fhir_bundle() {
    let server = Server::start();
    let half = fixture("bad_inputs/jpeg_truncated_half.jpg");
    let form = Form::new()
        .part("image", Part::bytes(half).file_name("half.jpg"))
        .part("image", Part::bytes(cell("nilm")).file_name("nilm.png"));
    let request = server.post("/v1/predictions:batch?method=ensemble");
    let bundle = resource(request.multipart(form)).await;
    let issue = &bundle["entry"][0]["resource"]["issue"][0];
    assert_eq!(issue["details"]["coding"][0]["code"], "image-undecodable");
    let observation = &bundle["entry"][1]["resource"];
    check(
        observation,
        &answer(server.predict("?method=ensemble", cell("nilm"))).await,
    );
    assert_eq!(
        component(observation, "cell-name")["valueString"],
        "nilm.png"
    );
}
