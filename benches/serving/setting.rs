//! What all parts share.

use std::path::Path;

use bundle::Bundle;
use bytes::Bytes;
use engine::{Engine, EngineConfig, Runtime};
use imaging::Limits;

use crate::{BenchResult, bare::BareLoop, cells, options::Options};

/// The bundle that answers requests which name none.
const BUNDLE: &str = "models/cric-lite0";

pub(crate) struct Setting {
    pub options: Options,
    pub bundle: Bundle,
    /// The example cells, encoded.
    pub images: Vec<Bytes>,
    pub runtime: Runtime,
}

impl Setting {
    pub(crate) fn new(options: Options) -> BenchResult<Self> {
        Ok(Self {
            options,
            bundle: Bundle::open(Path::new(BUNDLE))?,
            images: cells::examples()?,
            runtime: Runtime::load(None)?,
        })
    }

    /// Bare sessions on the same bundle.
    pub(crate) fn bare_loop(&self) -> BenchResult<BareLoop> {
        BareLoop::open(&self.runtime, &self.bundle, &self.images)
    }

    /// The engine within this process.
    pub(crate) fn engine(&self, config: &EngineConfig) -> BenchResult<Engine> {
        let bundles = vec![self.bundle.clone()];
        Ok(Engine::start(
            config,
            Limits::default(),
            &self.runtime,
            bundles,
        )?)
    }
}
