//! The trunk's second output, on the real trunk and real cells.

use std::fs;

use bundle::{
    Bundle,
    onnx::{Axis::Free, ModelProto, tensor_info},
};
use imaging::{InputTensor, Limits, decode, resize};
use prost::Message;
use trainer::{OnnxGraph, STATISTICS, residual_additions, with_statistics};

use testkit::runtime;

const TRUNK: &str = "weights/efficientnet_lite0.onnx";
const CROPS: usize = 5;
/// Edge of the default bundle's input.
const SIZE: usize = 128;

fn trunk() -> ModelProto {
    ModelProto::decode(&*fs::read(testkit::path(TRUNK)).unwrap()).unwrap()
}

fn cells() -> InputTensor {
    let bundle = Bundle::open(&testkit::path("models/cric-lite0")).unwrap();
    let input = &bundle.manifest().input;
    let mut tensor = InputTensor::with_capacity(input.size, input.size, CROPS).unwrap();
    for number in 0..CROPS {
        let file = testkit::path(format!("tests/fixtures/imaging/crop0{number}.png"));
        let image = decode(&fs::read(file).unwrap(), &Limits::default()).unwrap();
        let image = resize(&image, input.size, input.size, input.resize).unwrap();
        tensor.push(&image, &input.normalisation).unwrap();
    }
    tensor
}

/// The output `output` of a graph for consecutive images.
fn output(model: &ModelProto, output: &str, images: &[f32]) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trunk.onnx");
    fs::write(&path, model.encode_to_vec()).unwrap();
    let mut graph = OnnxGraph::open(runtime(), &path, output).unwrap();
    let count = i64::try_from(images.len() / (3 * SIZE * SIZE)).unwrap();
    let edge = SIZE as i64;
    graph
        .run(&[("image", vec![count, 3, edge, edge], images)])
        .unwrap()
}

/// The same graph with `tensor` `[N, C, H, W]` as another output.
fn exposing(model: &ModelProto, tensor: &str) -> ModelProto {
    let mut model = model.clone();
    let axes = [Free("n"), Free("c"), Free("h"), Free("w")];
    let exposed = tensor_info(tensor, &axes);
    model.graph.as_mut().unwrap().output.push(exposed);
    model
}

/// Mean, and logarithm of the standard deviation, of the values of one channel.
fn moments(values: &[f32]) -> (f64, f64) {
    let count = values.len() as f64;
    let values = || values.iter().copied().map(f64::from);
    let mean = values().sum::<f64>() / count;
    let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    (mean, 0.5 * (variance + 1e-6).ln())
}

#[test]
fn statistics_are_mean_and_log_deviation() {
    let (trunk, cells) = (trunk(), cells());
    // The third addition of this trunk has 80 channels of 8 × 8, the first 24 of 32 × 32.
    for (addition, channels, space) in [(0, 24, 32 * 32), (2, 80, 8 * 8)] {
        let tensor = residual_additions(&trunk).swap_remove(addition);
        let edited = with_statistics(&trunk, &tensor).unwrap();
        let found = output(&edited, STATISTICS, cells.as_slice());
        let maps = output(&exposing(&trunk, &tensor), &tensor, cells.as_slice());
        assert_eq!(maps.len(), CROPS * channels * space, "{tensor}");
        assert_eq!(found.len(), CROPS * 2 * channels, "{tensor}");
        let of_images = found.chunks_exact(2 * channels);
        for (found, maps) in of_images.zip(maps.chunks_exact(channels * space)) {
            for (channel, map) in maps.chunks_exact(space).enumerate() {
                let (mean, log_std) = moments(map);
                let off = [
                    f64::from(found[channel]) - mean,
                    f64::from(found[channels + channel]) - log_std,
                ];
                assert!(off.iter().all(|off| off.abs() < 1e-5), "{tensor}: {off:?}");
            }
        }
    }
}

#[test]
fn features_stay_bit_identical() {
    let (trunk, cells) = (trunk(), cells());
    let before = output(&trunk, "features", cells.as_slice());
    for tensor in residual_additions(&trunk) {
        let edited = with_statistics(&trunk, &tensor).unwrap();
        let after = output(&edited, "features", cells.as_slice());
        assert!(before == after, "{tensor}");
    }
}

#[test]
fn statistics_do_not_depend_on_the_batch() {
    let (trunk, cells) = (trunk(), cells());
    for tensor in residual_additions(&trunk) {
        let edited = with_statistics(&trunk, &tensor).unwrap();
        let together = output(&edited, STATISTICS, cells.as_slice());
        let alone = cells.as_slice().chunks_exact(3 * SIZE * SIZE);
        let alone: Vec<f32> = alone
            .flat_map(|image| output(&edited, STATISTICS, image))
            .collect();
        assert!(together == alone, "{tensor}");
    }
}

#[test]
fn statistics_work_in_all_operator_sets() {
    let (trunk, cells) = (trunk(), cells());
    let tensor = residual_additions(&trunk).swap_remove(2);
    let with_opset = |version| {
        let mut model = trunk.clone();
        model.opset_import.truncate(1);
        model.opset_import[0].version = version;
        let edited = with_statistics(&model, &tensor).unwrap();
        output(&edited, STATISTICS, cells.as_slice())
    };
    assert!(with_opset(13) == with_opset(18));
}

#[test]
fn nine_residual_additions_are_found() {
    assert_eq!(residual_additions(&trunk()).len(), 9);
}

#[test]
fn missing_tensor_and_second_edit_are_refused() {
    let trunk = trunk();
    let refusal = with_statistics(&trunk, "absent").unwrap_err().to_string();
    assert!(refusal.contains("`absent`"), "{refusal}");
    let tensor = residual_additions(&trunk).swap_remove(2);
    let edited = with_statistics(&trunk, &tensor).unwrap();
    let refusal = with_statistics(&edited, &tensor).unwrap_err().to_string();
    assert!(refusal.contains("already"), "{refusal}");
}
