//! The trunk in burn agrees with its graph in ONNX Runtime, before and after training.

use std::{fs, path::Path, sync::LazyLock};

use bundle::onnx::ModelProto;
use burn::{
    optim::{GradientsParams, ModuleOptimizer, SgdConfig},
    tensor::{Device, Tensor, TensorData},
};
use imaging::{
    InputTensor, Limits, Normalisation, Padding, ResizeFilter, crop_at_nucleus, decode, resize,
};
use prost::Message;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};
use trainer::{
    OnnxGraph,
    lite0::{
        FEATURES, Frozen, Lite0Tail, MAP, SHARDS, frozen_part, put_back, shards, trained_part,
    },
};

use testkit::runtime;

const TRUNK: &str = "weights/efficientnet_lite0.onnx";
const CELLS: [&str; 4] = ["asc-us", "hsil", "nilm", "scc"];

static MODEL: LazyLock<ModelProto> = LazyLock::new(|| {
    ModelProto::decode(fs::read(testkit::path(TRUNK)).unwrap().as_slice()).unwrap()
});

/// Real cells, `[4, 3, size, size]`. They come from files, because other pixels put other weights
/// on a kink of ReLU6.
fn cells(size: u32) -> InputTensor {
    let normalisation = Normalisation {
        scale: 1.0,
        mean: [127.0; 3],
        std: [128.0; 3],
    };
    let mut input = InputTensor::with_capacity(size, size, CELLS.len()).unwrap();
    for cell in CELLS {
        let file = testkit::path(format!("tests/fixtures/lite0/{cell}.png"));
        let bytes = fs::read(file).unwrap();
        let image = decode(&bytes, &Limits::default()).unwrap();
        // Near the nucleus, which has more structure and puts fewer weights on a kink of ReLU6.
        let (x, y) = (i64::from(image.width() / 2), i64::from(image.height() / 2));
        let image = crop_at_nucleus(&image, x, y, 93, Padding::Reflect).unwrap();
        let image = resize(&image, size, size, ResizeFilter::Bilinear).unwrap();
        input.push(&image, &normalisation).unwrap();
    }
    input
}

fn run(model: &ModelProto, output: &str, input: &InputTensor) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("graph.onnx");
    fs::write(&path, model.encode_to_vec()).unwrap();
    run_file(&path, output, input)
}

fn run_file(path: &Path, output: &str, input: &InputTensor) -> Vec<f32> {
    let mut graph = OnnxGraph::open(runtime(), path, output).unwrap();
    graph
        .run(&[("image", input.shape().to_vec(), input.as_slice())])
        .unwrap()
}

/// The input of the tail of `frozen` for some images.
fn map(frozen: Frozen, input: &InputTensor, device: &Device) -> Tensor<4> {
    let images = input.images();
    let [_, _, height, width] = input.shape().map(|size| usize::try_from(size).unwrap());
    let Some(model) = frozen_part(&MODEL, frozen).unwrap() else {
        let data = TensorData::new(input.as_slice().to_vec(), [images, 3, height, width]);
        return Tensor::from_data(data, device);
    };
    let values = run(&model, MAP, input);
    let scale = match frozen.first_trained() {
        1 => 2,
        2 | 3 => 4,
        4 | 5 => 8,
        6..=11 => 16,
        _ => 32,
    };
    let (height, width) = (height / scale, width / scale);
    let channels = values.len() / images / height / width;
    let data = TensorData::new(values, [images, channels, height, width]);
    Tensor::from_data(data, device)
}

fn frozen(blocks: usize) -> Frozen {
    Frozen::blocks(blocks).unwrap()
}

