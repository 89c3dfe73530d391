//! Images that are unlike the training images, and damaged models of them.

use std::{fs, path::PathBuf};

use super::server::{Server, answer, fixture, program};
use testkit::unlike_bundle::{REFER_BELOW, replace_model, with_out_of_distribution};

/// A folder of models, and the bundle in it.
fn models() -> (tempfile::TempDir, PathBuf) {
    let models = tempfile::tempdir().unwrap();
    let directory = models.path().join("tiny");
    fs::create_dir(&directory).unwrap();
    with_out_of_distribution(&directory);
    (models, directory)
}

#[tokio::test]
async fn unlike_images_are_referred() {
    let (models, _) = models();
    let server = Server::of(models.path(), &[]);
    // A cell, and a single pixel.
    for (file, unlike) in [
        ("imaging/crop01.png", false),
        ("bad_inputs/ok_1x1.png", true),
    ] {
        for method in ["baseline", "tta"] {
            let query = format!("?method={method}");
            let answered = answer(server.predict(&query, fixture(file))).await;
            let (score, p) = (&answered["ood"]["score"], &answered["ood"]["p_value"]);
            assert!(score.as_f64().unwrap() > 0.0, "{answered}");
            assert_eq!(p.as_f64().unwrap() < REFER_BELOW, unlike, "{answered}");
            let decision = &answered["decision"];
            assert_eq!(decision["action"], "refer");
            let reasons = decision["reasons"].as_array().unwrap();
            assert_eq!(reasons.contains(&"out_of_distribution".into()), unlike);
        }
    }
    let model = answer(server.get("/v1/models/tiny")).await;
    let rule = &model["out_of_distribution"];
    assert_eq!(rule["layer"], "the image itself");
    assert_eq!(rule["refer_below"], REFER_BELOW);
    assert_eq!(rule["calibration_cells"], 54);
    let files = model["files"].as_array().unwrap();
    let names = files.iter().map(|file| file["name"].as_str().unwrap());
    assert!(
        names
            .collect::<Vec<_>>()
            .contains(&"out_of_distribution.json")
    );
}

#[test]
fn damaged_ood_model_is_refused() {
    let (_models, directory) = models();
    let check = || {
        let mut command = program();
        command.args(["bundles", "check"]).arg(&directory);
        let output = command.output().unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), complaint)
    };
    assert_eq!(check(), (Some(0), String::new()));
    replace_model(&directory, "{\"gaussian\":");
    let (code, complaint) = check();
    assert_eq!(
        (code, complaint.lines().count()),
        (Some(1), 1),
        "{complaint}"
    );
    assert!(
        complaint.contains("is not a usable out-of-distribution model"),
        "{complaint}"
    );
}
