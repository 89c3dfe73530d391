//! Small bundles for tests: 8 × 8 px, three classes, real ONNX graphs with weights from a fixed
//! seed.

use std::{fs, path::Path};

use bundle::{
    Sampling,
    onnx::{
        Axis::{Fixed, Free},
        GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, float_tensor, int64_vector,
        model, node, tensor_info,
    },
    sha256_hex,
};
use prost::Message;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// Edge of the images in pixels.
pub const SIZE: i64 = 8;
/// Number of features.
pub const FEATURES: i64 = 16;
/// Number of classes.
pub const CLASSES: i64 = 3;
/// Number of members of the ensemble.
pub const MEMBERS: i64 = 4;

/// Uniform weights in [−1, 1].
fn weights(name: &str, dims: &[i64], seed: u64) -> TensorProto {
    let count: i64 = dims.iter().product();
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..count)
        .map(|_| generator.next_u32() as f32 / u32::MAX as f32 * 2.0 - 1.0)
        .collect();
    float_tensor(name, dims, &values)
}

/// Writes a graph as an ONNX file.
pub fn write(
    path: &Path,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    io: (Vec<ValueInfoProto>, Vec<ValueInfoProto>),
) {
    let graph = GraphProto {
        name: "tiny".to_owned(),
        node: nodes,
        initializer: constants,
        input: io.0,
        output: io.1,
        ..GraphProto::default()
    };
    fs::write(path, model(graph).encode_to_vec()).unwrap();
}

/// The input of the trunk.
pub fn image() -> ValueInfoProto {
    tensor_info("image", &[Free("n"), Fixed(3), Fixed(SIZE), Fixed(SIZE)])
}

/// The output of the trunk.
pub fn features() -> ValueInfoProto {
    tensor_info("features", &[Free("n"), Fixed(FEATURES)])
}

/// A score for each class.
fn logits() -> ValueInfoProto {
    tensor_info("logits", &[Free("n"), Fixed(CLASSES)])
}

/// Nodes that pool the image to its mean colour and multiply it by a matrix to features.
pub fn pooling(output: &str) -> Vec<NodeProto> {
    vec![
        node("GlobalAveragePool", &["image"], "pooled"),
        node("Flatten", &["pooled"], "colour"),
        node("MatMul", &["colour", "spread"], output),
    ]
}

/// The matrix of [`pooling`].
pub fn spread() -> TensorProto {
    weights("spread", &[3, FEATURES], 1)
}

fn write_trunk_and_heads(directory: &Path) {
    let file = |name: &str| directory.join(name);
    let io = (vec![image()], vec![features()]);
    write(&file("trunk.onnx"), pooling("features"), vec![spread()], io);

    let product = vec![node("MatMul", &["features", "w"], "logits")];
    let head = weights("w", &[FEATURES, CLASSES], 2);
    let io = (vec![features()], vec![logits()]);
    write(&file("baseline.onnx"), product, vec![head.clone()], io);

    let masks = tensor_info("mask", &[Free("n"), Free("t"), Fixed(FEATURES)]);
    let masked = vec![
        node("Unsqueeze", &["features", "one"], "spread"),
        node("Mul", &["spread", "mask"], "kept"),
        node("MatMul", &["kept", "w"], "logits"),
    ];
    let one = int64_vector("one", &[1]);
    let samples = tensor_info("logits", &[Free("n"), Free("t"), Fixed(CLASSES)]);
    let io = (vec![features(), masks], vec![samples]);
    write(&file("mc_dropout.onnx"), masked, vec![head, one], io);

    let members = vec![
        node("MatMul", &["features", "w"], "flat"),
        node("Reshape", &["flat", "shape"], "logits"),
    ];
    let wide = weights("w", &[FEATURES, MEMBERS * CLASSES], 3);
    let shape = int64_vector("shape", &[-1, MEMBERS, CLASSES]);
    let samples = tensor_info("logits", &[Free("n"), Fixed(MEMBERS), Fixed(CLASSES)]);
    let io = (vec![features()], vec![samples]);
    write(&file("ensemble.onnx"), members, vec![wide, shape], io);
}

