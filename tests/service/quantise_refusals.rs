//! Refusals of `bundles quantise` and of quantised trunks.

use std::{fs, path::Path};

use super::{
    cli::{assert_one_clear_sentence, outcome, run},
    quantise::{CELLS, made, quantise},
    server::{MODELS, program},
};

#[test]
fn failed_quantising_leaves_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let refused = |options: &[&str], about: &str| {
        assert_one_clear_sentence(&quantise(&out, options), about);
        assert!(!out.exists());
        assert!(!folder.path().join("out.partial").exists());
    };
    refused(&["--images", "absent"], "absent");
    refused(&["--images", "src/cli"], "no image");
    refused(&["--images", "README.md"], "README.md");
    refused(&["--images", CELLS, "--keep", "/"], "no convolution");
    refused(&["--images", CELLS, "--labels", "absent.csv"], "absent.csv");
    let occupied = quantise(Path::new("models"), &["--images", CELLS]);
    assert_one_clear_sentence(&occupied, "models");
    assert_one_clear_sentence(
        &run(&[
            "bundles",
            "quantise",
            "src",
            "--images",
            CELLS,
            "--out",
            out.to_str().unwrap(),
        ]),
        "bundle.toml",
    );
}

#[test]
fn missing_or_changed_trunk_is_refused() {
    let serve = ["serve", "--listen", "127.0.0.1:0", "--models"];
    let mut command = program();
    command
        .args(serve)
        .arg(MODELS)
        .env("SECONDLOOK_ENGINE__TRUNK_PRECISION", "int8");
    assert_one_clear_sentence(&outcome(&mut command), "quantise");

    let made = made("int8");
    let check = || run(&["bundles", "check", made.directory().to_str().unwrap()]);
    let manifest = String::from_utf8(made.read("bundle.toml")).unwrap();
    let replace = |text: &str| fs::write(made.directory().join("bundle.toml"), text).unwrap();
    for (part, with, about) in [
        ("[trunk.variants.int8.", "[trunk.variants.int4.", "int4"),
        (
            "[trunk.variants.int8.",
            "[trunk.variants.float32.",
            "float32",
        ),
        ("equal_labels = ", "equal_labels = 7", "trunk.variants"),
        ("\nimages = 6\n", "\nimages = 6\nsurprise = 1\n", "surprise"),
    ] {
        assert!(manifest.contains(part), "{manifest}");
        replace(&manifest.replace(part, with));
        let refused = check();
        assert_eq!(refused.code, Some(1), "{with}");
        assert!(refused.stderr.contains(about), "{}", refused.stderr);
    }
    replace(&manifest);
    assert_eq!(check().code, Some(0));
    let mut trunk = made.read("trunk.int8.onnx");
    let middle = trunk.len() / 2;
    trunk[middle] ^= 1;
    fs::write(made.directory().join("trunk.int8.onnx"), trunk).unwrap();
    let refused = check();
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("sha256"), "{}", refused.stderr);
}
