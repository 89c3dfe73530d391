//! Importing classifiers as trunks.

use std::{fs, path::Path};

use bundle::{
    onnx::{
        Axis::{Fixed, Free},
        ModelProto, NodeProto, TensorProto, tensor_info,
    },
    sha256_hex,
};
use imaging::Normalisation;
use prost::Message;
use trainer::{ImportOptions, Imported, OnnxGraph, TrainingError, TrunkFile, import_trunk};

use super::resnet::{CLASSES, End, ResNet};
use testkit::runtime;

const ANY: [bundle::onnx::Axis; 3] = [Free("batch"), Free("height"), Free("width")];
const ONE_OF_64: [bundle::onnx::Axis; 3] = [Fixed(1), Fixed(64), Fixed(64)];
/// Features of the small network.
const FEATURES: usize = 128;

const NORMALISATION: Normalisation = Normalisation {
    scale: 1.0 / 255.0,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
};

pub fn import(
    folder: &Path,
    bytes: &[u8],
    cut: Option<&str>,
    size: Option<u32>,
) -> Result<Imported, TrainingError> {
    let path = folder.join("classifier.onnx");
    fs::write(&path, bytes).unwrap();
    let options = ImportOptions {
        model: &path,
        cut,
        size,
        normalisation: NORMALISATION,
        licence: "BSD-3-Clause",
        out: &folder.join("trunk"),
    };
    import_trunk(runtime(), &options)
}

pub fn refusal(model: &ModelProto, cut: Option<&str>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let said = import(folder.path(), &model.encode_to_vec(), cut, Some(64)).unwrap_err();
    assert!(
        !folder.path().join("trunk").exists(),
        "nothing is written where nothing is right"
    );
    said.to_string()
}

/// A fixed picture of `size` pixels, `count` times.
pub fn picture(size: usize, count: usize) -> Vec<f32> {
    let values = (0..3 * size * size).map(|index| ((index * 31 % 255) as f32 - 127.0) / 64.0);
    values.collect::<Vec<_>>().repeat(count)
}

pub fn run(path: &Path, input: &str, output: &str, size: usize, count: usize) -> Vec<f32> {
    let shape = vec![count as i64, 3, size as i64, size as i64];
    let mut graph = OnnxGraph::open(runtime(), path, output).unwrap();
    graph.run(&[(input, shape, &picture(size, count))]).unwrap()
}

#[test]
fn import_removes_the_last_layer_only() {
    let folder = tempfile::tempdir().unwrap();
    let source = ResNet::small(End::Gemm, ANY).model();
    let imported = import(folder.path(), &source.encode_to_vec(), None, Some(64)).unwrap();
    assert_eq!(imported.compared, "class scores");
    assert!(imported.difference <= 1e-4, "{}", imported.difference);

    let graph = source.graph.unwrap();
    let classifier = graph.node.last().unwrap();
    let description = &imported.description;
    assert_eq!(description.source.cut, classifier.input[0]);
    assert_eq!(
        (description.feature_count, description.size),
        (FEATURES, 64)
    );
    assert_eq!(
        (description.input.as_str(), description.features.as_str()),
        ("image", "features")
    );
    assert_eq!(description.licence, "BSD-3-Clause");

    let trunk = ModelProto::decode(fs::read(&imported.path).unwrap().as_slice()).unwrap();
    let trunk = trunk.graph.unwrap();
    let names: Vec<&String> = trunk
        .initializer
        .iter()
        .map(|tensor| &tensor.name)
        .collect();
    assert_eq!(names.len(), graph.initializer.len() - 2);
    assert!(!names.contains(&&classifier.input[1]));
    assert!(trunk.node.iter().all(|node| node.op_type != "Gemm"));

    let features = run(&imported.path, "image", "features", 64, 1);
    let logits = run(
        &folder.path().join("classifier.onnx"),
        "image",
        &classifier.output[0],
        64,
        1,
    );
    let of = |name: &str| {
        let tensor = graph
            .initializer
            .iter()
            .find(|tensor| tensor.name == name)
            .unwrap();
        let words = tensor.raw_data.chunks_exact(4);
        words
            .map(|word| f32::from_le_bytes(word.try_into().unwrap()))
            .collect::<Vec<f32>>()
    };
    let (weight, bias) = (of(&classifier.input[1]), of(&classifier.input[2]));
    for class in 0..CLASSES as usize {
        let row = &weight[class * FEATURES..(class + 1) * FEATURES];
        let products = row.iter().zip(&features).map(|(a, b)| a * b);
        let score = products.sum::<f32>() + bias[class];
        assert!((score - logits[class]).abs() < 1e-4, "class {class}");
    }
}