/// A graph from image to logits with a Dropout node. It is active in inference if `active`.
fn write_one_graph(directory: &Path, active: bool) {
    let mut nodes = pooling("hidden");
    nodes.push(node("Dropout", &["hidden", "ratio", "training"], "dropped"));
    nodes.push(node("MatMul", &["dropped", "w"], "logits"));
    let training = TensorProto {
        name: "training".to_owned(),
        data_type: 9, // TensorProto.DataType.BOOL
        raw_data: vec![u8::from(active)],
        ..TensorProto::default()
    };
    let constants = vec![
        spread(),
        float_tensor("ratio", &[], &[0.5]),
        training,
        weights("w", &[FEATURES, CLASSES], 2),
    ];
    let io = (vec![image()], vec![logits()]);
    write(&directory.join("graph.onnx"), nodes, constants, io);
}

fn head(directory: &Path, file: &str, input: &str) -> String {
    let sha256 = sha256_hex(&fs::read(directory.join(file)).unwrap());
    format!(
        "head = {{ file = {{ name = \"{file}\", sha256 = \"{sha256}\" }}, input = \"{input}\", output = \"logits\", scores = \"logits\" }}\n"
    )
}

const PREAMBLE: &str = r#"
format = 1
name = "tiny"
version = "1"
licence = "Apache-2.0"
description = "a model made by a test"
labels = [
    { name = "NILM", abnormal = false },
    { name = "LSIL", abnormal = true },
    { name = "HSIL", abnormal = true },
]

[training]
data = "none"
commit = "none"
seed = 0
cells = 0
images = 0

[input]
size = 8
channels = "rgb"
resize = "bilinear"
normalisation = { scale = 1.0, mean = [127.0, 127.0, 127.0], std = [128.0, 128.0, 128.0] }
crop_edge_px = 8
padding = "reflect"
"#;

/// A bundle with trunk and heads that offers every method.
pub fn trunk_and_heads(directory: &Path) {
    write_trunk_and_heads(directory);
    let sha256 = sha256_hex(&fs::read(directory.join("trunk.onnx")).unwrap());
    let augmentation = toml::to_string(&imaging::augment::AugmentPolicy::paper()).unwrap();
    let augmentation = augmentation.replace("[[steps]]", "[[methods.tta.policy.steps]]");
    let manifest = [
        PREAMBLE.to_owned(),
        format!(
            "[trunk]\nfile = {{ name = \"trunk.onnx\", sha256 = \"{sha256}\" }}\ninput = \"image\"\nfeatures = \"features\"\nfeature_count = {FEATURES}\n"
        ),
        "[methods.baseline]\n".to_owned() + &head(directory, "baseline.onnx", "features"),
        "[methods.mc_dropout]\npasses = 50\n".to_owned()
            + &head(directory, "mc_dropout.onnx", "features"),
        format!(
            "[methods.mc_dropout.sampling]\nkind = \"masks\"\ngenerator = \"chacha8\"\nmasks = [{{ input = \"mask\", width = {FEATURES}, drop_probability = 0.5 }}]\n"
        ),
        format!("[methods.ensemble]\nmembers = {MEMBERS}\n")
            + &head(directory, "ensemble.onnx", "features"),
        "[methods.tta]\npasses = 10\n[methods.tta.policy]\n".to_owned() + &augmentation,
    ];
    fs::write(directory.join("bundle.toml"), manifest.join("\n")).unwrap();
}

/// Gives test-time augmentation in [`trunk_and_heads`] its own head, with other weights than the
/// baseline's.
pub fn give_views_a_head(directory: &Path) {
    let product = vec![node("MatMul", &["features", "w"], "logits")];
    let constants = vec![weights("w", &[FEATURES, CLASSES], 9)];
    let io = (vec![features()], vec![logits()]);
    write(&directory.join("tta.onnx"), product, constants, io);
    let own = "passes = 10\n".to_owned() + &head(directory, "tta.onnx", "features");
    change_manifest(directory, "passes = 10\n", &own);
}

