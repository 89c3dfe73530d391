//! Hundreds of generated files of each format, and those of `../shared/cases`. Each decodes to the
//! pixels of Pillow, or is refused with an error in plain words. The expected number of decoded
//! files is fixed for every kind.

use crate::fixtures::{bytes, sha256_rgb};
use flate2::read::GzDecoder;
use imaging::{CellImage, ImageError, Limits, decode};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{Read, Write};

/// The generated files of a format, and Pillow's result.
struct Archive {
    cases: Vec<Case>,
    members: BTreeMap<String, Vec<u8>>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    kind: String,
    /// Digest of the RGB bytes; `None` if decoders disagree about the pixels.
    sha256_rgb: Option<String>,
}

/// Largest allowed difference from Pillow's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bound {
    inside: u8,
    /// In the last column and the last row.
    edge: u8,
}

/// The expected result for the files of a kind.
struct Expected {
    kind: &'static str,
    decoded: usize,
    refused: usize,
    bound: Bound,
}

const EXACT: Bound = Bound { inside: 0, edge: 0 };
/// Transforms and colours are rounded differently.
const ROUNDED: Bound = Bound { inside: 4, edge: 4 };
/// At the edge of an image with halved colours, the decoder also uses the padding of the last block
/// when it doubles them. It shows if colours change from pixel to pixel.
const CONTRAST: Bound = Bound {
    inside: 4,
    edge: 58,
};
const SMALL: Bound = Bound { inside: 4, edge: 9 };
/// Pillow repeats one or two columns of halved colours.
const FOUR_COLUMNS: Bound = Bound {
    inside: 28,
    edge: 32,
};

const fn expect(kind: &'static str, decoded: usize, refused: usize, bound: Bound) -> Expected {
    Expected {
        kind,
        decoded,
        refused,
        bound,
    }
}

#[test]
fn jpeg_agrees_with_pillow_or_is_refused() {
    let expected = [
        expect("arithmetic coding", 0, 6, EXACT),
        expect("colours", 9, 0, ROUNDED),
        expect("contrast", 42, 0, CONTRAST),
        // The refused files have luma of four rows and colours of two.
        expect("every sampling", 148, 20, ROUNDED),
        expect("grey", 54, 0, ROUNDED),
        expect("inks", 45, 0, ROUNDED),
        expect("orientation", 32, 0, ROUNDED),
        expect("progressive", 210, 0, ROUNDED),
        expect("progressive, incomplete", 0, 42, EXACT),
        expect("rare sampling", 0, 28, EXACT),
        expect("sequential, one scan", 84, 0, ROUNDED),
        expect("sequential, several scans", 0, 213, EXACT),
        expect("small", 40, 0, SMALL),
        expect("tables", 30, 0, ROUNDED),
        expect("up to four columns", 24, 0, FOUR_COLUMNS),
    ];
    Archive::read("jpeg").check(&expected);
}

/// For most kinds, files with Zstandard compression are refused, and files with a predictor but no
/// compression.
#[test]
fn tiff_agrees_with_pillow_or_is_refused() {
    let expected = [
        expect("2, 4 or 12 bits", 6, 3, EXACT),
        expect("JPEG in TIFF", 12, 0, ROUNDED),
        expect("bilevel", 8, 2, EXACT),
        expect("byte order and BigTIFF", 144, 0, EXACT),
        expect("cmyk", 46, 13, EXACT),
        expect("cmyk alpha", 40, 11, EXACT),
        expect("grey", 52, 15, EXACT),
        expect("grey alpha", 46, 13, EXACT),
        expect("grey unspecified", 40, 11, EXACT),
        expect("grey white is zero", 40, 11, EXACT),
        expect("missing or unusual tags", 8, 2, EXACT),
        expect("orientation", 64, 0, EXACT),
        expect("palette", 24, 6, EXACT),
        expect("planar", 360, 99, EXACT),
        expect("rgb", 46, 13, EXACT),
        expect("rgb two extra", 40, 11, EXACT),
        expect("rgb unspecified", 40, 11, EXACT),
        expect("rgba", 46, 13, EXACT),
        expect("rgba premultiplied", 40, 11, EXACT),
        expect(
            "signed, floating-point, wide, Lab or YCbCr samples",
            0,
            11,
            EXACT,
        ),
    ];
    Archive::read("tiff").check(&expected);
}

#[test]
fn png_agrees_with_pillow() {
    let expected = [
        expect("Pillow", 24, 0, EXACT),
        expect("interlaced", 88, 0, EXACT),
        expect("orientation", 64, 0, EXACT),
        expect("palette", 16, 0, EXACT),
        expect("rows", 90, 0, EXACT),
    ];
    Archive::read("png").check(&expected);
}

#[test]
fn webp_agrees_with_pillow() {
    let expected = [
        expect("lossless", 36, 0, EXACT),
        expect("lossy", 96, 0, EXACT),
        expect("orientation", 96, 0, EXACT),
    ];
    Archive::read("webp").check(&expected);
}

