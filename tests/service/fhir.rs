//! Answers as FHIR R4 resources, compared with the JSON answers. `tests/clients/fhir_r4.py` checks
//! them against the standard.

use std::{collections::BTreeSet, fs};

use reqwest::{
    RequestBuilder,
    header::{ACCEPT, CONTENT_TYPE},
    multipart::{Form, Part},
};
use serde_json::Value;

use super::server::{Server, answer, fixture, problem};

const FHIR: &str = "application/fhir+json";
const METHODS: [&str; 4] = ["baseline", "mc_dropout", "ensemble", "tta"];

pub fn cell(class: &str) -> Vec<u8> {
    fs::read(format!("examples/cells/{class}.png")).unwrap()
}

/// The resource in the answer to a request, after checking its media type.
pub async fn resource(request: RequestBuilder) -> Value {
    let response = request.header(ACCEPT, FHIR).send().await.unwrap();
    assert_eq!(response.headers()[CONTENT_TYPE], FHIR);
    response.json().await.unwrap()
}

/// The code of a component: the first of its codings.
fn code_of(component: &Value) -> &str {
    component["code"]["coding"][0]["code"].as_str().unwrap()
}

pub fn component<'observation>(
    observation: &'observation Value,
    code: &str,
) -> &'observation Value {
    let components = observation["component"].as_array().unwrap();
    let found = components.iter().find(|found| code_of(found) == code);
    found.unwrap_or_else(|| panic!("no component {code}: {observation:#}"))
}

/// Compares an observation with the JSON answer to the same request.
pub fn check(observation: &Value, answer: &Value) {
    assert_eq!(observation["resourceType"], "Observation");
    assert_eq!(observation["status"], "preliminary");
    assert_eq!(observation["meta"]["security"][0]["code"], "AIAST");
    let note = observation["note"][0]["text"].as_str().unwrap();
    assert!(note.starts_with("Suggested, not a diagnosis."), "{note}");
    let id = observation["id"].as_str().unwrap();
    assert_eq!(
        observation["identifier"][0]["value"],
        format!("urn:uuid:{id}")
    );

    let components = observation["component"].as_array().unwrap();
    let codes: BTreeSet<&str> = components.iter().map(code_of).collect();
    assert_eq!(codes.len(), components.len(), "{codes:?}");
    let quantity = |code: &str| &component(observation, code)["valueQuantity"];
    let mut sum = 0.0;
    for class in answer["probabilities"].as_array().unwrap() {
        let code = format!("probability-{}", class["label"].as_str().unwrap());
        assert_eq!(quantity(&code)["value"], class["probability"]);
        sum += class["probability"].as_f64().unwrap();
    }
    assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    let uncertainty = &answer["uncertainty"];
    for (code, number) in [
        ("predictive-entropy", &uncertainty["predictive_entropy"]),
        ("expected-entropy", &uncertainty["expected_entropy"]),
        ("mutual-information", &uncertainty["mutual_information"]),
        ("abnormal-entropy", &uncertainty["abnormal_entropy"]),
        ("variation-ratio", &uncertainty["variation_ratio"]),
        ("variance", &uncertainty["variance"]),
        ("paper-variance", &uncertainty["paper"]["variance"]["value"]),
        ("paper-entropy", &uncertainty["paper"]["entropy"]["value"]),
        ("ood-p-value", &answer["ood"]["p_value"]),
        ("ood-score", &answer["ood"]["score"]),
    ] {
        if number.is_null() {
            let reason = &component(observation, code)["dataAbsentReason"];
            assert_eq!(reason["coding"][0]["code"], "not-applicable", "{code}");
            continue;
        }
        assert_eq!(&quantity(code)["value"], number, "{code}");
        assert_eq!(quantity(code)["system"], "http://unitsofmeasure.org");
    }
    let seed = answer["provenance"]["seed"].to_string();
    assert_eq!(component(observation, "seed")["valueString"], seed);
    let samples = &component(observation, "samples")["valueInteger"];
    assert_eq!(samples, &answer["samples"]["used"]);
    let device = &observation["contained"][0];
    let digest = answer["model"]["sha256"].as_str().unwrap();
    assert_eq!(device["serialNumber"], format!("sha256:{digest}"));
    check_decision(observation, answer);
}

