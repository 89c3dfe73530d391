//! Hundreds of generated files of each format, and those of `../shared/cases`: each is decoded to the pixels of Pillow, or
//! refused with a reason in plain words. How many are decoded is said for every kind, so that refusing is no way out.

use crate::fixtures::{bytes, sha256_rgb};
use flate2::read::GzDecoder;
use secondlook::imaging::{CellImage, ImageError, Limits, decode};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// How far a value may be from Pillow's, of files with lossy compression: transforms and colours are rounded differently.
const JPEG_BOUND: u8 = 4;
const WEBP_BOUND: u8 = 4;

/// The generated files of a format, and what a reference makes of them.
struct Archive {
    cases: Vec<Case>,
    members: BTreeMap<String, Vec<u8>>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    kind: String,
    /// Of the RGB bytes; none where no one says which pixels the file holds.
    sha256_rgb: Option<String>,
}

/// Decoded and refused files of a kind.
type Counts = BTreeMap<String, (usize, usize)>;

#[test]
fn jpeg_files_are_decoded_to_the_pixels_of_pillow_or_refused() {
    let expected = [("sequential, one scan", 84, 0)];
    check("jpeg", JPEG_BOUND, &expected);
}

#[test]
fn tiff_files_are_decoded_to_the_pixels_of_pillow_or_refused() {
    let expected = [("rgb", 0, 0)];
    check("tiff", JPEG_BOUND, &expected);
}

#[test]
fn png_files_are_decoded_to_the_pixels_of_pillow() {
    let expected = [("rows", 0, 0)];
    check("png", 0, &expected);
}

#[test]
fn webp_files_are_decoded_to_the_pixels_of_pillow() {
    let expected = [("lossless", 0, 0)];
    check("webp", WEBP_BOUND, &expected);
}

#[test]
fn bmp_files_are_decoded_to_the_pixels_of_pillow() {
    let expected = [("Pillow", 0, 0)];
    check("bmp", 0, &expected);
}

#[test]
fn the_shared_cases_are_decoded_to_the_pixels_of_pillow_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases");
    if !folder.is_dir() {
        eprintln!("{} is absent, its images are not tried", folder.display());
        return;
    }
    let mut archive = Archive::read("shared_cases");
    for case in &archive.cases {
        let file = std::fs::read(folder.join(&case.file)).unwrap();
        archive.members.insert(format!("files/{}", case.file), file);
    }
    archive.check(JPEG_BOUND, &[("jpg", 0, 0)]);
}

fn check(format: &str, bound: u8, expected: &[(&str, usize, usize)]) {
    Archive::read(format).check(bound, expected);
}

impl Archive {
    fn read(name: &str) -> Self {
        let packed = bytes(&format!("decoding/{name}.tar.gz"));
        let mut archive = tar::Archive::new(GzDecoder::new(packed.as_slice()));
        let mut members = BTreeMap::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            members.insert(name, content);
        }
        let cases = serde_json::from_slice(&members["cases.json"]).unwrap();
        Self { cases, members }
    }

    /// `expected` says for each kind how many files are decoded and how many are refused.
    fn check(&self, bound: u8, expected: &[(&str, usize, usize)]) {
        let mut counts = Counts::new();
        let mut wrong = Vec::new();
        for case in &self.cases {
            let (decoded, refused) = counts.entry(case.kind.clone()).or_default();
            match self.verdict(case, bound) {
                Ok(true) => *decoded += 1,
                Ok(false) => *refused += 1,
                Err(fault) => wrong.push(format!("{} ({}): {fault}", case.file, case.kind)),
            }
        }
        assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
        let expected = expected
            .iter()
            .map(|&(kind, decoded, refused)| (kind.to_owned(), (decoded, refused)));
        assert_eq!(counts, expected.collect::<Counts>());
    }

    /// Whether the file is decoded, if it is decoded rightly or refused as one that is not read.
    fn verdict(&self, case: &Case, bound: u8) -> Result<bool, String> {
        let file = &self.members[&format!("files/{}", case.file)];
        match decode(file, &Limits::default()) {
            Ok(image) => self.compare(&image, case, bound).map(|()| true),
            Err(ImageError::NotRead { .. }) => Ok(false),
            Err(other) => Err(format!("refused as if it were damaged: {other}")),
        }
    }

    fn compare(&self, image: &CellImage, case: &Case, bound: u8) -> Result<(), String> {
        let expected = case
            .sha256_rgb
            .as_ref()
            .ok_or("no one says which pixels it holds")?;
        if sha256_rgb(image) == *expected {
            return Ok(());
        }
        // of files without loss the digest alone is kept
        let pixels = self
            .members
            .get(&format!("pixels/{expected}.rgb"))
            .ok_or("other pixels")?;
        let got = image.as_rgb().as_raw();
        if got.len() != pixels.len() {
            return Err(format!(
                "another size: {:?}",
                (image.width(), image.height())
            ));
        }
        let differences = got
            .iter()
            .zip(pixels)
            .map(|(got, want)| got.abs_diff(*want));
        match differences.max() {
            Some(largest) if largest > bound => Err(format!("values differ by up to {largest}")),
            _ => Ok(()),
        }
    }
}
