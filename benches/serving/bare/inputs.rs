//! The tensors for one image, made by the same code as in the server.

use bundle::{Bundle, Mask, Method, Sampling};
use engine::{draw_masks, seed_of};
use imaging::{CellImage, InputTensor, Limits, augment, decode, resize};

use crate::BenchResult;

/// Tensors for one image.
pub(super) struct BareInputs {
    pub method: Method,
    /// The image, and for `tta` its views. The image is left out for `tta` without an
    /// out-of-distribution score.
    pub images: InputTensor,
    /// Masks `[T, width]`, with Monte Carlo dropout.
    pub masks: Vec<(Mask, Vec<f32>)>,
    /// T, with Monte Carlo dropout.
    pub passes: usize,
}

impl BareInputs {
    /// From the encoded image.
    pub(super) fn of(encoded: &[u8], bundle: &Bundle, method: Method) -> BenchResult<Self> {
        let image = decode(encoded, &Limits::default())?;
        let mut inputs = Self {
            method,
            images: itself(&image, bundle)?,
            masks: Vec::new(),
            passes: 1,
        };
        match method {
            Method::Baseline | Method::Ensemble => {}
            Method::McDropout => inputs.draw(bundle, seed_of(encoded))?,
            Method::Tta => inputs.augment(&image, bundle, seed_of(encoded))?,
        }
        Ok(inputs)
    }

    fn draw(&mut self, bundle: &Bundle, seed: u64) -> BenchResult {
        let mc_dropout = bundle.manifest().methods.mc_dropout.as_ref();
        let mc_dropout = mc_dropout.ok_or("the bundle has no mc_dropout")?;
        let Sampling::Masks { masks, .. } = &mc_dropout.sampling else {
            return Err("the bundle's mc_dropout takes no masks".into());
        };
        self.passes = mc_dropout.passes;
        let drawn = draw_masks(masks, self.passes, &[seed]);
        self.masks = masks.iter().cloned().zip(drawn).collect();
        Ok(())
    }

    fn augment(&mut self, image: &CellImage, bundle: &Bundle, seed: u64) -> BenchResult {
        let manifest = bundle.manifest();
        let tta = manifest
            .methods
            .tta
            .as_ref()
            .ok_or("the bundle has no tta")?;
        let input = &manifest.input;
        for index in 0..tta.passes as u64 {
            let view = augment::view(image, &tta.policy, seed, index, input.size, input.resize)?;
            self.images.push(&view, &input.normalisation)?;
        }
        Ok(())
    }
}

fn itself(image: &CellImage, bundle: &Bundle) -> BenchResult<InputTensor> {
    let input = &bundle.manifest().input;
    let mut tensor = InputTensor::with_capacity(input.size, input.size, 1)?;
    let resized = resize(image, input.size, input.size, input.resize)?;
    tensor.push(&resized, &input.normalisation)?;
    Ok(tensor)
}