#[test]
fn fixed_batch_and_size_are_freed() {
    let folder = tempfile::tempdir().unwrap();
    let source = ResNet::small(End::FixedReshape, ONE_OF_64).model();
    let imported = import(folder.path(), &source.encode_to_vec(), None, Some(96)).unwrap();
    assert_eq!(
        (imported.compared, imported.description.size),
        ("class scores", 96)
    );
    let three = run(&imported.path, "image", "features", 96, 3);
    let one = run(&imported.path, "image", "features", 96, 1);
    assert_eq!(three.len(), 3 * FEATURES);
    let differences = three.iter().zip(one.iter().cycle());
    assert!(differences.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) < 1e-4);
}

#[test]
fn feature_graph_is_kept_and_flattened() {
    let folder = tempfile::tempdir().unwrap();
    let source = ResNet::small(End::Nothing, ANY).model();
    let imported = import(folder.path(), &source.encode_to_vec(), None, Some(64)).unwrap();
    assert_eq!(imported.compared, "features");
    let output = source.graph.unwrap().output[0].name.clone();
    assert_eq!(imported.description.source.cut, output);
    let pooled = run(
        &folder.path().join("classifier.onnx"),
        "image",
        &output,
        64,
        2,
    );
    assert_eq!(run(&imported.path, "image", "features", 64, 2), pooled);
}

#[test]
fn cut_can_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let source = ResNet::small(End::Both, ANY).model();
    assert!(refusal(&source, None).contains("2 outputs"));
    assert!(refusal(&source, Some("nowhere")).contains("no tensor `nowhere`"));

    let graph = source.graph.clone().unwrap();
    let is_pooling = |node: &&NodeProto| node.op_type == "GlobalAveragePool";
    let pooling = graph.node.iter().find(is_pooling).unwrap();
    let spatial = refusal(&source, Some(&pooling.input[0]));
    assert!(
        spatial.contains("[1, D]") && spatial.contains(&pooling.output[0]),
        "{spatial}"
    );
    let cut = Some(pooling.output[0].as_str());
    let imported = import(folder.path(), &source.encode_to_vec(), cut, Some(64)).unwrap();
    assert_eq!(imported.description.feature_count, FEATURES);
}

#[test]
fn description_belongs_to_its_trunk() {
    let folder = tempfile::tempdir().unwrap();
    let source = ResNet::small(End::Gemm, ANY).model();
    let imported = import(folder.path(), &source.encode_to_vec(), None, Some(64)).unwrap();
    let trunk = TrunkFile::open(&imported.path).unwrap();
    assert_eq!((trunk.dimension, trunk.size), (FEATURES, 64));
    assert_eq!(trunk.normalisation, NORMALISATION);
    assert_eq!(trunk.licence.as_deref(), Some("BSD-3-Clause"));
    assert_eq!(
        imported.description.source.sha256,
        sha256_hex(&source.encode_to_vec())
    );

    let mut bytes = fs::read(&imported.path).unwrap();
    bytes.extend(bytes.clone());
    fs::write(&imported.path, bytes).unwrap();
    let error = TrunkFile::open(&imported.path).unwrap_err().to_string();
    assert!(
        error.contains("trunk.toml") && error.contains("another trunk"),
        "{error}"
    );
}

#[test]
fn trunk_without_description_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let path = super::tiny_data::write_trunk(&folder.path().join("trunk.onnx"));
    let trunk = TrunkFile::open(&path).unwrap();
    assert_eq!((trunk.dimension, trunk.size), (1280, 224));
    assert_eq!(trunk.normalisation.mean, [127.0; 3]);
    assert_eq!(trunk.name, "trunk.onnx");
    assert_eq!(trunk.licence.as_deref(), Some("LicenseRef-not-stated"));
    let shipped = TrunkFile::open(&testkit::path("weights/efficientnet_lite0.onnx")).unwrap();
    assert_eq!(
        (shipped.name.as_str(), shipped.licence),
        ("EfficientNet-Lite0", None)
    );

    let classifier = folder.path().join("classifier.onnx");
    fs::write(
        &classifier,
        ResNet::small(End::Gemm, ANY).model().encode_to_vec(),
    )
    .unwrap();
    let error = TrunkFile::open(&classifier).unwrap_err().to_string();
    assert!(error.contains("trunk import"), "{error}");
}

#[test]
fn weight_inputs_are_not_trunk_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = ResNet::small(End::Gemm, ANY).model();
    source.ir_version = 3;
    let graph = source.graph.as_mut().unwrap();
    let declared = |tensor: &TensorProto| {
        let axes: Vec<_> = tensor.dims.iter().map(|size| Fixed(*size)).collect();
        tensor_info(&tensor.name, &axes)
    };
    graph.input.extend(graph.initializer.iter().map(declared));
    let imported = import(folder.path(), &source.encode_to_vec(), None, Some(64)).unwrap();
    let trunk = ModelProto::decode(fs::read(&imported.path).unwrap().as_slice()).unwrap();
    assert_eq!(trunk.graph.unwrap().input.len(), 1);
    assert!(trunk.ir_version >= 4);
}
