//! Reads the reference files.

use imaging::{CellImage, Limits, decode};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// A file under `tests/fixtures`.
pub fn path(name: &str) -> PathBuf {
    testkit::path("tests/fixtures").join(name)
}

pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub fn json(name: &str) -> Value {
    serde_json::from_slice(&bytes(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The elements of `value[key]`.
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key]
        .as_array()
        .unwrap_or_else(|| panic!("no list {key}"))
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text {key} in {value}"))
}

pub fn integer(value: &Value, key: &str) -> i64 {
    value[key]
        .as_i64()
        .unwrap_or_else(|| panic!("no integer {key} in {value}"))
}

pub fn image(name: &str) -> CellImage {
    decode(&bytes(name), &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Hexadecimal digest of the raw RGB bytes, as in the reference files.
pub fn sha256_rgb(image: &CellImage) -> String {
    let digest = Sha256::digest(image.as_rgb().as_raw());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The largest difference between two images of the same size.
pub fn max_difference(got: &CellImage, want: &CellImage) -> u8 {
    assert_eq!((got.width(), got.height()), (want.width(), want.height()));
    let pairs = got.as_rgb().iter().zip(want.as_rgb().iter());
    pairs
        .map(|(got, want)| got.abs_diff(*want))
        .max()
        .unwrap_or(0)
}

/// Shape and values of a `.npy` file, version 1.0, little-endian float32 in C order.
pub fn npy(name: &str) -> (Vec<usize>, Vec<f32>) {
    let bytes = bytes(name);
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00", "{name}");
    let header_end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..header_end]).unwrap();
    assert!(
        header.contains("'<f4'") && header.contains("'fortran_order': False"),
        "{name}: {header}"
    );
    let shape = header.split(['(', ')']).nth(1).unwrap().split(',');
    let shape = shape.filter_map(|side| side.trim().parse().ok()).collect();
    let values = bytes[header_end..].chunks_exact(4);
    let values = values
        .map(|value| f32::from_le_bytes(value.try_into().unwrap()))
        .collect();
    (shape, values)
}
