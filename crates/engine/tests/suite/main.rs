//! The engine on the real runtime, with small bundles.

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

use bundle::{Bundle, Method};
use engine::{Engine, EngineConfig, EngineError, Prediction, RequestOptions, StartError, Subject};
use imaging::Limits;
use testkit::runtime;

/// An engine with two workers on the bundle in `directory`.
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

/// Plans and runs a request.
pub async fn predict(
    engine: &Engine,
    options: RequestOptions,
    subject: Subject,
) -> Result<Prediction, EngineError> {
    engine.predict(&engine.plan(options)?, subject).await
}

/// Like [`predict`], but waits while the backlog is full.
pub async fn predict_patiently(
    engine: &Engine,
    options: RequestOptions,
    subject: Subject,
) -> Result<Prediction, EngineError> {
    let plan = engine.plan(options)?;
    engine.predict_patiently(&plan, subject).await
}

/// An image of 10 × 10 px whose colours depend on `variant`.
pub fn image(variant: u8) -> Subject {
    let pixels = image::RgbImage::from_fn(10, 10, |x, y| {
        let (x, y) = (u8::try_from(x).unwrap(), u8::try_from(y).unwrap());
        image::Rgb([x * 20, y * 20, variant.wrapping_mul(37)])
    });
    let mut encoded = std::io::Cursor::new(Vec::new());
    pixels
        .write_to(&mut encoded, image::ImageFormat::Png)
        .unwrap();
    encoded.into_inner().into()
}

/// Two policies of a method: one accepts every cell, one refers every cell.
const POLICIES: &str = r#"
[[calibration.METHOD.policies]]
name = "lenient"
measure = "predictive_entropy"
threshold = 10.0
alpha = 0.05
delta = 0.05
promise = "none: made by a test"

[[calibration.METHOD.policies]]
name = "refer-all"
measure = "predictive_entropy"
alpha = 0.01
delta = 0.05
promise = "none: made by a test"
"#;

/// The TOML section of these policies, to append to that of the method's calibration.
pub fn policies(method: Method) -> String {
    POLICIES.replace("METHOD", method.name())
}
