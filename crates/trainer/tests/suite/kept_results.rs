//! Detects changes of the results of cached steps whose version number was not raised.
//!
//! The compared values are the same on every processor: means of pixels, features and answers to
//! two digits, losses, sizes. Smaller changes go unnoticed; raise the number by hand if you make
//! one.

use std::{collections::BTreeMap, fs};

use bundle::{Input, sha256_hex};
use image::{Rgb, RgbImage};
use imaging::{CellImage, augment::AugmentPolicy};
use serde::{Deserialize, Serialize};
use trainer::{KeptStep, ViewPlan};

use super::{features, finetune, learning};

const KEPT: &str = "crates/trainer/tests/fixtures/kept_results.toml";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptResult {
    schema: u32,
    digest: String,
}

/// The mean of each channel in the views of a drawn cell.
fn views() -> Vec<String> {
    let shade = |x: u32, y: u32| Rgb([(x * 7) as u8, (y * 5) as u8, (x * y / 5) as u8]);
    let crop = CellImage::new(RgbImage::from_fn(35, 35, shade));
    let input: Input = features::input();
    let plans = [
        ViewPlan::Dihedral { count: 8 },
        ViewPlan::Policy {
            policy: AugmentPolicy::paper(),
            count: 6,
        },
    ];
    let mut means = Vec::new();
    for plan in plans {
        for index in 0..plan.count() {
            let view = plan.view(&crop, 1, index, &input).unwrap();
            // Only the upper left half, so that turning matters.
            let pixels = view.as_rgb().enumerate_pixels();
            let pixels = pixels.filter(|(x, y, _)| 2 * x + y < input.size);
            let mut sums = [0_u32; 3];
            for (_, _, pixel) in pixels {
                for (sum, value) in sums.iter_mut().zip(pixel.0) {
                    *sum += u32::from(value);
                }
            }
            means.extend(sums.map(|sum| format!("{:.1e}", f64::from(sum))));
        }
    }
    means
}

fn outline(step: KeptStep) -> Vec<String> {
    match step {
        KeptStep::Views => views(),
        KeptStep::Features => features::outline(),
        KeptStep::Heads => learning::outline(),
        KeptStep::FineTuning => finetune::outline(),
    }
}

#[test]
fn changed_step_has_a_new_number() {
    let text = fs::read_to_string(testkit::path(KEPT)).unwrap();
    let kept: BTreeMap<String, KeptResult> = toml::from_str(&text).unwrap();
    let mut found = BTreeMap::new();
    for step in KeptStep::ALL {
        let outline = outline(step).join("\n");
        let result = KeptResult {
            schema: step.schema(),
            digest: sha256_hex(outline.as_bytes())[..16].to_owned(),
        };
        if let Some(kept) = kept.get(step.name()) {
            assert!(
                kept.digest == result.digest || kept.schema != result.schema,
                "`{}` gives another result with the same number {}, so that stale results in work \
                 folders would be used: undo the change, or raise the number in \
                 `KeptStep::schema` and run this test again. Its outline:\n{outline}",
                step.name(),
                result.schema
            );
        }
        found.insert(step.name().to_owned(), result);
    }
    assert!(
        kept == found,
        "the numbers of steps were changed: write this into {KEPT}\n{}",
        toml::to_string(&found).unwrap()
    );
}
