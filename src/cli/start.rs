//! From a configuration to a running engine.

use tokio::runtime::Builder;

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

/// Starts the threads of an asynchronous runtime.
pub(super) fn threads(builder: &mut Builder) -> Result<tokio::runtime::Runtime, StartFailure> {
    let started = builder.enable_all().build();
    started.map_err(|error| format!("cannot start threads: {error}").into())
}

/// The limits on one image.
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
            "`models.default` is `{}`, but {} has no bundle of that name: it has {}",
            models.default,
            models.directory.display(),
            names(&bundles)
        )
    })?;
    if let Some(up_to_default) = bundles.get_mut(..=position) {
        up_to_default.rotate_right(1);
    }
    Ok(bundles)
}

/// The names of bundles, for an error.
fn names(bundles: &[Bundle]) -> String {
    let names: Vec<&str> = bundles
        .iter()
        .map(|bundle| bundle.manifest().name.as_str())
        .collect();
    names.join(", ")
}