fn check_decision(observation: &Value, answer: &Value) {
    let referred = answer["decision"]["action"] == "refer";
    assert_eq!(component(observation, "referred")["valueBoolean"], referred);
    let (value, absent) = (
        &observation["valueCodeableConcept"],
        &observation["dataAbsentReason"],
    );
    if referred {
        assert!(value.is_null(), "{value}");
        assert_eq!(absent["coding"][0]["code"], "unknown");
        for reason in answer["decision"]["reasons"].as_array().unwrap() {
            let code = format!("referred-{}", reason.as_str().unwrap().replace('_', "-"));
            assert_eq!(component(observation, &code)["valueBoolean"], true);
        }
        return;
    }
    let accepted_as = &answer["decision"]["accepted_as"];
    assert_eq!(
        &component(observation, "accepted-as")["valueString"],
        accepted_as
    );
    if accepted_as == "abnormal" {
        assert!(value.is_null(), "{value}");
        let text = absent["text"].as_str().unwrap();
        assert!(text.contains("promises nothing about its class"), "{text}");
        return;
    }
    assert!(absent.is_null(), "{absent}");
    let class = match accepted_as.as_str() {
        Some("normal") => "NILM",
        _ => answer["prediction"]["label"].as_str().unwrap(),
    };
    assert_eq!(value["coding"][0]["code"], class);
}

#[tokio::test]
async fn observation_equals_json_answer() {
    let server = Server::start();
    let mut decisions = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for method in METHODS {
        for (class, more) in [
            ("hsil", ""),
            ("hsil", "&policy=accept_error_2_classes_10"),
            ("nilm", ""),
        ] {
            let request = || server.predict(&format!("?method={method}{more}"), cell(class));
            let (said, observation) = (answer(request()).await, resource(request()).await);
            check(&observation, &said);
            decisions.insert(said["decision"]["action"].to_string());
            ids.insert(observation["id"].to_string());
            assert_eq!(observation, resource(request()).await);
        }
    }
    assert_eq!((decisions.len(), ids.len()), (2, 12));
}

#[tokio::test]
async fn class_is_coded_only_if_promised() {
    let server = Server::start();
    let mut seen = BTreeSet::new();
    for class in ["nilm", "asc-us", "lsil", "asc-h", "hsil", "scc"] {
        for policy in [
            "&policy=clear_missed_abnormal_10",
            "&policy=accept_error_2_classes_10",
            "&policy=accept_error_10",
        ] {
            let request = || server.predict(&format!("?method=ensemble{policy}"), cell(class));
            let (said, observation) = (answer(request()).await, resource(request()).await);
            check(&observation, &said);
            let accepted_as = said["decision"]["accepted_as"].to_string();
            let coded = !observation["valueCodeableConcept"].is_null();
            seen.insert((policy, accepted_as, coded));
        }
    }
    let abnormal = (
        "&policy=accept_error_2_classes_10",
        "\"abnormal\"".to_owned(),
        false,
    );
    let normal = (
        "&policy=clear_missed_abnormal_10",
        "\"normal\"".to_owned(),
        true,
    );
    let of_class = ("&policy=accept_error_10", "\"class\"".to_owned(), true);
    for wanted in [abnormal, normal, of_class] {
        assert!(seen.contains(&wanted), "{wanted:?} {seen:?}");
    }
}

