//! A loaded bundle.

use bundle::{Bundle, FileReference, Manifest, Method, Precision};
use uncertainty::ood::OodModel;

/// The description of a loaded bundle. The workers own its sessions.
#[derive(Clone, Debug)]
pub struct LoadedModel {
    bundle: Bundle,
    execution_provider: String,
}

impl LoadedModel {
    pub(crate) fn new(bundle: Bundle, execution_provider: String) -> Self {
        Self {
            bundle,
            execution_provider,
        }
    }

    /// The bundle's name.
    pub fn name(&self) -> &str {
        &self.manifest().name
    }

    /// The contents of the bundle's `bundle.toml`.
    pub fn manifest(&self) -> &Manifest {
        self.bundle.manifest()
    }

    /// SHA-256 of `bundle.toml`: 64 lower-case hexadecimal digits.
    pub fn digest(&self) -> &str {
        self.bundle.digest()
    }

    /// The execution provider that runs the trunk: `cpu` or `cuda:N`.
    pub fn execution_provider(&self) -> &str {
        &self.execution_provider
    }

    /// The precision of the trunk; `None` for a bundle without a trunk.
    pub fn trunk_precision(&self) -> Option<Precision> {
        self.bundle.trunk_precision()
    }

    /// The out-of-distribution model; `None` if the bundle has none.
    pub fn out_of_distribution(&self) -> Option<&OodModel> {
        self.bundle.out_of_distribution()
    }

    /// The offered methods, in the order of [`Method::ALL`].
    pub fn methods(&self) -> Vec<Method> {
        self.manifest().offered_methods()
    }

    /// The files of the bundle with their digests.
    pub fn files(&self) -> Vec<&FileReference> {
        self.manifest().files()
    }

    /// Number of classes, C.
    pub fn classes(&self) -> usize {
        self.manifest().labels.len()
    }
}
