//! The dashboard and the alert rules use metrics that the server has, and the log names causes.

use std::{collections::BTreeSet, fs, io::Cursor, path::Path};

use bundle::{
    onnx::{float_tensor, node},
    sha256_hex,
};
use serde_json::Value;

use super::server::{Server, problem};
use testkit::tiny;

/// Every expression of the dashboard's panels and of the alert rules.
fn expressions() -> Vec<String> {
    let dashboard = fs::read("docker/grafana/dashboards/secondlook.json").unwrap();
    let dashboard: Value = serde_json::from_slice(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let mut expressions: Vec<_> = targets
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect();
    let rules = fs::read_to_string("docker/prometheus/alerts.yml").unwrap();
    let rules = rules.split("expr:").skip(1);
    expressions.extend(rules.map(|rule| rule.split(" for:").next().unwrap().to_owned()));
    expressions
}

/// The names in an expression: metrics, labels, functions.
fn words(expression: &str) -> impl Iterator<Item = &str> {
    let outside_quotes = expression.split('"').step_by(2);
    outside_quotes
        .flat_map(|text| {
            text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        })
        .filter(|word| word.starts_with(|letter: char| letter.is_ascii_lowercase()))
}

/// The exported names of metrics and of their labels.
fn exported(metrics: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in metrics
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        names.insert(name.to_owned());
        let labels = labels.trim_end_matches('}').split("\",");
        names.extend(labels.filter_map(|label| Some(label.split_once('=')?.0.to_owned())));
    }
    names
}

#[tokio::test]
async fn monitoring_uses_existing_metrics() {
    let server = Server::start();
    server.answer("").await;
    let metrics = server.text("/metrics").await;
    let exported = exported(&metrics);
    // Names of Prometheus and of its language.
    let known = [
        "up",
        "job",
        "sum",
        "rate",
        "increase",
        "by",
        "histogram_quantile",
    ];
    let expressions = expressions();
    assert_eq!(expressions.len(), 7 + 8);
    for expression in &expressions {
        assert!(
            words(expression).any(|word| word.starts_with("secondlook_") || word == "up"),
            "{expression}"
        );
        for word in words(expression) {
            assert!(
                known.contains(&word) || exported.contains(word),
                "`{word}` in {expression}"
            );
        }
    }
}

/// A grey that no image of the trial run has. A bundle that fails on a trial image would not be
/// served.
const RARE: u8 = 200;

/// The small bundle with a trunk that returns no finite number for an image whose mean colour is
/// [`RARE`].
fn write_bundle_with_a_gap(directory: &Path) {
    tiny::trunk_and_heads(directory);
    let trunk = directory.join("trunk.onnx");
    let digest = || sha256_hex(&fs::read(&trunk).unwrap());
    let before = digest();
    let nodes = vec![
        node("GlobalAveragePool", &["image"], "pooled"),
        node("Flatten", &["pooled"], "colour"),
        node("Sub", &["colour", "rare"], "difference"),
        node("Reciprocal", &["difference"], "inverse"),
        node("MatMul", &["inverse", "spread"], "features"),
    ];
    let rare = (f32::from(RARE) - 127.0) / 128.0;
    let constants = vec![float_tensor("rare", &[], &[rare]), tiny::spread()];
    let io = (vec![tiny::image()], vec![tiny::features()]);
    tiny::write(&trunk, nodes, constants, io);
    let manifest = directory.join("bundle.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(manifest, text.replace(&before, &digest())).unwrap();
}

fn flat_in_that_grey() -> Vec<u8> {
    let mut png = Cursor::new(Vec::new());
    let image = image::RgbImage::from_pixel(8, 8, image::Rgb([RARE; 3]));
    image.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

#[tokio::test]
async fn log_has_cause_and_request_id() {
    let models = tempfile::tempdir().unwrap();
    let directory = models.path().join("tiny");
    fs::create_dir(&directory).unwrap();
    write_bundle_with_a_gap(&directory);
    let server = Server::of(models.path(), &[("LOG__FORMAT", "json")]);

    let alone = server
        .predict("", flat_in_that_grey())
        .header("X-Request-Id", "alone");
    let told = problem(alone.send().await.unwrap()).await;
    assert_eq!(told["type"], "urn:secondlook:problem:internal", "{told}");
    let field = reqwest::multipart::Form::new()
        .part(
            "image",
            reqwest::multipart::Part::bytes(flat_in_that_grey()),
        )
        .text("nuclei", r#"[{"x": 4, "y": 4}]"#);
    let lines = server
        .post("/v1/fields")
        .header("Accept", "application/x-ndjson")
        .header("X-Request-Id", "in-lines")
        .multipart(field);
    let text = lines.send().await.unwrap().text().await.unwrap();
    assert!(text.contains("urn:secondlook:problem:internal"), "{text}");

    let log = server.log();
    let parsed = log.lines().map(serde_json::from_str::<Value>);
    let parsed: Vec<Value> = parsed.collect::<Result<_, _>>().unwrap();
    let causes = parsed.iter().filter(|line| line["level"] == "ERROR");
    let ids: Vec<&Value> = causes
        .map(|line| {
            assert!(
                line["error"].as_str().unwrap().contains("not finite"),
                "{line}"
            );
            assert!(line.get("spans").is_none(), "{line}");
            &line["span"]["request_id"]
        })
        .collect();
    assert_eq!(ids, ["alone", "in-lines"], "{log}");
}