/// Makes the baseline use the head of test-time augmentation.
pub fn give_the_baseline_the_head_of_views(directory: &Path) {
    let baseline = head(directory, "baseline.onnx", "features");
    let views = head(directory, "tta.onnx", "features");
    change_manifest(directory, &baseline, &views);
}

/// Replaces a part of the manifest, which must occur in it.
pub fn change_manifest(directory: &Path, part: &str, with: &str) {
    let path = directory.join("bundle.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(part), "{part}");
    fs::write(path, text.replace(part, with)).unwrap();
}

/// A bundle with one graph that returns [`MEMBERS`] samples of its own.
pub fn samples_in_graph(directory: &Path) {
    let mut nodes = pooling("hidden");
    nodes.push(node("MatMul", &["hidden", "w"], "flat"));
    nodes.push(node("Reshape", &["flat", "shape"], "logits"));
    let constants = vec![
        spread(),
        weights("w", &[FEATURES, MEMBERS * CLASSES], 3),
        int64_vector("shape", &[-1, MEMBERS, CLASSES]),
    ];
    let samples = tensor_info("logits", &[Free("n"), Fixed(MEMBERS), Fixed(CLASSES)]);
    let io = (vec![image()], vec![samples]);
    write(&directory.join("graph.onnx"), nodes, constants, io);
    let sampling = toml::to_string(&Sampling::InGraph {}).unwrap();
    let method = format!("[methods.mc_dropout]\npasses = {MEMBERS}\n");
    let manifest = [
        PREAMBLE.to_owned(),
        method + &head(directory, "graph.onnx", "image"),
        "[methods.mc_dropout.sampling]\n".to_owned() + &sampling,
    ];
    fs::write(directory.join("bundle.toml"), manifest.join("\n")).unwrap();
}

/// A bundle without a trunk. Its baseline is a graph from `image` to `logits`.
pub fn baseline_alone(directory: &Path, nodes: Vec<NodeProto>, constants: Vec<TensorProto>) {
    let io = (vec![image()], vec![logits()]);
    write(&directory.join("graph.onnx"), nodes, constants, io);
    let method = "[methods.baseline]\n".to_owned() + &head(directory, "graph.onnx", "image");
    fs::write(directory.join("bundle.toml"), PREAMBLE.to_owned() + &method).unwrap();
}

/// Appends a node to a graph of the bundle. It computes `output` from the former `output` and
/// `constant`.
pub fn end_in(directory: &Path, file: &str, output: &str, operation: &str, constant: TensorProto) {
    const BEFORE: &str = "former output";
    let path = directory.join(file);
    let bytes = fs::read(&path).unwrap();
    let mut model = ModelProto::decode(&*bytes).unwrap();
    let graph = model.graph.as_mut().unwrap();
    for node in &mut graph.node {
        if node.output == [output] {
            BEFORE.clone_into(&mut node.name);
            node.output = vec![node.name.clone()];
        }
    }
    let inputs = [BEFORE, constant.name.as_str()];
    graph.node.push(node(operation, &inputs, output));
    graph.initializer.push(constant);
    let changed = model.encode_to_vec();
    fs::write(&path, &changed).unwrap();
    change_manifest(directory, &sha256_hex(&bytes), &sha256_hex(&changed));
}

/// A bundle with one graph with Dropout nodes. They are active in inference if `active`.
pub fn one_graph(directory: &Path, active: bool) {
    write_one_graph(directory, active);
    let sampling = toml::to_string(&Sampling::ActiveDropout {}).unwrap();
    let manifest = [
        PREAMBLE.to_owned(),
        "[methods.mc_dropout]\npasses = 20\n".to_owned() + &head(directory, "graph.onnx", "image"),
        "[methods.mc_dropout.sampling]\n".to_owned() + &sampling,
    ];
    fs::write(directory.join("bundle.toml"), manifest.join("\n")).unwrap();
}
