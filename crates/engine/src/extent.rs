//! How much an answer has room for, said before anything is run.

use super::{Engine, EngineError, PredictRequest, plan::Plan};

/// What the answer for one image holds at most.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Number of methods that answer.
    pub methods: usize,
    /// Samples of all methods together, each a probability for every class.
    pub samples: usize,
    /// Pictures of augmented views.
    pub pictures: usize,
    /// Width and height of such a picture in pixels.
    pub picture_edge: u32,
}

impl Engine {
    /// How much the answer to a request has room for.
    ///
    /// # Errors
    /// What makes the request impossible, as in [`Engine::predict`].
    pub fn extent(&self, request: &PredictRequest) -> Result<Extent, EngineError> {
        let (_, model) = self.find(request.model.as_deref())?;
        let plan = Plan::new(model, request, self.shared.max_passes)?;
        Ok(Extent {
            methods: plan.methods.len(),
            samples: plan.methods.iter().map(|method| method.passes).sum(),
            pictures: if request.pictures { plan.views() } else { 0 },
            picture_edge: model.manifest().input.size,
        })
    }
}
