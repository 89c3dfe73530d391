//! What is promised of the committed bundle, by its own evaluation.

use std::{fs, path::Path};

use secondlook::bundle::{Bundle, Method};
use serde_json::Value;

const BUNDLE: &str = "models/cric-lite0";

fn evaluation() -> Value {
    serde_json::from_slice(&fs::read(Path::new(BUNDLE).join("evaluation.json")).unwrap()).unwrap()
}

#[test]
fn it_tells_normal_from_abnormal_and_its_entropy_tells_its_errors() {
    let out_of_fold = &evaluation()["out_of_fold"]["methods"];
    for method in ["baseline", "mc_dropout", "ensemble"] {
        let figures = &out_of_fold[method];
        let auroc = figures["figures"]["auroc_abnormal"]["value"]
            .as_f64()
            .unwrap();
        assert!(auroc >= 0.86, "{method}: {auroc}");
        let misprediction = &figures["uncertainty"]["predictive_entropy"]["auroc_misprediction"];
        assert!(
            misprediction["value"].as_f64().unwrap() >= 0.70,
            "{method}: {misprediction}"
        );
    }
}

#[test]
fn its_card_holds_the_figures_of_its_evaluation() {
    let card = fs::read_to_string(Path::new(BUNDLE).join("MODEL_CARD.md")).unwrap();
    let evaluation = evaluation();
    for part in ["out_of_fold", "test"] {
        let auroc =
            &evaluation[part]["methods"]["mc_dropout"]["figures"]["auroc_abnormal"]["value"];
        let written = format!("{:.3} [", auroc.as_f64().unwrap());
        assert!(card.contains(&written), "{part}: {written}");
    }
    for needed in [
        "Not for diagnosis",
        "CC BY 4.0",
        "Rezende",
        "Apache-2.0",
        "Limits",
    ] {
        assert!(card.contains(needed), "{needed}");
    }
}

#[test]
fn it_is_sound_small_and_complete() {
    let bundle = Bundle::open(Path::new(BUNDLE)).unwrap();
    assert_eq!(bundle.manifest().offered_methods(), Method::ALL);
    assert_eq!(bundle.manifest().calibration.len(), 4);
    let files = fs::read_dir(BUNDLE).unwrap();
    let bytes: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes <= 25_000_000, "{bytes}");
}
