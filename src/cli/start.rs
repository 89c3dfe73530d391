//! From a configuration to a running engine.

use super::StartFailure;
use crate::config::Config;
use bundle::Bundle;
use engine::{Engine, Runtime};
use imaging::Limits;

/// Loads the runtime and the models.
pub(super) fn engine(config: &Config) -> Result<Engine, StartFailure> {
    let runtime = Runtime::load(config.runtime.library())?;
    let bundles = bundles(config)?;
    Ok(Engine::start(
        &config.engine,
        limits(config),
        &runtime,
        bundles,
    )?)
}

/// What an image may ask of this machine.
pub(super) fn limits(config: &Config) -> Limits {
    Limits {
        max_bytes: config.limits.max_image_bytes,
        max_pixels: config.limits.max_pixels,
    }
}

/// The bundles of the models directory, the default one first.
pub(super) fn bundles(config: &Config) -> Result<Vec<Bundle>, StartFailure> {
    let mut bundles = Bundle::open_all(&config.models.directory)?;
    let models = &config.models;
    if models.default.is_empty() {
        return Ok(bundles);
    }
    let position = bundles
        .iter()
        .position(|bundle| bundle.manifest().name == models.default);
    let position = position.ok_or_else(|| {
        format!(
            "`models.default` is `{}`, but {} holds no such bundle",
            models.default,
            models.directory.display()
        )
    })?;
    if let Some(up_to_default) = bundles.get_mut(..=position) {
        up_to_default.rotate_right(1);
    }
    Ok(bundles)
}
