//! From a request's options to what has to be run.

use super::options::PredictRequest;
use crate::{EngineError, LoadedModel, Subject, method::HeadCall};
use bundle::Method;
use uncertainty::Policy;

/// One method of a request.
#[derive(Clone, Debug)]
pub(crate) struct MethodPlan {
    pub(crate) method: Method,
    pub(crate) passes: usize,
    pub(crate) policy: Option<Policy>,
}

/// Everything that a request asks for: first the method of the answer, then those of `compare`.
#[derive(Clone, Debug)]
pub(crate) struct RequestPlan {
    pub(crate) methods: Vec<MethodPlan>,
    /// Take every view, whatever the bundle's stopping rule says.
    pub(crate) exact: bool,
    /// Which classes are abnormal.
    abnormal: Vec<bool>,
    /// Whether the original has to go through the trunk even if only its views are asked for: what is unlike the
    /// images of training is told by the image, not by what augmentation makes of it.
    tells_unlike: bool,
}

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

impl RequestPlan {
    /// Verifies a request's options against what the bundle offers.
    pub(crate) fn new(
        model: &LoadedModel,
        request: &PredictRequest,
        max_passes: usize,
    ) -> Result<Self, EngineError> {
        let offered = model.methods();
        let first = request
            .method
            .or(offered.first().copied())
            .unwrap_or(Method::Baseline);
        let asked: Vec<Method> = std::iter::once(first)
            .chain(request.compare.iter().copied())
            .collect();
        if let Some(method) = asked.iter().find(|method| !offered.contains(method)) {
            return Err(unsupported(model, *method, &offered));
        }
        if matches!(request.image, Subject::Tensor(_)) && asked.contains(&Method::Tta) {
            return Err(EngineError::NoViewsOfTensor);
        }
        request.image.check(&model.manifest().input)?;
        if let (Some(passes), true) = (
            request.passes,
            asked.iter().all(|method| *method == Method::Baseline),
        ) {
            let reason =
                "the baseline answers in one pass: leave `passes` out or choose another method"
                    .to_owned();
            return Err(EngineError::InvalidPasses { passes, reason });
        }
        let plan_of = |(index, method): (usize, &Method)| {
            Ok(MethodPlan {
                method: *method,
                passes: passes_of(model, *method, request.passes, max_passes)?,
                policy: policy_of(model, *method, request.policy.as_deref(), index == 0)?,
            })
        };
        let methods = asked
            .iter()
            .enumerate()
            .map(plan_of)
            .collect::<Result<_, EngineError>>()?;
        Ok(Self {
            methods,
            exact: request.exact,
            abnormal: model.manifest().abnormal_flags(),
            tells_unlike: model.out_of_distribution().is_some(),
        })
    }

    /// Images that go through the trunk: one for all methods but TTA and for the out-of-distribution score, and one per
    /// view. Where views may stop early, `share_of_views` of them are expected to be enough.
    pub(crate) fn cost(&self, share_of_views: f64) -> usize {
        let share = if self.exact { 1.0 } else { share_of_views };
        // From 0 to the number of views, since a share is within [0, 1].
        let expected = (self.views() as f64 * share).ceil() as usize;
        usize::from(self.needs_original()) + expected
    }

    /// How much the answer has room for.
    pub(crate) fn extent(&self, model: &LoadedModel, with_pictures: bool) -> Extent {
        Extent {
            methods: self.methods.len(),
            samples: self.methods.iter().map(|method| method.passes).sum(),
            pictures: if with_pictures { self.views() } else { 0 },
            picture_edge: model.manifest().input.size,
        }
    }

    /// Which classes are abnormal.
    pub(crate) fn abnormal(&self) -> &[bool] {
        &self.abnormal
    }

    /// Whether anything looks at the image as it was uploaded.
    pub(crate) fn needs_original(&self) -> bool {
        self.tells_unlike || self.methods.iter().any(|plan| plan.method != Method::Tta)
    }

    /// Number of augmented views, 0 without TTA.
    pub(crate) fn views(&self) -> usize {
        self.tta().map_or(0, |plan| plan.passes)
    }

    /// The plan of test-time augmentation, where it is asked for.
    pub(crate) fn tta(&self) -> Option<&MethodPlan> {
        self.methods.iter().find(|plan| plan.method == Method::Tta)
    }

    /// What the heads are asked of the original, in the order of `methods` without TTA.
    pub(crate) fn head_calls(&self, seed: u64) -> Vec<HeadCall> {
        let without_tta = self
            .methods
            .iter()
            .filter(|plan| plan.method != Method::Tta);
        without_tta
            .map(|plan| HeadCall {
                method: plan.method,
                passes: plan.passes,
                seed,
            })
            .collect()
    }
}

fn unsupported(model: &LoadedModel, method: Method, offered: &[Method]) -> EngineError {
    let offered: Vec<_> = offered.iter().map(|method| method.name()).collect();
    EngineError::UnsupportedMethod {
        model: model.name().to_owned(),
        method,
        offered: offered.join(", "),
    }
}

/// The baseline beside other methods keeps its one pass.
fn passes_of(
    model: &LoadedModel,
    method: Method,
    asked: Option<u32>,
    limit: usize,
) -> Result<usize, EngineError> {
    let manifest = model.manifest();
    let Some(passes) = asked.filter(|_| method != Method::Baseline) else {
        return Ok(manifest.default_passes(method));
    };
    let most = manifest.most_passes(method, limit);
    match usize::try_from(passes) {
        Ok(count) if (1..=most).contains(&count) => Ok(count),
        _ => Err(EngineError::InvalidPasses {
            passes,
            reason: format!("for `{method}` choose 1 to {most}"),
        }),
    }
}

/// A policy that was named must exist for the method that is asked for; for a comparison it applies where it exists.
fn policy_of(
    model: &LoadedModel,
    method: Method,
    asked: Option<&str>,
    must_exist: bool,
) -> Result<Option<Policy>, EngineError> {
    let manifest = model.manifest();
    let Some(name) = asked else {
        return Ok(manifest.default_policy(method).cloned());
    };
    let calibration = manifest.calibration.get(&method);
    let policies = calibration.map_or(&[][..], |calibration| &calibration.policies);
    let found = policies.iter().find(|policy| policy.name == name).cloned();
    if found.is_some() || !must_exist {
        return Ok(found);
    }
    let names: Vec<_> = policies.iter().map(|policy| policy.name.as_str()).collect();
    let hint = if names.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", names.join(", "))
    };
    Err(EngineError::UnknownPolicy {
        model: model.name().to_owned(),
        policy: name.to_owned(),
        method,
        hint,
    })
}
