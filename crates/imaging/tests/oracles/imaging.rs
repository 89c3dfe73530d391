//! Decoding, crops, resizing and normalisation, compared with Pillow, numpy and torchvision.

use crate::fixtures::{self, image, integer, list, max_difference, npy, sha256_rgb, text};
use imaging::{
    CellImage, ImageError, InputTensor, Normalisation, Padding, ResizeFilter, crop_at_nucleus,
    resize,
};
use serde_json::Value;

/// The crops with complete resized images in the fixtures; the others have a sixteenth of the rows
/// and columns.
const WHOLE: [&str; 2] = ["crop00", "crop07"];

pub fn oracle() -> Value {
    fixtures::json("imaging/imaging.json")
}

pub fn fixture(name: &str) -> CellImage {
    image(&format!("imaging/{name}"))
}

#[test]
fn variants_decode_to_reference_pixels() {
    let oracle = oracle();
    for case in list(&oracle, "variants") {
        let file = text(case, "file");
        // Pillow clips 16-bit grey; the manifest recommends the high byte instead.
        let expected = case["recommended_file"]
            .as_str()
            .unwrap_or_else(|| text(case, "expected_file"));
        let difference = max_difference(&fixture(file), &fixture(expected));
        let tolerance = integer(case, "max_abs_tolerance");
        assert!(
            i64::from(difference) <= tolerance,
            "{file}: {difference} > {tolerance}"
        );
    }
}

#[test]
fn sources_decode_to_expected_digests() {
    let oracle = oracle();
    for case in resize_cases(&oracle) {
        assert_eq!(
            sha256_rgb(&fixture(text(case, "file"))),
            text(case, "sha256_rgb")
        );
    }
}

#[test]
fn border_crops_agree_with_numpy_pad() {
    let field = fixture("border_field.png");
    for case in list(&oracle(), "border") {
        for (name, padding) in [("reflect", Padding::Reflect), ("zero", Padding::Zero)] {
            let expected = &case["expected"][name];
            let crop = crop_at_nucleus(
                &field,
                integer(case, "nucleus_x"),
                integer(case, "nucleus_y"),
                93,
                padding,
            )
            .unwrap();
            assert_eq!(
                sha256_rgb(&crop),
                text(expected, "sha256_rgb"),
                "{} {name}",
                text(case, "name")
            );
        }
    }
}

#[test]
fn nucleus_outside_field_is_refused() {
    let field = fixture("border_field.png");
    let oracle = oracle();
    let outside = list(&oracle, "border_errors")
        .iter()
        .filter(|case| case["error"] == "domain");
    for inputs in outside.map(|case| &case["inputs"]) {
        let crop = crop_at_nucleus(
            &field,
            integer(inputs, "nucleus_x"),
            integer(inputs, "nucleus_y"),
            93,
            Padding::Reflect,
        );
        assert!(
            matches!(crop, Err(ImageError::NucleusOutside { .. })),
            "{inputs}"
        );
    }
}

#[test]
fn resized_images_agree_with_pillow() {
    let oracle = oracle();
    for (case, name, filter, tolerance) in with_filters(&oracle) {
        let Some(expected) = whole_reference(case, name) else {
            continue;
        };
        let size = u32::try_from(integer(case, "to")).unwrap();
        let resized = resize(&fixture(text(case, "file")), size, size, filter).unwrap();
        let difference = max_difference(&resized, &expected);
        assert!(
            difference <= tolerance,
            "{} {name}: {difference}",
            text(case, "name")
        );
    }
}

#[test]
fn normalised_images_agree_with_torchvision() {
    let oracle = oracle();
    let normalisation = normalisation(&oracle);
    for (case, name, _, _) in with_filters(&oracle) {
        let Some(image) = whole_reference(case, name) else {
            continue;
        };
        let tensor = normalised(&image, &normalisation);
        let resized = &case["resized"][name];
        assert_stride_16(&tensor, text(resized, "normalised_stride16_npy"), 1e-5);
        if let Some(file) = resized["normalised_npy"].as_str() {
            let (_, expected) = npy(&format!("imaging/{file}"));
            assert_close(tensor.as_slice(), &expected, 1e-5, file);
        }
    }
}

#[test]
fn crop_to_tensor_agrees_with_reference() {
    let oracle = oracle();
    let normalisation = normalisation(&oracle);
    let widest_step = 1.0 / 255.0 / 0.224;
    for (case, name, filter, tolerance) in with_filters(&oracle) {
        let size = u32::try_from(integer(case, "to")).unwrap();
        let resized = resize(&fixture(text(case, "file")), size, size, filter).unwrap();
        let tensor = normalised(&resized, &normalisation);
        let file = text(&case["resized"][name], "normalised_stride16_npy");
        assert_stride_16(&tensor, file, f32::from(tolerance) * widest_step + 1e-5);
    }
}

fn resize_cases(oracle: &Value) -> impl Iterator<Item = &Value> {
    let groups = ["crops", "downscale", "synthetic"];
    groups.into_iter().flat_map(|group| list(oracle, group))
}

/// Each case with each filter, the filter's name in the manifest, and the largest allowed
/// difference.
fn with_filters(oracle: &Value) -> impl Iterator<Item = (&Value, &'static str, ResizeFilter, u8)> {
    resize_cases(oracle).flat_map(|case| {
        [
            (case, "bilinear", ResizeFilter::Bilinear, 1),
            (case, "bicubic", ResizeFilter::Bicubic, 2),
        ]
    })
}

/// Pillow's result, if the fixtures have all of it.
fn whole_reference(case: &Value, filter: &str) -> Option<CellImage> {
    let name = text(case, "name");
    let is_whole = !name.starts_with("crop") || WHOLE.contains(&name);
    is_whole.then(|| fixture(text(&case["resized"][filter], "pil_file")))
}

pub fn normalisation(oracle: &Value) -> Normalisation {
    let three = |key| -> [f32; 3] { serde_json::from_value(oracle[key].clone()).unwrap() };
    Normalisation {
        scale: 1.0 / 255.0,
        mean: three("mean"),
        std: three("std"),
    }
}

pub fn normalised(image: &CellImage, normalisation: &Normalisation) -> InputTensor {
    let mut tensor = InputTensor::with_capacity(image.height(), image.width(), 1).unwrap();
    tensor.push(image, normalisation).unwrap();
    tensor
}

/// Compares every sixteenth row and column of every plane.
fn assert_stride_16(tensor: &InputTensor, file: &str, tolerance: f32) {
    let (height, width) = (tensor.height() as usize, tensor.width() as usize);
    let (shape, expected) = npy(&format!("imaging/{file}"));
    assert_eq!(
        shape,
        [3, height.div_ceil(16), width.div_ceil(16)],
        "{file}"
    );
    let rows = tensor.as_slice().chunks_exact(width).enumerate();
    let rows = rows.filter(|(row, _)| (row % height).is_multiple_of(16));
    let got: Vec<f32> = rows
        .flat_map(|(_, row)| row.iter().step_by(16).copied())
        .collect();
    assert_close(&got, &expected, tolerance, file);
}

fn assert_close(got: &[f32], want: &[f32], tolerance: f32, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (index, (got, want)) in got.iter().zip(want).enumerate() {
        assert!(
            (got - want).abs() <= tolerance,
            "{what}[{index}]: {got}, expected {want}"
        );
    }
}
