//! From a configuration to a running engine.

use std::path::{Path, PathBuf};

use tokio::runtime::Builder;

use super::StartFailure;
use crate::config::{Config, ModelsConfig};
use bundle::{Bundle, BundleError};
use engine::{
    Engine, Runtime,
    installed::{listed, places},
};
use imaging::Limits;

/// Where a package of the system installs bundles.
const SYSTEM_MODELS: &str = "/usr/share/secondlook/models";

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
    let models = &config.models;
    let directory = models_directory(models)?;
    let mut bundles = Bundle::open_all(&directory)?;
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
            directory.display(),
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

/// The configured models directory, else the first of the usual places that holds a bundle.
pub(super) fn models_directory(models: &ModelsConfig) -> Result<PathBuf, StartFailure> {
    if let Some(directory) = models.directory() {
        return Ok(directory.to_owned());
    }
    first_with_bundle(&places("models", SYSTEM_MODELS))
}

/// A folder that is there and cannot be read is an error: the next one may hold other models.
fn first_with_bundle(searched: &[PathBuf]) -> Result<PathBuf, StartFailure> {
    for directory in searched.iter().filter(|place| Path::is_dir(place)) {
        match Bundle::directories(directory) {
            Ok(_) => return Ok(directory.clone()),
            Err(BundleError::None { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(format!(
        "no bundle was found: no folder with a bundle.toml in {}. Name its parent folder with --models or `models.directory`; in a clone, `make model` makes a bundle; with a tarball or a package, install it again",
        listed(searched)
    )
    .into())
}
