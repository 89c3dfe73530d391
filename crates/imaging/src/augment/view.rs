//! Random views of an image.

use super::super::cell_image::{check_has_pixels, check_output_size};
use super::super::{CellImage, ImageError, Padding, ResizeFilter, crop::window, resize};
use super::draws::Draws;
use super::{AugmentPolicy, Augmentation, dihedral, hflip};
use super::{adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation};

/// View number `index` of an image, `size` x `size` pixels.
///
/// Each view has its own random stream (ChaCha8 keyed by `seed`, stream `index`), so it does not
/// depend on the number or the order of other views.
///
/// # Errors
/// [`ImageError::SettingOutOfRange`] for a policy outside its ranges, [`ImageError::InvalidSize`]
/// if `size` is 0 or above [`MAX_OUTPUT_EDGE`](super::super::MAX_OUTPUT_EDGE) or the image has no
/// pixels.
pub fn view(
    image: &CellImage,
    policy: &AugmentPolicy,
    seed: u64,
    index: u64,
    size: u32,
    filter: ResizeFilter,
) -> Result<CellImage, ImageError> {
    policy.check()?;
    check_output_size(size, size)?;
    check_has_pixels(image)?;
    let mut draws = Draws::new(seed, index);
    let mut view = image.clone();
    for step in &policy.steps {
        view = match *step {
            Augmentation::HorizontalFlip { probability } if draws.unit() < probability => {
                hflip(&view)
            }
            Augmentation::HorizontalFlip { .. } => view,
            Augmentation::RandomResizedCrop { scale, ratio } => {
                let rectangle = Rectangle::draw(&view, scale, ratio, &mut draws);
                resize(&rectangle.cut(&view, policy.padding), size, size, filter)?
            }
            Augmentation::ColourJitter {
                brightness,
                contrast,
                saturation,
                hue,
            } => jitter(view, [brightness, contrast, saturation, hue], &mut draws)?,
            Augmentation::Dihedral {} => dihedral(&view, draws.integer(0, 7) as u8)?,
        };
    }
    resize(&view, size, size, filter)
}

/// A rectangle that can be larger than the image.
struct Rectangle {
    left: i64,
    top: i64,
    width: u32,
    height: u32,
}

impl Rectangle {
    fn draw(image: &CellImage, scale: [f64; 2], ratio: [f64; 2], draws: &mut Draws) -> Self {
        let area = f64::from(image.width()) * f64::from(image.height());
        let target_area = area * draws.between(scale[0], scale[1]);
        let aspect = draws.between(ratio[0].ln(), ratio[1].ln()).exp();
        let width = whole_pixels((target_area * aspect).sqrt());
        let height = whole_pixels((target_area / aspect).sqrt());
        Self {
            left: draw_start(width, image.width(), draws),
            top: draw_start(height, image.height(), draws),
            width,
            height,
        }
    }

    fn cut(&self, image: &CellImage, padding: Padding) -> CellImage {
        window(image, self.left, self.top, self.width, self.height, padding)
    }
}

fn whole_pixels(length: f64) -> u32 {
    // The cast truncates, and clips at both ends.
    length.round().max(1.0) as u32
}

/// A random start with which the shorter of rectangle and image is inside the longer one.
fn draw_start(length: u32, available: u32, draws: &mut Draws) -> i64 {
    let room = i64::from(available) - i64::from(length);
    draws.integer(room.min(0), room.max(0))
}

/// `amounts` are those of brightness, contrast, saturation and hue. All four are drawn before any
/// is applied.
fn jitter(image: CellImage, amounts: [f64; 4], draws: &mut Draws) -> Result<CellImage, ImageError> {
    type Adjust = fn(&CellImage, f64) -> Result<CellImage, ImageError>;
    let [brightness, contrast, saturation, hue] = amounts;
    let mut factor = |amount: f64| draws.between((1.0 - amount).max(0.0), 1.0 + amount);
    let (brightness, contrast, saturation) =
        (factor(brightness), factor(contrast), factor(saturation));
    let mut changes: [(Adjust, f64); 4] = [
        (adjust_brightness, brightness),
        (adjust_contrast, contrast),
        (adjust_saturation, saturation),
        (adjust_hue, draws.between(-hue, hue)),
    ];
    draws.shuffle(&mut changes);
    changes
        .into_iter()
        .try_fold(image, |image, (adjust, amount)| adjust(&image, amount))
}