#[tokio::test]
async fn accepted_class_has_snomed_ct_code() {
    let server = Server::start();
    let query = "?method=mc_dropout&policy=clear_missed_abnormal_10";
    let request = server.predict(query, cell("nilm"));
    let value = resource(request).await["valueCodeableConcept"].clone();
    let model = answer(server.get("/v1/models/cric-lite0")).await;
    let labels = model["labels"].as_array().unwrap();
    assert!(
        labels
            .iter()
            .all(|label| label["snomed_ct_source"].is_string())
    );
    let suggested = &value["coding"][0]["code"];
    let label = labels.iter().find(|label| &label["name"] == suggested);
    assert_eq!(value["coding"][1]["system"], "http://snomed.info/sct");
    assert_eq!(value["coding"][1]["code"], label.unwrap()["snomed_ct"]);
}

#[tokio::test]
async fn accession_is_specimen_and_not_logged() {
    let server = Server::start();
    let request = || server.predict("", cell("nilm"));
    let without = resource(request()).await;
    let named = resource(request().header("X-Accession", "S26-4711/A")).await;
    assert!(without["specimen"].is_null());
    let identifier = &named["specimen"]["identifier"];
    assert_eq!(identifier["value"], "S26-4711/A");
    assert_eq!(identifier["type"]["coding"][0]["code"], "ACSN");
    assert_ne!(without["id"], named["id"]);
    assert!(!server.log().contains("4711"));

    let form = Form::new()
        .part("image", Part::bytes(cell("nilm")))
        .text("accession", "S26\u{1}");
    let request = server.post("/v1/predictions").multipart(form);
    let refused = problem(request.header(ACCEPT, FHIR).send().await.unwrap()).await;
    assert_eq!(
        (&refused["status"], &refused["field"]),
        (&422.into(), &"accession".into())
    );
}

#[tokio::test]
async fn unsupported_fhir_requests_are_refused() {
    let server = Server::start();
    for (query, field) in [
        ("?compare=tta&method=baseline", "compare"),
        ("?include=samples", "include"),
    ] {
        let request = server.predict(query, cell("nilm")).header(ACCEPT, FHIR);
        let refused = problem(request.send().await.unwrap()).await;
        assert_eq!(
            (&refused["status"], &refused["field"]),
            (&422.into(), &field.into())
        );
    }
    for accept in [
        "application/fhir+xml",
        "application/fhir+json; fhirVersion=5.0",
        "text/csv",
    ] {
        for path in ["/v1/predictions", "/v1/predictions:batch", "/v1/fields"] {
            let request = server.post(path).header(ACCEPT, accept);
            let refused = problem(request.send().await.unwrap()).await;
            assert_eq!(
                refused["type"], "urn:secondlook:problem:not-acceptable",
                "{accept} {path}"
            );
        }
    }
    let half = fixture("bad_inputs/jpeg_truncated_half.jpg");
    let request = server.predict("", half).header(ACCEPT, FHIR);
    assert_eq!(problem(request.send().await.unwrap()).await["status"], 422);
}

#[tokio::test]
async fn fhir_page_command_works() {
    let page = fs::read_to_string("docs/FHIR.md").unwrap();
    let between = |start: &str, end: &str| {
        let (_, after) = page.split_once(start).unwrap();
        after.split_once(end).unwrap().0.to_owned()
    };
    let server = Server::start();
    let image = fs::read(between("--data-binary @", " ")).unwrap();
    let accept = between("'Accept: ", "'");
    assert_eq!(accept, FHIR);
    let accession = between("'X-Accession: ", "'");
    let request = server
        .post(&between("'http://127.0.0.1:8080", "'"))
        .header(CONTENT_TYPE, between("'Content-Type: ", "'"))
        .header("X-Accession", &accession)
        .body(image);
    let observation = resource(request).await;
    let printed: Value = serde_json::from_str(&between("```json", "```")).unwrap();
    for (member, value) in printed.as_object().unwrap() {
        assert_eq!(&observation[member], value, "{member}: {observation:#}");
    }
    // Every code in the page's table is one that the server sends.
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        for code in line
            .split('|')
            .nth(1)
            .unwrap()
            .split('`')
            .skip(1)
            .step_by(2)
        {
            let known = ["cell-name", "nucleus-x", "nucleus-y"].contains(&code);
            if !known && !code.ends_with('…') {
                component(&observation, code);
            }
        }
    }
}
