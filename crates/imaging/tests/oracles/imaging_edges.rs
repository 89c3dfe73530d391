//! Edge cases of crops, sizes and tensors.

use crate::imaging::{fixture, normalisation, normalised, oracle};
use imaging::{
    CellImage, ImageError, InputTensor, Normalisation, Padding, ResizeFilter, crop_at_nucleus,
    resize,
};
use proptest::prelude::*;

#[test]
fn small_fields_are_mirrored_repeatedly() {
    // numpy.pad([0, 1, 2], 5, mode="reflect")
    let line = CellImage::new(image::RgbImage::from_fn(3, 1, |x, _| {
        image::Rgb([x as u8; 3])
    }));
    let crop = crop_at_nucleus(&line, 1, 0, 13, Padding::Reflect).unwrap();
    let values: Vec<u8> = crop
        .as_rgb()
        .rows()
        .next()
        .unwrap()
        .map(|pixel| pixel.0[0])
        .collect();
    assert_eq!(values, [1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
}

#[test]
fn crop_edge_out_of_range_is_refused() {
    let field = fixture("border_field.png");
    for edge in [0, 4097, u32::MAX] {
        let crop = crop_at_nucleus(&field, 80, 70, edge, Padding::Zero);
        assert!(
            matches!(crop, Err(ImageError::CropTooLarge { .. })),
            "{edge}"
        );
    }
}

#[test]
fn impossible_sizes_are_refused() {
    let crop = fixture("crop00.png");
    let nothing = CellImage::new(image::RgbImage::new(0, 0));
    for (image, width, height) in [
        (&crop, 0, 5),
        (&crop, 5, 0),
        (&crop, u32::MAX, 5),
        (&nothing, 5, 5),
    ] {
        let resized = resize(image, width, height, ResizeFilter::Bilinear);
        assert!(
            matches!(resized, Err(ImageError::InvalidSize { .. })),
            "{width} x {height}"
        );
    }
}

#[test]
fn thin_image_needs_little_memory() {
    // 20 megapixels in one column: filtering rows first would need 80 gigapixels.
    let column = CellImage::new(image::RgbImage::from_pixel(
        1,
        20_000_000,
        image::Rgb([9; 3]),
    ));
    let resized = resize(&column, 4096, 4096, ResizeFilter::Bilinear).unwrap();
    assert!(resized.as_rgb().iter().all(|&value| value == 9));
}

#[test]
fn tensor_keeps_images_in_order() {
    let normalisation = normalisation(&oracle());
    let mut tensor = InputTensor::with_capacity(93, 93, 2).unwrap();
    tensor.push(&fixture("crop00.png"), &normalisation).unwrap();
    tensor.push(&fixture("crop01.png"), &normalisation).unwrap();
    assert_eq!(tensor.shape(), [2, 3, 93, 93]);
    let second = normalised(&fixture("crop01.png"), &normalisation);
    assert_eq!(tensor.slice(1..2), Some(second));
    assert_eq!(tensor.slice(1..3), None);

    let wrong_size = tensor.push(&fixture("down200.png"), &normalisation);
    assert!(matches!(wrong_size, Err(ImageError::SizeMismatch { .. })));
    assert!(InputTensor::with_capacity(0, 93, 1).is_err());
}

#[test]
fn invalid_normalisation_is_refused() {
    let good = normalisation(&oracle());
    let bad = [
        Normalisation {
            scale: f32::NAN,
            ..good
        },
        Normalisation {
            mean: [0.0, f32::INFINITY, 0.0],
            ..good
        },
        Normalisation {
            std: [1.0, 1.0, 0.0],
            ..good
        },
    ];
    for normalisation in bad {
        let mut tensor = InputTensor::with_capacity(93, 93, 1).unwrap();
        let pushed = tensor.push(&fixture("crop00.png"), &normalisation);
        assert!(
            matches!(pushed, Err(ImageError::SettingOutOfRange { .. })),
            "{normalisation:?}"
        );
        assert_eq!(tensor.images(), 0);
    }
}

proptest! {
    #[test]
    fn crop_has_its_nucleus_in_the_middle(
        width in 1_u32..70, height in 1_u32..70, x in 0_i64..70, y in 0_i64..70, edge in 1_u32..200, is_reflected: bool,
    ) {
        let field = CellImage::new(image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 1])));
        let padding = if is_reflected { Padding::Reflect } else { Padding::Zero };
        let crop = crop_at_nucleus(&field, x, y, edge, padding);
        if x >= i64::from(width) || y >= i64::from(height) {
            prop_assert!(crop.is_err());
            return Ok(());
        }
        let crop = crop.unwrap();
        prop_assert_eq!((crop.width(), crop.height()), (edge, edge));
        let middle = crop.as_rgb().get_pixel(edge / 2, edge / 2);
        prop_assert_eq!(middle.0, [x as u8, y as u8, 1]);
    }

    #[test]
    fn no_nucleus_position_panics(x: i64, y: i64, edge: u32) {
        let field = CellImage::new(image::RgbImage::new(5, 4));
        let crop = crop_at_nucleus(&field, x, y, edge, Padding::Reflect);
        prop_assert_eq!(crop.is_ok(), (0..5).contains(&x) && (0..4).contains(&y) && (1..=4096).contains(&edge));
    }

    #[test]
    fn flat_image_stays_flat_when_resized(
        source in (1_u32..150, 1_u32..150), target in (1_u32..150, 1_u32..150), value: u8, is_cubic: bool,
    ) {
        let flat = CellImage::new(image::RgbImage::from_pixel(source.0, source.1, image::Rgb([value; 3])));
        let filter = if is_cubic { ResizeFilter::Bicubic } else { ResizeFilter::Bilinear };
        let resized = resize(&flat, target.0, target.1, filter).unwrap();
        prop_assert_eq!((resized.width(), resized.height()), target);
        prop_assert!(resized.as_rgb().iter().all(|&got| got == value));
    }
}