#[test]
fn bmp_agrees_with_pillow() {
    let rounded = Bound { inside: 1, edge: 1 };
    let expected = [
        expect("16 bits", 8, 0, rounded),
        expect("24 and 32 bits", 48, 0, EXACT),
        expect("Pillow", 20, 0, EXACT),
        expect("palette", 72, 0, EXACT),
        expect("run lengths", 4, 0, EXACT),
    ];
    Archive::read("bmp").check(&expected);
}

#[test]
fn shared_cases_agree_or_are_refused() {
    let folder = testkit::path("../shared/cases");
    if !folder.is_dir() {
        // The test harness captures `eprintln!`.
        let message = format!(
            "SKIPPED: {} is not there: its images were not tried\n",
            folder.display()
        );
        std::io::stderr().write_all(message.as_bytes()).unwrap();
        return;
    }
    let mut archive = Archive::read("shared_cases");
    for case in &archive.cases {
        let file = std::fs::read(folder.join(&case.file)).unwrap();
        archive.members.insert(format!("files/{}", case.file), file);
    }
    archive.check(&[
        expect("jpg", 0, 6, EXACT),
        expect("tif", 7, 1, ROUNDED),
        expect("webp", 2, 0, EXACT),
    ]);
}

/// This project decodes strips and tiles itself, so this changes their tags one byte at a time, and
/// truncates the files.
#[test]
fn damaged_tiff_files_do_not_panic() {
    let archive = Archive::read("tiff");
    for case in archive.cases.iter().step_by(29) {
        let mut file = archive.members[&format!("files/{}", case.file)].clone();
        for position in 0..file.len().min(400) {
            let byte = file[position];
            for changed in [0x00, 0xff, byte ^ 0x01, byte ^ 0x80] {
                file[position] = changed;
                assert_no_panic(&file, &case.file);
            }
            file[position] = byte;
        }
        for length in (0..file.len()).step_by(7) {
            assert_no_panic(&file[..length], &case.file);
        }
    }
}

/// A panic inside a decoder is caught and gives this error.
fn assert_no_panic(file: &[u8], name: &str) {
    let refused = decode(file, &Limits::default()).err();
    let reason = refused.map(|error| error.to_string()).unwrap_or_default();
    assert!(!reason.contains("its data is damaged"), "{name}");
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

    fn check(&self, expected: &[Expected]) {
        let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        let mut wrong = Vec::new();
        for case in &self.cases {
            let of_kind = expected.iter().find(|expected| expected.kind == case.kind);
            let bound = of_kind.map_or(EXACT, |expected| expected.bound);
            let (decoded, refused) = counts.entry(&case.kind).or_default();
            match self.verdict(case, bound) {
                Ok(true) => *decoded += 1,
                Ok(false) => *refused += 1,
                Err(fault) => wrong.push(format!("{} ({}): {fault}", case.file, case.kind)),
            }
        }
        println!("decoded and refused: {counts:#?}");
        assert!(wrong.is_empty(), "{} are wrong: {wrong:#?}", wrong.len());
        let expected = expected
            .iter()
            .map(|expected| (expected.kind, (expected.decoded, expected.refused)));
        assert_eq!(counts, expected.collect());
    }

    /// Whether the file decodes. An error if the result is wrong, or if it is refused as damaged.
    fn verdict(&self, case: &Case, bound: Bound) -> Result<bool, String> {
        let file = &self.members[&format!("files/{}", case.file)];
        match decode(file, &Limits::default()) {
            Ok(image) => self.compare(&image, case, bound).map(|()| true),
            Err(ImageError::NotRead { .. }) => Ok(false),
            Err(other) => Err(format!("refused as if it were damaged: {other}")),
        }
    }

    fn compare(&self, image: &CellImage, case: &Case, bound: Bound) -> Result<(), String> {
        let Some(expected) = &case.sha256_rgb else {
            return Err("decoded, though it is not agreed which pixels it holds".to_owned());
        };
        if sha256_rgb(image) == *expected {
            return Ok(());
        }
        // Lossless files only have a digest.
        let pixels = self.members.get(&format!("pixels/{expected}.rgb"));
        let pixels = pixels.ok_or("other pixels")?;
        let size = (image.width() as usize, image.height() as usize);
        let got = image.as_rgb().as_raw();
        if got.len() != pixels.len() {
            return Err(format!("another size: {size:?}"));
        }
        let largest = largest_differences(got, pixels, size);
        if largest.inside <= bound.inside && largest.edge <= bound.edge {
            return Ok(());
        }
        Err(format!("values differ by up to {largest:?}"))
    }
}

fn largest_differences(got: &[u8], want: &[u8], (width, height): (usize, usize)) -> Bound {
    let mut largest = EXACT;
    for (index, (got, want)) in got.iter().zip(want).enumerate() {
        let (column, row) = (index / 3 % width, index / 3 / width);
        let is_at_edge = column + 1 == width || row + 1 == height;
        let of_place = if is_at_edge {
            &mut largest.edge
        } else {
            &mut largest.inside
        };
        *of_place = got.abs_diff(*want).max(*of_place);
    }
    largest
}