fn numbers(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn assert_close(expected: &[f32], found: &[f32]) {
    assert_eq!(expected.len(), found.len());
    let differences = expected.iter().zip(found).map(|(a, b)| (a - b).abs());
    let difference = differences.fold(0.0, f32::max);
    assert!(difference < 1e-4, "{difference}");
}

/// A loss that depends on every feature, with weights drawn once.
fn loss(features: Tensor<2>) -> Tensor<1> {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let [images, _] = features.dims();
    let weights: Vec<f32> = (0..images * FEATURES)
        .map(|_| random.next_u32() as f32 / u32::MAX as f32 - 0.5)
        .collect();
    let data = TensorData::new(weights, [images, FEATURES]);
    let weights = Tensor::from_data(data, &features.device());
    (features * weights).sum() / images as f32
}

#[test]
fn frozen_part_and_tail_match_the_trunk() {
    let device = Device::flex();
    for size in [128, 96] {
        let input = cells(size);
        let expected = run_file(&testkit::path(TRUNK), "features", &input);
        for blocks in [0, 1, 5, 11, 16] {
            let tail = Lite0Tail::read(&MODEL, frozen(blocks), &device).unwrap();
            let features = tail.forward(map(frozen(blocks), &input, &device), &[]);
            assert_close(&expected, &numbers(features));
        }
    }
}

#[test]
fn trained_part_on_frozen_part_is_the_trunk() {
    let input = cells(96);
    let expected = run_file(&testkit::path(TRUNK), "features", &input);
    for blocks in [1, 5, 11, 16] {
        let map = map(frozen(blocks), &input, &Device::flex());
        let shape = map.dims().map(|size| size as i64).to_vec();
        let values: Vec<f32> = map.into_data().iter::<f32>().collect();
        let part = trained_part(&MODEL, frozen(blocks)).unwrap().unwrap();
        let mut graph = OnnxGraph::of_model(runtime(), &part, "features").unwrap();
        let features = graph.run(&[(MAP, shape, &values)]).unwrap();
        assert_close(&expected, &features);
    }
    assert!(trained_part(&MODEL, frozen(0)).unwrap().is_none());
}

#[test]
fn weights_survive_reading_and_writing() {
    for blocks in [0, 5, 16] {
        let tail = Lite0Tail::read(&MODEL, frozen(blocks), &Device::flex()).unwrap();
        assert!(put_back(&MODEL, &tail).unwrap() == *MODEL);
        let values = tail.values();
        let changed = values.iter().map(|of| vec![0.5; of.len()]).collect();
        let changed = tail.with_values(changed).unwrap();
        assert!(put_back(&MODEL, &changed).unwrap() != *MODEL);
        let again = changed.with_values(values).unwrap();
        assert!(put_back(&MODEL, &again).unwrap() == *MODEL);
    }
}

#[test]
fn trained_tail_matches_its_graph() {
    let device = Device::flex().autodiff();
    let input = cells(128);
    for blocks in [0, 5] {
        let map = map(frozen(blocks), &input, &device);
        let mut tail = Lite0Tail::read(&MODEL, frozen(blocks), &device).unwrap();
        let before = numbers(tail.forward(map.clone(), &[]));
        let gradients = loss(tail.forward(map.clone(), &[])).backward();
        let gradients = GradientsParams::from_grads(gradients, &tail);
        let mut optimizer: ModuleOptimizer = SgdConfig::new().init();
        tail = optimizer.step(1e-2, tail, gradients);
        let after = numbers(tail.forward(map, &[]));
        let moved = before.iter().zip(&after).map(|(a, b)| (a - b).abs());
        assert!(moved.fold(0.0, f32::max) > 0.01);
        let model = put_back(&MODEL, &tail).unwrap();
        assert_close(&run(&model, "features", &input), &after);
    }
}

#[test]
fn gradients_match_finite_differences() {
    let device = Device::flex().autodiff();
    let input = cells(64);
    let map = map(Frozen::nothing(), &input, &device);
    let tail = Lite0Tail::read(&MODEL, Frozen::nothing(), &device).unwrap();
    let gradients = loss(tail.forward(map.clone(), &[])).backward();
    let gradients = GradientsParams::from_grads(gradients, &tail);
    let slopes = tail.gradient_values(&gradients);
    let values = tail.values();
    let at = |parameter: usize, index: usize, step: f32| {
        let mut values = values.clone();
        values[parameter][index] += step;
        let tail = tail.clone().with_values(values).unwrap();
        f64::from(loss(tail.forward(map.clone(), &[])).into_scalar::<f32>())
    };
    let mut errors = Vec::new();
    for (parameter, slopes) in slopes.iter().enumerate() {
        // The steepest of a few, so that rounding does not dominate the difference.
        let few = (0..slopes.len()).step_by(slopes.len().div_ceil(50));
        let index = few
            .max_by(|a, b| slopes[*a].abs().total_cmp(&slopes[*b].abs()))
            .unwrap();
        let step = 1e-2 * values[parameter][index].abs().max(0.05);
        let expected =
            (at(parameter, index, step) - at(parameter, index, -step)) / f64::from(2.0 * step);
        let found = f64::from(slopes[index]);
        let error = (found - expected).abs() / expected.abs();
        // ReLU6 has kinks: single weights differ by a few percent, their sum does not.
        assert!(error < 0.1, "{parameter}: {expected} {found}");
        errors.push(error);
    }
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    assert!(mean < 0.015, "{mean}");
}

#[test]
fn shards_cover_the_batch() {
    for images in [1, 3, 4, 30, 32] {
        let cut = shards(images);
        assert_eq!(cut.len(), images.min(SHARDS));
        let covered: Vec<usize> = cut.into_iter().flatten().collect();
        assert_eq!(covered, (0..images).collect::<Vec<_>>());
    }
}

#[test]
fn skipped_block_affects_one_image() {
    let device = Device::flex();
    let input = cells(64);
    let map = map(frozen(5), &input, &device);
    let tail = Lite0Tail::read(&MODEL, frozen(5), &device).unwrap();
    assert_eq!(tail.residual_blocks(), [6, 7, 9, 10, 12, 13, 14]);
    let everything = numbers(tail.forward(map.clone(), &[]));
    let mut kept = vec![Tensor::ones([4, 1, 1, 1], &device); 7];
    assert_close(&everything, &numbers(tail.forward(map.clone(), &kept)));
    let skip = TensorData::new(vec![1.0_f32, 0.0, 1.0, 1.0], [4, 1, 1, 1]);
    kept[3] = Tensor::from_data(skip, &device);
    let skipped = numbers(tail.forward(map, &kept));
    let images = everything.chunks(FEATURES).zip(skipped.chunks(FEATURES));
    for (image, (with, without)) in images.enumerate() {
        assert_eq!(with != without, image == 1);
    }
}

#[test]
fn parameters_list_kernel_before_bias() {
    let tail = Lite0Tail::read(&MODEL, frozen(16), &Device::flex()).unwrap();
    let lengths: Vec<usize> = tail.values().iter().map(Vec::len).collect();
    assert_eq!(lengths, [320 * 1280, 1280], "those of the head");
}

#[test]
fn graph_of_another_network_is_refused() {
    let mut model = MODEL.clone();
    let graph = model.graph.as_mut().unwrap();
    let convolution = graph.node.iter().find(|node| node.op_type == "Conv");
    let name = convolution.unwrap().input[1].clone();
    let stem = graph.initializer.iter_mut().find(|of| of.name == name);
    stem.unwrap().dims = vec![32, 27, 1, 1];
    let refused = Lite0Tail::read(&model, Frozen::nothing(), &Device::flex()).unwrap_err();
    assert!(
        refused.to_string().contains("stem convolution"),
        "{refused}"
    );
    model.graph.as_mut().unwrap().node.pop();
    let refused = frozen_part(&model, frozen(3)).unwrap_err();
    assert!(
        refused.to_string().contains("expected 1 Flatten nodes"),
        "{refused}"
    );
    assert!(
        put_back(
            &model,
            &Lite0Tail::read(&MODEL, frozen(16), &Device::flex()).unwrap()
        )
        .is_err()
    );
    assert_eq!(Frozen::blocks(17), None);
}
