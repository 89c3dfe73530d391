//! Turns a request's options into a plan of what to run.

use std::{sync::Arc, time::Instant};

use super::backlog::RequestLoad;
use crate::{EngineError, LoadedModel, Priority, method::HeadCall};
use bundle::Method;
use uncertainty::Policy;

/// Options of a request; they apply to each of its subjects.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    /// Name of the bundle; `None` for the default.
    pub model: Option<String>,
    /// Method of the answer; `None` for the bundle's first.
    pub method: Option<Method>,
    /// Further methods to compare, which share the trunk pass.
    pub compare: Vec<Method>,
    /// T, for methods that draw samples; `None` for the bundle's own.
    pub passes: Option<u32>,
    /// Seed of all random numbers; `None` derives it from the image.
    pub seed: Option<u64>,
    /// Name of the referral policy; `None` for the method's default.
    pub policy: Option<String>,
    /// Take every augmented view, even if fewer settle the decision.
    pub exact: bool,
    /// Return the augmented views as PNG files, too.
    pub pictures: bool,
    /// Priority in the queue.
    pub priority: Priority,
    /// The client's deadline, if there is one. Work that would be too late is refused or dropped.
    pub deadline: Option<Instant>,
}

/// One method of a request.
#[derive(Clone, Debug)]
pub(crate) struct MethodPlan {
    pub(crate) method: Method,
    pub(crate) passes: usize,
    pub(crate) policy: Option<Policy>,
}

/// A request's options, verified against a bundle: everything that has to run for each subject.
#[derive(Clone, Debug)]
pub struct RequestPlan {
    options: RequestOptions,
    /// The bundle, and its index among the loaded ones.
    model: Arc<LoadedModel>,
    pub(crate) index: usize,
    /// The method of the answer, then those of `compare`.
    pub(crate) methods: Vec<MethodPlan>,
    /// Which classes are abnormal.
    abnormal: Vec<bool>,
}

/// Upper bounds on the size of the answer for one image.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Number of methods.
    pub methods: usize,
    /// Number of samples of all methods together, C probabilities each.
    pub samples: usize,
    /// Number of pictures of augmented views.
    pub pictures: usize,
    /// Width and height of such a picture in pixels.
    pub picture_edge: u32,
}

impl RequestPlan {
    /// Verifies options against what the bundle offers.
    pub(crate) fn new(
        options: RequestOptions,
        (index, model): (usize, &Arc<LoadedModel>),
        max_passes: usize,
    ) -> Result<Self, EngineError> {
        let methods = methods_of(model, &options)?;
        let needs_no_passes = methods.iter().all(|method| *method == Method::Baseline);
        if let (Some(passes), true) = (options.passes, needs_no_passes) {
            let reason = "`baseline` has one pass; leave `passes` out, or choose another method";
            let reason = reason.to_owned();
            return Err(EngineError::InvalidPasses { passes, reason });
        }
        let mut plans = Vec::with_capacity(methods.len());
        for method in methods {
            plans.push(MethodPlan {
                method,
                passes: passes_of(model, method, options.passes, max_passes)?,
                policy: policy_of(model, method, options.policy.as_deref(), plans.is_empty())?,
            });
        }
        Ok(Self {
            options,
            model: Arc::clone(model),
            index,
            methods: plans,
            abnormal: model.manifest().abnormal_flags(),
        })
    }

    /// The request's options.
    pub fn options(&self) -> &RequestOptions {
        &self.options
    }

    /// The bundle that will answer.
    pub fn model(&self) -> &Arc<LoadedModel> {
        &self.model
    }

    /// Upper bounds on the size of the answer for one subject.
    pub fn extent(&self) -> Extent {
        let pictures = self.options.pictures;
        Extent {
            methods: self.methods.len(),
            samples: self.methods.iter().map(|method| method.passes).sum(),
            pictures: if pictures { self.views() } else { 0 },
            picture_edge: self.model.manifest().input.size,
        }
    }

    /// The load of one subject. If test-time augmentation may stop early, it is expected to take
    /// the share `share_of_views` of the views.
    pub(crate) fn load(&self, share_of_views: f64) -> RequestLoad {
        RequestLoad {
            cost: self.cost(share_of_views),
            priority: self.options.priority,
            deadline: self.options.deadline,
        }
    }

    /// Number of images through the trunk: one for all methods except TTA and for the
    /// out-of-distribution score, and one per view.
    fn cost(&self, share_of_views: f64) -> usize {
        let share = match self.options.exact {
            true => 1.0,
            false => share_of_views,
        };
        // From 0 to the number of views, because the share is in [0, 1].
        let expected = (self.views() as f64 * share).ceil() as usize;
        usize::from(self.needs_original()) + expected
    }

    /// Which classes are abnormal.
    pub(crate) fn abnormal(&self) -> &[bool] {
        &self.abnormal
    }

    /// Whether the original image goes through the trunk. The out-of-distribution score needs it,
    /// because augmented views may look different from training images.
    pub(crate) fn needs_original(&self) -> bool {
        self.model.out_of_distribution().is_some()
            || self.methods.iter().any(|plan| plan.method != Method::Tta)
    }

    /// Number of augmented views, 0 without TTA.
    pub(crate) fn views(&self) -> usize {
        self.tta().map_or(0, |plan| plan.passes)
    }

    /// The plan of test-time augmentation, if requested.
    pub(crate) fn tta(&self) -> Option<&MethodPlan> {
        self.methods.iter().find(|plan| plan.method == Method::Tta)
    }

    /// The calls of heads for the original image, in the order of `methods` without TTA.
    pub(crate) fn head_calls(&self, seed: u64) -> Vec<HeadCall> {
        let call = |plan: &MethodPlan| HeadCall {
            method: plan.method,
            passes: plan.passes,
            seed,
        };
        let methods = self.methods.iter();
        let without_tta = methods.filter(|plan| plan.method != Method::Tta);
        without_tta.map(call).collect()
    }
}

/// The method of the answer, then those of `compare`.
fn methods_of(model: &LoadedModel, options: &RequestOptions) -> Result<Vec<Method>, EngineError> {
    let offered = model.methods();
    let first = options.method.or(offered.first().copied());
    let mut methods = vec![first.unwrap_or(Method::Baseline)];
    methods.extend(&options.compare);
    let Some(method) = methods.iter().find(|method| !offered.contains(method)) else {
        return Ok(methods);
    };
    let offered: Vec<_> = offered.iter().map(|method| method.name()).collect();
    Err(EngineError::UnsupportedMethod {
        model: model.name().to_owned(),
        method: *method,
        offered: offered.join(", "),
    })
}

/// T of a method. `passes` does not apply to the baseline.
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
            reason: format!(
                "choose 1 to {most} for `{method}`, or leave `passes` out to use the number of the model"
            ),
        }),
    }
}

/// The policy of a method. A named policy must exist for the method of the answer; for a comparison
/// it applies if it exists.
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
        "it has no policies for this method: omit `policy`".to_owned()
    } else {
        format!("choose one of its policies ({})", names.join(", "))
    };
    Err(EngineError::UnknownPolicy {
        model: model.name().to_owned(),
        policy: name.to_owned(),
        method,
        hint,
    })
}
