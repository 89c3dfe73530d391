//! Hue rotation with the arithmetic of torchvision (f32 HSV).

use super::super::{CellImage, ImageError};
use super::colour::map_pixels;

/// torchvision scales [0, 1] to bytes by this and truncates.
const TO_BYTE: f32 = 255.999;

/// Rotates the hue of every pixel by `turn` of the colour wheel: 0 changes nothing, ±0.5 gives the
/// complementary colours.
///
/// # Errors
/// [`ImageError::SettingOutOfRange`] for a turn outside [−0.5, 0.5].
pub fn adjust_hue(image: &CellImage, turn: f64) -> Result<CellImage, ImageError> {
    if !(-0.5..=0.5).contains(&turn) {
        return Err(ImageError::setting("hue turn", turn, "from -0.5 to 0.5"));
    }
    if turn == 0.0 {
        return Ok(image.clone());
    }
    let turn = turn as f32;
    Ok(map_pixels(image, |pixel| {
        let (hue, saturation, value) = to_hsv(pixel.map(|byte| f32::from(byte) / 255.0));
        let rgb = from_hsv(wrapped(hue + turn), saturation, value);
        rgb.map(|channel| (channel * TO_BYTE) as u8)
    }))
}

/// Hue in turns from red, saturation and value, all in [0, 1].
fn to_hsv([red, green, blue]: [f32; 3]) -> (f32, f32, f32) {
    let largest = red.max(green).max(blue);
    let range = largest - red.min(green).min(blue);
    if range == 0.0 {
        return (0.0, 0.0, largest);
    }
    let distance = |channel: f32| (largest - channel) / range;
    let sextant = if largest == red {
        distance(blue) - distance(green)
    } else if largest == green {
        2.0 + distance(red) - distance(blue)
    } else {
        4.0 + distance(green) - distance(red)
    };
    (wrapped(sextant / 6.0), range / largest, largest)
}

/// Wraps a position on the colour wheel, at most one turn away, into [0, 1].
fn wrapped(position: f32) -> f32 {
    if position < 0.0 {
        position + 1.0
    } else if position >= 1.0 {
        position - 1.0
    } else {
        position
    }
}

fn from_hsv(hue: f32, saturation: f32, value: f32) -> [f32; 3] {
    let position = hue * 6.0;
    // The cast truncates; the position is never negative.
    let sextant = position as u8;
    let rest = position - f32::from(sextant);
    let low = value * (1.0 - saturation);
    let falling = value * (1.0 - saturation * rest);
    let rising = value * (1.0 - saturation * (1.0 - rest));
    // Rounding can give hue 1.0, which is red.
    match sextant % 6 {
        0 => [value, rising, low],
        1 => [falling, value, low],
        2 => [low, value, rising],
        3 => [low, falling, value],
        4 => [rising, low, value],
        _ => [value, low, falling],
    }
}
