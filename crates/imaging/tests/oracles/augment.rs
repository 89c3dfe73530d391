//! Augmentation compared with torchvision, and properties of views.

use crate::fixtures::{self, image, integer, list, max_difference, sha256_rgb, text};
use imaging::{
    CellImage, ImageError, Padding, ResizeFilter,
    augment::{self, AugmentPolicy, Augmentation, view},
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn oracle() -> Value {
    fixtures::json("augment/augment.json")
}

/// An image of the manifest by its name.
fn input(oracle: &Value, name: &str) -> CellImage {
    let inputs = list(oracle, "inputs");
    let input = inputs.iter().find(|input| input["name"] == name).unwrap();
    let image = image(&format!("augment/{}", text(input, "file")));
    assert_eq!(sha256_rgb(&image), text(input, "sha256_rgb"));
    image
}

fn apply(image: &CellImage, operation: &str, parameters: &Value) -> Result<CellImage, ImageError> {
    let pixels = |key| u32::try_from(integer(parameters, key)).unwrap();
    let resized_crop = |filter| {
        augment::resized_crop(
            image,
            pixels("top"),
            pixels("left"),
            pixels("h"),
            pixels("w"),
            224,
            filter,
        )
    };
    let factor = parameters["factor"].as_f64().unwrap_or(f64::NAN);
    match operation {
        "hflip" => Ok(augment::hflip(image)),
        "vflip" => Ok(augment::vflip(image)),
        "resized_crop" => resized_crop(ResizeFilter::Bilinear),
        "resized_crop_bicubic" => resized_crop(ResizeFilter::Bicubic),
        "adjust_brightness" => augment::adjust_brightness(image, factor),
        "adjust_contrast" => augment::adjust_contrast(image, factor),
        "adjust_saturation" => augment::adjust_saturation(image, factor),
        "adjust_hue" => augment::adjust_hue(image, factor),
        other => panic!("unknown operation {other}"),
    }
}

#[test]
fn every_operation_agrees_with_torchvision() {
    let oracle = oracle();
    for case in list(&oracle, "entries") {
        let got = apply(
            &input(&oracle, text(case, "crop")),
            text(case, "op"),
            &case["params"],
        )
        .unwrap();
        let difference = max_difference(&got, &image(&format!("augment/{}", text(case, "file"))));
        let tolerance = integer(case, "max_abs_tolerance");
        assert!(
            i64::from(difference) <= tolerance,
            "{}: {difference} > {tolerance}",
            text(case, "file")
        );
    }
}

#[test]
fn dihedral_group_agrees_with_torch() {
    let oracle = oracle();
    for case in list(&oracle, "dihedral") {
        let index = u8::try_from(integer(case, "index")).unwrap();
        let got = augment::dihedral(&input(&oracle, text(case, "crop")), index).unwrap();
        assert_eq!(sha256_rgb(&got), text(case, "sha256_rgb"), "{case}");
    }
}

#[test]
fn parameters_out_of_range_are_refused() {
    let oracle = oracle();
    let image = input(&oracle, "crop00");
    for case in list(&oracle, "error_cases") {
        let error = apply(&image, text(case, "op"), &case["params"]).unwrap_err();
        let is_typed = match text(case, "op") {
            "resized_crop" => matches!(error, ImageError::RectangleOutside { .. }),
            _ => matches!(error, ImageError::SettingOutOfRange { .. }),
        };
        assert!(is_typed, "{case}: {error}");
    }
    assert!(augment::dihedral(&image, 8).is_err());
    assert!(augment::adjust_hue(&image, f64::NAN).is_err());
    assert!(augment::adjust_contrast(&image, f64::INFINITY).is_err());
}

#[test]
fn view_depends_on_seed_and_index() {
    let image = input(&oracle(), "crop00");
    let policy = AugmentPolicy::paper();
    let draw =
        |seed, index| view(&image, &policy, seed, index, 128, ResizeFilter::Bilinear).unwrap();
    let views: Vec<CellImage> = (0..8).map(|index| draw(7, index)).collect();
    assert_eq!(draw(7, 5), views[5]);
    assert_ne!(draw(8, 5), views[5]);
    assert_ne!(views[4], views[5]);
}

/// The draws determine the meaning of a seed in stored answers: changing these numbers changes
/// every TTA answer.
#[test]
fn draws_of_a_seed_are_stable() {
    let image = input(&oracle(), "crop00");
    let geometry_alone = AugmentPolicy {
        steps: vec![
            Augmentation::HorizontalFlip { probability: 0.5 },
            Augmentation::Dihedral {},
        ],
        ..AugmentPolicy::paper()
    };
    let indexes: Vec<u8> = (0..12)
        .map(|index| layout(&image, &geometry_alone, index))
        .collect();
    assert_eq!(indexes, [7, 0, 5, 4, 4, 6, 3, 3, 7, 3, 7, 0]);
}

/// The index of the symmetry that a view without resizing has.
fn layout(image: &CellImage, policy: &AugmentPolicy, index: u64) -> u8 {
    let view = view(
        image,
        policy,
        7,
        index,
        image.width(),
        ResizeFilter::Bilinear,
    )
    .unwrap();
    let layouts = (0..8).map(|layout| augment::dihedral(image, layout).unwrap());
    u8::try_from(
        layouts
            .into_iter()
            .position(|layout| layout == view)
            .unwrap(),
    )
    .unwrap()
}

#[test]
fn empty_policy_only_resizes() {
    let image = input(&oracle(), "crop00");
    let policy = AugmentPolicy {
        steps: Vec::new(),
        ..AugmentPolicy::paper()
    };
    let view = view(&image, &policy, 1, 1, 93, ResizeFilter::Bicubic).unwrap();
    assert_eq!(view, image);
}

#[test]
fn oversized_rectangle_is_padded() {
    let white = CellImage::new(image::RgbImage::from_pixel(50, 50, image::Rgb([255; 3])));
    let mut policy = AugmentPolicy {
        name: "out".to_owned(),
        padding: Padding::Zero,
        steps: vec![Augmentation::RandomResizedCrop {
            scale: [1.44, 1.44],
            ratio: [1.0, 1.0],
        }],
    };
    let padded = view(&white, &policy, 3, 0, 60, ResizeFilter::Bilinear).unwrap();
    let white_pixels = padded
        .as_rgb()
        .pixels()
        .filter(|pixel| pixel.0 == [255; 3])
        .count();
    assert_eq!(white_pixels, 50 * 50);

    policy.padding = Padding::Reflect;
    let mirrored = view(&white, &policy, 3, 0, 60, ResizeFilter::Bilinear).unwrap();
    assert!(mirrored.as_rgb().pixels().all(|pixel| pixel.0 == [255; 3]));
}

#[test]
fn policy_of_a_manifest_is_read() {
    let paper = json!({
        "name": "paper",
        "padding": "reflect",
        "steps": [
            { "kind": "horizontal_flip", "probability": 0.5 },
            { "kind": "random_resized_crop", "scale": [0.8, 1.2], "ratio": [0.75, 4.0 / 3.0] },
            { "kind": "colour_jitter", "brightness": 0.2, "contrast": 0.5, "saturation": 0.1, "hue": 0.1 },
        ]
    });
    assert_eq!(
        serde_json::from_value::<AugmentPolicy>(paper).unwrap(),
        AugmentPolicy::paper()
    );
    let misspelt = json!({ "kind": "dihedral", "probability": 1.0 });
    assert!(serde_json::from_value::<Augmentation>(misspelt).is_err());
}

#[test]
fn policy_out_of_range_is_refused() {
    let bad_steps = [
        Augmentation::HorizontalFlip {
            probability: f64::NAN,
        },
        Augmentation::RandomResizedCrop {
            scale: [1.2, 0.8],
            ratio: [1.0, 1.0],
        },
        Augmentation::RandomResizedCrop {
            scale: [0.0, 1.0],
            ratio: [1.0, 1.0],
        },
        Augmentation::RandomResizedCrop {
            scale: [0.5, 1.0],
            ratio: [-1.0, 1.0],
        },
        Augmentation::ColourJitter {
            brightness: 0.1,
            contrast: 0.1,
            saturation: 0.1,
            hue: 0.6,
        },
    ];
    for step in bad_steps {
        let policy = AugmentPolicy {
            steps: vec![step],
            ..AugmentPolicy::paper()
        };
        assert!(
            matches!(policy.check(), Err(ImageError::SettingOutOfRange { .. })),
            "{policy:?}"
        );
    }
}

#[test]
fn view_without_pixels_is_refused() {
    let nothing = CellImage::new(image::RgbImage::new(0, 5));
    let something = CellImage::new(image::RgbImage::new(5, 5));
    for (image, size) in [(&nothing, 8), (&something, 0), (&something, 5000)] {
        let view = view(
            image,
            &AugmentPolicy::paper(),
            1,
            0,
            size,
            ResizeFilter::Bilinear,
        );
        assert!(
            matches!(view, Err(ImageError::InvalidSize { .. })),
            "{size}"
        );
    }
}

proptest! {
    #[test]
    fn view_has_the_requested_size(
        width in 1_u32..120, height in 1_u32..120, size in 1_u32..80, seed: u64, index: u64, with_dihedral: bool,
    ) {
        let image = CellImage::new(image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 90])));
        let mut policy = AugmentPolicy::paper();
        if with_dihedral {
            policy.steps.insert(0, Augmentation::Dihedral {});
        }
        let view = view(&image, &policy, seed, index, size, ResizeFilter::Bicubic).unwrap();
        prop_assert_eq!((view.width(), view.height()), (size, size));
    }
}
