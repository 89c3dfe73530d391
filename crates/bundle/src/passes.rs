//! How many passes a method makes, and how it draws its samples.

use super::{Manifest, Method, Sampling};

impl Manifest {
    /// T when the request does not say: 1 for the baseline, K for the ensemble.
    pub fn default_passes(&self, method: Method) -> usize {
        let methods = &self.methods;
        match method {
            Method::Baseline => 1,
            Method::McDropout => methods
                .mc_dropout
                .as_ref()
                .map_or(1, |mc_dropout| mc_dropout.passes),
            Method::Ensemble => methods
                .ensemble
                .as_ref()
                .map_or(1, |ensemble| ensemble.members),
            Method::Tta => methods.tta.as_ref().map_or(1, |tta| tta.passes),
        }
    }

    /// The largest T that a request may ask for; `limit` is the server's own.
    pub fn most_passes(&self, method: Method, limit: usize) -> usize {
        let mc_dropout = self.methods.mc_dropout.as_ref();
        let fixed = mc_dropout
            .is_some_and(|mc_dropout| matches!(mc_dropout.sampling, Sampling::InGraph {}));
        match method {
            Method::McDropout if fixed => self.default_passes(method),
            Method::McDropout | Method::Tta => limit.max(self.default_passes(method)),
            Method::Baseline | Method::Ensemble => self.default_passes(method),
        }
    }

    /// How samples of a method are drawn, where that is dropout.
    pub fn sampling(&self, method: Method) -> Option<&Sampling> {
        let mc_dropout = self.methods.mc_dropout.as_ref();
        let mc_dropout = mc_dropout.filter(|_| method == Method::McDropout)?;
        Some(&mc_dropout.sampling)
    }

    /// Whether a head gives as many samples as it is asked for, instead of a number of its own.
    pub fn draws_any_number(&self, method: Method) -> bool {
        let sampling = self.sampling(method);
        matches!(
            sampling,
            Some(Sampling::Masks { .. } | Sampling::ActiveDropout {})
        )
    }

    /// Whether samples are drawn by running copies of an image's row.
    pub fn copies_rows(&self, method: Method) -> bool {
        matches!(self.sampling(method), Some(Sampling::ActiveDropout {}))
    }

    /// Whether the graph itself draws the samples of a method.
    pub fn has_active_dropout(&self, method: Method) -> bool {
        matches!(
            self.sampling(method),
            Some(Sampling::ActiveDropout {} | Sampling::InGraph {})
        )
    }
}
