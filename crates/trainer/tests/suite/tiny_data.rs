//! A data set in CRIC's layout whose cells differ in colour, and a trunk that sees colours, for
//! trainings of seconds.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bundle::onnx::{
    Axis::{Fixed, Free},
    GraphProto, float_tensor, ints_attribute, model, node, tensor_info,
};
use image::{Rgb, RgbImage};
use prost::Message;

const LABELS: [&str; 6] = [
    "Negative for intraepithelial lesion",
    "ASC-US",
    "LSIL",
    "ASC-H",
    "HSIL",
    "SCC",
];

/// Edge of a field in pixels.
pub const FIELD: u32 = 120;

/// Writes `images` fields with a cell of every class in each, and returns the folder.
pub fn write_data(folder: &Path, images: usize) -> PathBuf {
    fs::create_dir_all(folder.join("fields")).unwrap();
    let mut table = header();
    for image in 0..images {
        let mut field = RgbImage::from_pixel(FIELD, FIELD, Rgb([230, 225, 235]));
        for (class, label) in LABELS.iter().enumerate() {
            let (x, y) = (20 + 40 * (class as u32 % 3), 30 + 60 * (class as u32 / 3));
            paint(&mut field, x, y, colour(class, image));
            table += &format!(
                "{image},{image}.png,doi,{},{label},{x},{y}\n",
                image * 6 + class
            );
        }
        field
            .save(folder.join(format!("fields/{image}.png")))
            .unwrap();
    }
    fs::write(folder.join("classifications.csv"), table).unwrap();
    folder.to_owned()
}

/// The columns of CRIC's table.
pub fn header() -> String {
    "image_id,image_filename,image_doi,cell_id,bethesda_system,nucleus_x,nucleus_y\n".to_owned()
}

/// A colour per class, with small differences between images.
fn colour(class: usize, image: usize) -> Rgb<u8> {
    let shade = (image % 5) as u8 * 4;
    let [red, green, blue] = [
        [200, 60, 60],
        [60, 200, 60],
        [60, 60, 200],
        [200, 200, 60],
        [60, 200, 200],
        [200, 60, 200],
    ][class];
    Rgb([red - shade, green - shade, blue - shade])
}

fn paint(field: &mut RgbImage, x: u32, y: u32, colour: Rgb<u8>) {
    for dy in 0..24 {
        for dx in 0..24 {
            field.put_pixel(
                (x + dx).saturating_sub(12),
                (y + dy).saturating_sub(12),
                colour,
            );
        }
    }
}

/// A trunk with the tensors of the real one: the mean colour, spread over 1280 features by a fixed
/// pattern.
pub fn write_trunk(path: &Path) -> PathBuf {
    let pattern: Vec<f32> = (0..3 * 1280)
        .map(|index| ((index * 37) as f32).sin())
        .collect();
    let mut pooling = node("ReduceMean", &["image"], "colour");
    pooling.attribute.push(ints_attribute("axes", &[2, 3]));
    pooling.attribute.push(bundle::onnx::AttributeProto {
        name: "keepdims".to_owned(),
        r#type: 2,
        i: 0,
        ..Default::default()
    });
    let graph = GraphProto {
        name: "trunk".to_owned(),
        node: vec![
            pooling,
            node("MatMul", &["colour", "pattern"], "spread"),
            node("Relu", &["spread"], "features"),
        ],
        initializer: vec![float_tensor("pattern", &[3, 1280], &pattern)],
        input: vec![tensor_info(
            "image",
            &[Free("N"), Fixed(3), Free("H"), Free("W")],
        )],
        output: vec![tensor_info("features", &[Free("N"), Fixed(1280)])],
        ..GraphProto::default()
    };
    fs::write(path, model(graph).encode_to_vec()).unwrap();
    path.to_owned()
}
