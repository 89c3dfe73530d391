//! Models that cannot be trunks, and the parts of a foreign model that must survive the cut.

use std::{fs, path::PathBuf};

use bundle::onnx::{
    Axis::{Fixed, Free},
    GraphProto, ModelProto, float_tensor, model, node, tensor_info,
};
use prost::Message;

use super::trunk_import::{import, refusal, run};

/// Mean colour → `first` → a classifier, after `change` to the graph.
fn tiny(change: impl FnOnce(&mut GraphProto)) -> ModelProto {
    let mut graph = GraphProto {
        name: "tiny".to_owned(),
        node: vec![
            node("GlobalAveragePool", &["x"], "pooled"),
            node("Flatten", &["pooled"], "colour"),
            node("MatMul", &["colour", "weight"], "logits"),
        ],
        initializer: vec![float_tensor(
            "weight",
            &[3, 2],
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        )],
        input: vec![tensor_info(
            "x",
            &[Free("N"), Fixed(3), Free("H"), Free("W")],
        )],
        output: vec![tensor_info("logits", &[Free("N"), Fixed(2)])],
        ..GraphProto::default()
    };
    change(&mut graph);
    model(graph)
}

#[test]
fn unsuitable_models_are_refused() {
    let elsewhere = tiny(|graph| graph.initializer[0].data_location = 1);
    assert!(refusal(&elsewhere, None).contains("another file"));
    let two_inputs = tiny(|graph| graph.input.push(tensor_info("age", &[Free("N")])));
    assert!(refusal(&two_inputs, None).contains("2 inputs (x, age)"));
    let channels_last = tiny(|graph| {
        graph.input[0] = tensor_info("x", &[Free("N"), Free("H"), Free("W"), Fixed(3)]);
    });
    assert!(refusal(&channels_last, None).contains("[N, 3, H, W]"));
    let many = tiny(|graph| {
        graph.input[0] = tensor_info("x", &[Fixed(8), Fixed(3), Free("H"), Free("W")])
    });
    assert!(refusal(&many, None).contains("batch size is fixed"));
    let no_layer = tiny(|graph| {
        graph.node[2] = node("Softmax", &["colour"], "logits");
        graph.output[0] = tensor_info("logits", &[Free("N"), Fixed(3)]);
    });
    let said = refusal(&no_layer, None);
    assert!(said.contains("--cut") && said.contains("colour"), "{said}");
    let circle = tiny(|graph| graph.node[2] = node("Identity", &["logits"], "logits"));
    assert!(!refusal(&circle, None).is_empty(), "it comes to an end");

    let folder = tempfile::tempdir().unwrap();
    let error = import(folder.path(), b"no model", None, None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("not an ONNX model"), "{error}");
}

#[test]
fn fixed_batch_graph_is_refused() {
    let held = tiny(|graph| {
        graph.input[0] = tensor_info("x", &[Fixed(1), Fixed(3), Fixed(64), Fixed(64)]);
        graph
            .initializer
            .push(float_tensor("more", &[1, 3], &[1.0; 3]));
        let mut join = node("Concat", &["colour", "more"], "joined");
        join.attribute.push(super::resnet::int_attribute("axis", 1));
        graph.node.insert(2, join);
        graph.node[3].input[0] = "joined".to_owned();
        graph.initializer[0] = float_tensor("weight", &[6, 2], &[0.5; 12]);
        graph.output[0] = tensor_info("logits", &[Fixed(1), Fixed(2)]);
    });
    let said = refusal(&held, None);
    assert!(said.contains("free batch axis"), "{said}");
}

/// Nodes as bytes, as for a reader that does not know all their fields.
#[derive(Clone, PartialEq, prost::Message)]
struct Bytes {
    #[prost(bytes = "vec", repeated, tag = "1")]
    node: Vec<Vec<u8>>,
}

#[test]
fn unknown_node_fields_survive() {
    let folder = tempfile::tempdir().unwrap();
    let plain = tiny(|_| {});
    let mut graph = plain.graph.clone().unwrap();
    let mut nodes: Vec<Vec<u8>> = graph.node.iter().map(Message::encode_to_vec).collect();
    // doc_string, field 6, which our NodeProto leaves out.
    let documented = [&[0x32, 4][..], b"kept"].concat();
    nodes[0].extend(&documented);
    graph.node.clear();
    let mut bytes = ModelProto {
        graph: None,
        ..plain
    }
    .encode_to_vec();
    let graph = [graph.encode_to_vec(), Bytes { node: nodes }.encode_to_vec()].concat();
    // graph, field 7
    bytes.push(0x3a);
    prost::encoding::encode_varint(graph.len() as u64, &mut bytes);
    bytes.extend(graph);

    let imported = import(folder.path(), &bytes, None, Some(16)).unwrap();
    let written = fs::read(&imported.path).unwrap();
    assert!(
        written
            .windows(documented.len())
            .any(|window| window == documented)
    );
    let names = [&imported.description.input, &imported.description.features];
    assert_eq!(names, ["image", "features"]);
}

#[test]
fn taken_tensor_names_are_avoided() {
    let folder = tempfile::tempdir().unwrap();
    let clash = tiny(|graph| {
        graph.node[0].output[0] = "features".to_owned();
        graph.node[1].input[0] = "features".to_owned();
    });
    let imported = import(folder.path(), &clash.encode_to_vec(), None, Some(16)).unwrap();
    assert_eq!(imported.description.features, "features_");
    assert_eq!(imported.description.source.cut, "colour");
    let path: PathBuf = imported.path;
    assert_eq!(run(&path, "image", "features_", 16, 1).len(), 3);
}
