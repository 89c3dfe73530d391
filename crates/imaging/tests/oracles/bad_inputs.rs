//! Broken, hostile and odd files: each gets the verdict of the manifest, and none causes a panic.

use crate::fixtures::{self, bytes, list, text};
use imaging::{ImageError, Limits, decode};
use serde_json::Value;

fn manifest() -> Value {
    fixtures::json("bad_inputs/manifest.json")
}

fn limits(manifest: &Value) -> Limits {
    let policy = &manifest["policy"];
    Limits {
        max_bytes: usize::try_from(policy["max_bytes"].as_u64().unwrap()).unwrap(),
        max_pixels: policy["max_pixels"].as_u64().unwrap(),
    }
}

#[test]
fn files_get_the_expected_verdict() {
    let manifest = manifest();
    let limits = limits(&manifest);
    let mut wrong = Vec::new();
    for case in list(&manifest, "files") {
        let file = text(case, "file");
        let verdict = verdict(&bytes(&format!("bad_inputs/{file}")), &limits);
        if !accepted_verdicts(case).contains(&verdict) {
            wrong.push(format!("{file} ({}): {verdict}", text(case, "kind")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn accepted_files_have_the_expected_size() {
    let manifest = manifest();
    for case in list(&manifest, "files")
        .iter()
        .filter(|case| case["width"].is_u64())
    {
        let file = text(case, "file");
        // A file that may be refused has no size then.
        let Ok(image) = decode(&bytes(&format!("bad_inputs/{file}")), &limits(&manifest)) else {
            continue;
        };
        assert_eq!(
            Some(u64::from(image.width())),
            case["width"].as_u64(),
            "{file}"
        );
        assert_eq!(
            Some(u64::from(image.height())),
            case["height"].as_u64(),
            "{file}"
        );
    }
}

#[test]
fn recipes_get_the_expected_verdict() {
    let manifest = manifest();
    let limits = limits(&manifest);
    for case in list(&manifest, "recipes") {
        // Without a size: a stream with more bytes than are read.
        let size = case["append_zero_bytes_to"]
            .as_u64()
            .map_or(limits.max_bytes + 1, |size| size as usize);
        let mut upload = case["base"]
            .as_str()
            .map_or_else(Vec::new, |base| bytes(&format!("bad_inputs/{base}")));
        upload.resize(size, 0);
        assert!(
            accepted_verdicts(case).contains(&verdict(&upload, &limits)),
            "{case}"
        );
    }
}

/// "ok" or "reject:<reason of the manifest>".
fn verdict(upload: &[u8], limits: &Limits) -> String {
    let reason = match decode(upload, limits) {
        Ok(_) => return "ok".to_owned(),
        Err(ImageError::Empty) => "empty",
        Err(ImageError::TooLarge { .. }) => "too_large",
        Err(ImageError::UnsupportedFormat) => "unsupported_media_type",
        Err(ImageError::TooManyPixels { .. }) => "too_many_pixels",
        Err(ImageError::Undecodable { .. } | ImageError::NotRead { .. }) => "undecodable",
        Err(other) => panic!("decoding has no business to say: {other}"),
    };
    format!("reject:{reason}")
}

/// The verdict for the supported formats, and an alternative if the manifest allows one.
fn accepted_verdicts(case: &Value) -> Vec<String> {
    let expected = match case["if_format_enabled"].as_str() {
        Some(enabled) if !is_gif(case) => without_remark(enabled).to_owned(),
        _ if case["expected"] == "ok" => "ok".to_owned(),
        _ => format!("reject:{}", text(case, "reason")),
    };
    let alternative = case["alternative"].as_str().map(str::to_owned);
    [Some(expected), alternative]
        .into_iter()
        .flatten()
        .collect()
}

/// GIF is the only format of the manifest that is not supported.
fn is_gif(case: &Value) -> bool {
    case["file"]
        .as_str()
        .is_some_and(|file| file.ends_with(".gif"))
}

/// Shortens "ok (first page)" to "ok".
fn without_remark(verdict: &str) -> &str {
    verdict.split(' ').next().unwrap_or(verdict)
}

/// A small valid file of each format.
const GOOD: [&str; 12] = [
    "bad_inputs/ok_gray.jpg",
    "bad_inputs/ok_progressive.jpg",
    "bad_inputs/ok_restart.jpg",
    "bad_inputs/ok_exif6.jpg",
    "bad_inputs/ok_palette.png",
    "bad_inputs/ok_interlaced.png",
    "bad_inputs/ok_1bit.png",
    "bad_inputs/valid.webp",
    "imaging/rgb.webp",
    "imaging/rgb.tif",
    "imaging/cmyk.tif",
    "imaging/rgb.bmp",
];

#[test]
fn truncated_image_is_refused() {
    let limits = Limits::default();
    for name in GOOD {
        let whole = bytes(name);
        let image = decode(&whole, &limits).unwrap();
        for length in 0..whole.len() {
            // Only metadata may be cut off; the rest is then the whole image.
            if let Ok(part) = decode(&whole[..length], &limits) {
                assert_eq!(part, image, "{name} cut to {length} bytes");
            }
        }
    }
}

#[test]
fn changed_bytes_do_not_panic() {
    let limits = Limits::default();
    for name in GOOD {
        let mut file = bytes(name);
        for position in 0..file.len().min(1500) {
            let byte = file[position];
            for changed in [0x00, 0xff, byte ^ 0x01, byte ^ 0x80] {
                file[position] = changed;
                let reason = decode(&file, &limits).err().map(|error| error.to_string());
                assert!(
                    !reason.is_some_and(|reason| reason.contains("its data is damaged")),
                    "{name} at {position}"
                );
            }
            file[position] = byte;
        }
    }
}
