//! The paper's experiment from end to end: a ResNet50, brought as ONNX, four models under five
//! losses, a bundle.

use std::{fs, path::Path, process::Command};

use bundle::{Bundle, Method, onnx::Axis::Free};
use engine::{EngineConfig, check_bundle};
use prost::Message;

use super::{
    resnet::{End, ResNet},
    tiny_data::write_data,
};
use testkit::runtime;

fn run(folder: &Path, line: &str) -> String {
    let output = Command::new(testkit::program("secondlook-train"))
        .current_dir(folder)
        .env("ORT_DYLIB_PATH", runtime().library())
        .args(line.split_whitespace())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_papers_models_train_on_a_resnet50_and_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_data(&folder.join("data"), 5);
    let resnet50 = ResNet {
        width: 64,
        blocks: [3, 4, 6, 3],
        image: [Free("batch"), Free("height"), Free("width")],
        end: End::Gemm,
    };
    fs::write(
        folder.join("resnet50.onnx"),
        resnet50.model().encode_to_vec(),
    )
    .unwrap();
    let said = run(
        folder,
        "trunk import resnet50.onnx --size 64 --out resnet50",
    );
    assert!(said.contains("2048 features at 64 px"), "{said}");
    fs::remove_file(folder.join("resnet50.onnx")).unwrap();

    run(
        folder,
        "crop --dataset data/classifications.csv --img_dir data/fields --cell_img_dir work --edge 21",
    );
    run(folder, "split --work work --folds 2 --test-share 0.4");
    let common = "--trunk resnet50/trunk.onnx --work work --num_classes 3 --preset paper --num_epochs 2 --views 4 \
                  --members 3";
    for (model, loss) in [
        ("CustomResNet", "combined"),
        ("MC_Dropout_model", "meta_combined"),
        ("EnsembleModel_ResNet", "avg_across_all_heads"),
        ("EnsembleModel_ResNet", "individual"),
        ("TTA_model", "meta_individual"),
    ] {
        let said = run(
            folder,
            &format!(
                "train --model {model} --multi_head_loss {loss} --batch_size 256 --lr 2e-4 {common}"
            ),
        );
        assert!(said.contains("3 classes"), "{said}");
    }
    for method in ["baseline", "mc_dropout", "tta"] {
        run(folder, &format!("train --method {method} {common}"));
    }
    run(folder, &format!("export --out paper {common}"));
    run(folder, &format!("evaluate --out paper {common}"));

    let bundle = Bundle::open(&folder.join("paper")).unwrap();
    check_bundle(&EngineConfig::default(), runtime(), &bundle).unwrap();
    let manifest = bundle.manifest();
    assert_eq!(manifest.methods_with_heads(), Method::ALL);
    assert_eq!((manifest.input.size, manifest.labels.len()), (64, 3));
    assert_eq!(manifest.trunk.as_ref().unwrap().feature_count, 2048);
    assert!(manifest.description.contains("resnet50.onnx"));
    assert!(manifest.licence.contains("not stated"));
    let [own, baseline] = [Method::Tta, Method::Baseline].map(|of| manifest.head(of).unwrap());
    assert_ne!(own.file.sha256, baseline.file.sha256);
    let card = fs::read_to_string(folder.join("paper/MODEL_CARD.md")).unwrap();
    assert!(!card.contains("Lite0"), "{card}");
}
