//! The engine on the real runtime, with small bundles made on the spot.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(unreachable_pub, reason = "the modules of a test are no interface")]

mod bundles;
mod decisions;
mod default_bundle;
mod methods;
mod stopping;
mod unlike;
mod unsound;
mod waiting;

use std::path::Path;

use bundle::Bundle;
use engine::{Engine, EngineConfig, PredictRequest, StartError};
use imaging::Limits;
use testkit::runtime;

/// An engine of two workers on the bundle in `directory`.
pub fn start(directory: &Path, config: EngineConfig) -> Result<Engine, StartError> {
    let bundle = Bundle::open(directory)?;
    let config = EngineConfig {
        workers: 2,
        max_batch: 8,
        intra_threads: 1,
        ..config
    };
    Engine::start(&config, Limits::default(), runtime(), vec![bundle])
}

/// A request for an image of 10 × 10 px whose colours depend on `variant`.
pub fn request(variant: u8) -> PredictRequest {
    let pixels = image::RgbImage::from_fn(10, 10, |x, y| {
        let (x, y) = (u8::try_from(x).unwrap(), u8::try_from(y).unwrap());
        image::Rgb([x * 20, y * 20, variant.wrapping_mul(37)])
    });
    let mut encoded = std::io::Cursor::new(Vec::new());
    pixels
        .write_to(&mut encoded, image::ImageFormat::Png)
        .unwrap();
    PredictRequest {
        image: encoded.into_inner().into(),
        ..PredictRequest::default()
    }
}
