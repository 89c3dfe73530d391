//! The small bundle with a trunk that also returns statistics, and an out-of-distribution model of
//! real cells.

use std::{fs, path::Path};

use bundle::{
    onnx::{
        Axis::{Fixed, Free},
        NodeProto, float_tensor, int_attribute, ints_attribute, node, tensor_info,
    },
    sha256_hex,
};
use imaging::{CellImage, InputTensor, Normalisation, ResizeFilter, resize};
use uncertainty::ood::OodModel;

use crate::tiny;

const STATISTICS: usize = 6;
/// An image with a p-value below this is referred.
pub const REFER_BELOW: f64 = 0.05;
/// The model's file in the bundle.
pub const FILE: &str = "out_of_distribution.json";

/// A bundle with trunk, heads, and an out-of-distribution model of pieces of the fixtures' cells.
pub fn with_out_of_distribution(directory: &Path) {
    tiny::trunk_and_heads(directory);
    let manifest = read(directory, "bundle.toml");
    let before = digest(directory, "trunk.onnx");
    write_trunk(directory);
    let after = digest(directory, "trunk.onnx");
    let model = serde_json::to_string(&model_of_cells()).unwrap();
    fs::write(directory.join(FILE), model).unwrap();
    let statistics = format!(
        "feature_count = {}\nstatistics = \"statistics\"\nstatistic_count = {STATISTICS}\n",
        tiny::FEATURES
    );
    let manifest = manifest.replace(&before, &after).replace(
        &format!("feature_count = {}\n", tiny::FEATURES),
        &statistics,
    );
    let section = format!(
        "\n[out_of_distribution]\nfile = {{ name = \"{FILE}\", sha256 = \"{}\" }}\nrefer_below = {REFER_BELOW}\nlayer = \"the image itself\"\n",
        digest(directory, FILE)
    );
    fs::write(directory.join("bundle.toml"), manifest + &section).unwrap();
}

/// Replaces the model's file, and its digest in the manifest.
pub fn replace_model(directory: &Path, content: &str) {
    let before = digest(directory, FILE);
    fs::write(directory.join(FILE), content).unwrap();
    let manifest = read(directory, "bundle.toml").replace(&before, &digest(directory, FILE));
    fs::write(directory.join("bundle.toml"), manifest).unwrap();
}

fn read(directory: &Path, name: &str) -> String {
    fs::read_to_string(directory.join(name)).unwrap()
}

fn digest(directory: &Path, name: &str) -> String {
    sha256_hex(&fs::read(directory.join(name)).unwrap())
}

/// A trunk with the mean and log standard deviation of each colour as statistics.
fn write_trunk(directory: &Path) {
    let mut nodes = tiny::pooling("features");
    let mut concat = node("Concat", &["pooled", "log_std"], "channels");
    concat.attribute.push(int_attribute("axis", 1));
    // `Log` rounds the last values of a batch differently from the others.
    let mut logarithm = node("ReduceLogSum", &["raised"], "log_variance");
    logarithm.attribute.push(ints_attribute("axes", &[2, 3]));
    let further: Vec<NodeProto> = vec![
        node("Sub", &["image", "pooled"], "deviation"),
        node("Mul", &["deviation", "deviation"], "square"),
        node("GlobalAveragePool", &["square"], "variance"),
        node("Add", &["variance", "floor"], "raised"),
        logarithm,
        node("Mul", &["log_variance", "half"], "log_std"),
        concat,
        node("Flatten", &["channels"], "statistics"),
    ];
    nodes.extend(further);
    let constants = vec![
        tiny::spread(),
        float_tensor("floor", &[], &[1e-6]),
        float_tensor("half", &[], &[0.5]),
    ];
    let count = i64::try_from(STATISTICS).unwrap();
    let statistics = tensor_info("statistics", &[Free("n"), Fixed(count)]);
    tiny::write(
        &directory.join("trunk.onnx"),
        nodes,
        constants,
        (vec![tiny::image()], vec![tiny::features(), statistics]),
    );
}

/// Fits the model to every second of nine pieces of each of twelve cells, and calibrates it on the
/// rest.
fn model_of_cells() -> OodModel {
    let cells = (0..12).map(|number| {
        let file = crate::path(format!("tests/fixtures/imaging/crop{number:02}.png"));
        image::open(file).unwrap().into_rgb8()
    });
    let pieces = cells.flat_map(|cell| {
        let corners = (0..9).map(|number| (number % 3 * 15, number / 3 * 15));
        let piece = move |(x, y)| image::imageops::crop_imm(&cell, x, y, 63, 63).to_image();
        corners.map(piece).collect::<Vec<_>>()
    });
    let rows: Vec<Vec<f32>> = pieces.map(statistics).collect();
    let every_other = |first: usize| -> Vec<&[f32]> {
        let chosen = rows.iter().skip(first).step_by(2);
        chosen.map(Vec::as_slice).collect()
    };
    OodModel::fit(&every_other(0), &every_other(1), 1e-4).unwrap()
}

/// The trunk's statistics, computed from the pixels.
fn statistics(pixels: image::RgbImage) -> Vec<f32> {
    let size = u32::try_from(tiny::SIZE).unwrap();
    let image = resize(&CellImage::new(pixels), size, size, ResizeFilter::Bilinear).unwrap();
    let mut tensor = InputTensor::with_capacity(size, size, 1).unwrap();
    let normalisation = Normalisation {
        scale: 1.0,
        mean: [127.0; 3],
        std: [128.0; 3],
    };
    tensor.push(&image, &normalisation).unwrap();
    let colours = tensor.as_slice().chunks_exact(tensor.as_slice().len() / 3);
    let moments = colours.map(|values| {
        let count = values.len() as f32;
        let mean = values.iter().sum::<f32>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        (mean, 0.5 * (squares.sum::<f32>() / count + 1e-6).ln())
    });
    let (means, log_stds): (Vec<f32>, Vec<f32>) = moments.unzip();
    [means, log_stds].concat()
}
