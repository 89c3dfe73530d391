//! The trunk with statistics in a bundle: the trainer's fit and the engine's scores agree.

use std::{fs, path::Path};

use bundle::{
    Bundle, FileReference, Manifest, Method, OutOfDistribution, onnx::ModelProto, sha256_hex,
};
use bytes::Bytes;
use engine::{Engine, EngineConfig, RequestOptions};
use imaging::{CellImage, InputTensor, Limits, decode, resize};
use prost::Message;
use trainer::{OnnxGraph, STATISTICS, residual_additions, with_statistics};
use uncertainty::{Reason, ood::OodModel};

use testkit::runtime;

const BUNDLE: &str = "models/cric-lite0";
const TRUNK: &str = "weights/efficientnet_lite0.onnx";
const COUNT: usize = 160;
const FILE: &str = "out_of_distribution.json";

fn file(directory: &Path, name: &str, bytes: &[u8]) -> FileReference {
    fs::write(directory.join(name), bytes).unwrap();
    FileReference {
        name: name.to_owned(),
        sha256: sha256_hex(bytes),
    }
}

/// Statistics of a piece of each fixture cell, turned by `turn` quarters.
fn rows(graph: &mut OnnxGraph, manifest: &Manifest, turn: usize) -> Vec<f32> {
    let input = &manifest.input;
    let mut tensor = InputTensor::with_capacity(input.size, input.size, 12).unwrap();
    for number in 0..12 {
        let cell = testkit::path(format!("tests/fixtures/imaging/crop{number:02}.png"));
        let cell = decode(&fs::read(cell).unwrap(), &Limits::default()).unwrap();
        let mut pixels = cell.as_rgb().clone();
        for _ in 0..turn {
            pixels = image::imageops::rotate90(&pixels);
        }
        let resized = resize(
            &CellImage::new(pixels),
            input.size,
            input.size,
            input.resize,
        );
        tensor
            .push(&resized.unwrap(), &input.normalisation)
            .unwrap();
    }
    let edge = i64::from(input.size);
    let shape = vec![12, 3, edge, edge];
    graph.run(&[("image", shape, tensor.as_slice())]).unwrap()
}

/// The default bundle's heads on the pretrained trunk, with statistics after the third residual
/// addition.
fn write_bundle(directory: &Path) {
    let source = Bundle::open(&testkit::path(BUNDLE)).unwrap();
    let mut manifest = source.manifest().clone();
    for graph in manifest.graphs() {
        fs::copy(source.path_of(graph), directory.join(&graph.name)).unwrap();
    }
    let trunk = manifest.trunk.as_mut().unwrap();
    let model = ModelProto::decode(&*fs::read(testkit::path(TRUNK)).unwrap()).unwrap();
    let layer = residual_additions(&model).swap_remove(2);
    let edited = with_statistics(&model, &layer).unwrap().encode_to_vec();
    trunk.file = file(directory, "trunk.onnx", &edited);
    trunk.statistics = Some(STATISTICS.to_owned());
    trunk.statistic_count = Some(COUNT);

    let mut graph = OnnxGraph::open(runtime(), &directory.join("trunk.onnx"), STATISTICS).unwrap();
    let turned: Vec<Vec<f32>> = (0..4)
        .map(|turn| rows(&mut graph, &manifest, turn))
        .collect();
    let (training, calibration) = turned.split_at(2);
    let rows_of = |part: &[Vec<f32>]| -> Vec<Vec<f32>> {
        let rows = part.iter().flat_map(|values| values.chunks_exact(COUNT));
        rows.map(<[f32]>::to_vec).collect()
    };
    let (training, calibration) = (rows_of(training), rows_of(calibration));
    let [training, calibration]: [Vec<&[f32]>; 2] =
        [&training, &calibration].map(|rows| rows.iter().map(Vec::as_slice).collect());
    let fitted = OodModel::fit(&training, &calibration, 1e-2).unwrap();
    manifest.out_of_distribution = Some(OutOfDistribution {
        file: file(directory, FILE, &serde_json::to_vec(&fitted).unwrap()),
        refer_below: 0.05,
        layer,
    });
    let manifest = toml::to_string(&manifest).unwrap();
    fs::write(directory.join("bundle.toml"), manifest).unwrap();
}

/// Blue sky over a green meadow.
fn landscape() -> Bytes {
    let colour = |_, y: u32| match u8::try_from(y).unwrap() {
        y if y < 60 => image::Rgb([40 + y, 120 + y, 255]),
        y => image::Rgb([30, 200 - y, 20]),
    };
    let pixels = image::RgbImage::from_fn(93, 93, colour);
    let mut png = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut png, image::ImageFormat::Png).unwrap();
    Bytes::from(png.into_inner())
}

#[tokio::test]
async fn landscape_is_out_of_distribution() {
    let directory = tempfile::tempdir().unwrap();
    write_bundle(directory.path());
    let config = EngineConfig {
        workers: 1,
        max_batch: 8,
        intra_threads: 1,
        ..EngineConfig::default()
    };
    let bundle = Bundle::open(directory.path()).unwrap();
    let engine = Engine::start(&config, Limits::default(), runtime(), vec![bundle]).unwrap();
    let ask = |image: &Bytes, method| {
        let asked = RequestOptions {
            method: Some(method),
            passes: (method == Method::Tta).then_some(3),
            ..RequestOptions::default()
        };
        let (engine, image) = (engine.clone(), image.clone());
        async move {
            let plan = engine.plan(asked).unwrap();
            let answered = engine.predict_patiently(&plan, image.into()).await;
            answered.unwrap()
        }
    };
    let cell = Bytes::from(fs::read(testkit::path("tests/fixtures/imaging/crop03.png")).unwrap());
    let mut alone = Vec::new();
    for (image, unlike) in [(cell, false), (landscape(), true)] {
        let answered = ask(&image, Method::Baseline).await;
        let ood = answered.ood.unwrap();
        assert_eq!(ood.p_value < 0.05, unlike, "{ood:?}");
        let reasons = answered.answer.decision.reasons;
        assert_eq!(reasons.contains(&Reason::OutOfDistribution), unlike);
        alone.push((image, ood));
    }
    let crowd: Vec<_> = (0..32)
        .map(|number| {
            let (image, ood) = &alone[number % 2];
            let task = tokio::spawn(ask(image, Method::ALL[number % 4]));
            (*ood, task)
        })
        .collect();
    for (ood, task) in crowd {
        assert_eq!(task.await.unwrap().ood, Some(ood));
    }
}
