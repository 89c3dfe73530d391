//! From a request's options to what has to be run.

use std::{sync::Arc, time::Instant};

use super::backlog::RequestLoad;
use crate::{EngineError, LoadedModel, Priority, method::HeadCall};
use bundle::Method;
use uncertainty::Policy;

/// What is wanted of each subject of a request.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    /// Name of the bundle; the first one when absent.
    pub model: Option<String>,
    /// The method that makes the answer; the bundle's first when absent.
    pub method: Option<Method>,
    /// Further methods, answered from the same trunk pass.
    pub compare: Vec<Method>,
    /// T, for the methods that draw samples; the bundle's own when absent.
    pub passes: Option<u32>,
    /// Seed of every random choice; derived from the image when absent.
    pub seed: Option<u64>,
    /// Name of the referral policy; the method's default when absent.
    pub policy: Option<String>,
    /// Take every augmented view, even when fewer settle the decision.
    pub exact: bool,
    /// Make pictures of the augmented views, too.
    pub pictures: bool,
    /// Whether somebody looks at the screen or a program works through many cells.
    pub priority: Priority,
    /// When the client stops waiting, if it says so: work that would come too late is refused or dropped.
    pub deadline: Option<Instant>,
}

/// One method of a request.
#[derive(Clone, Debug)]
pub(crate) struct MethodPlan {
    pub(crate) method: Method,
    pub(crate) passes: usize,
    pub(crate) policy: Option<Policy>,
}

/// A request's options, held against what a bundle offers: everything that has to be run for each of its subjects.
#[derive(Clone, Debug)]
pub struct RequestPlan {
    options: RequestOptions,
    /// The bundle, and its place among those that are loaded.
    model: Arc<LoadedModel>,
    pub(crate) index: usize,
    /// First the method of the answer, then those of `compare`.
    pub(crate) methods: Vec<MethodPlan>,
    /// Which classes are abnormal.
    abnormal: Vec<bool>,
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
    /// Verifies options against what the bundle offers.
    pub(crate) fn new(
        options: RequestOptions,
        (index, model): (usize, &Arc<LoadedModel>),
        max_passes: usize,
    ) -> Result<Self, EngineError> {
        let methods = methods_of(model, &options)?;
        let needs_no_passes = methods.iter().all(|method| *method == Method::Baseline);
        if let (Some(passes), true) = (options.passes, needs_no_passes) {
            let reason =
                "the baseline answers in one pass: leave `passes` out or choose another method";
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

    /// What was asked for.
    pub fn options(&self) -> &RequestOptions {
        &self.options
    }

    /// The bundle that will answer.
    pub fn model(&self) -> &Arc<LoadedModel> {
        &self.model
    }

    /// How much the answer for one subject has room for.
    pub fn extent(&self) -> Extent {
        let pictures = self.options.pictures;
        Extent {
            methods: self.methods.len(),
            samples: self.methods.iter().map(|method| method.passes).sum(),
            pictures: if pictures { self.views() } else { 0 },
            picture_edge: self.model.manifest().input.size,
        }
    }

    /// What a subject costs. Where views may stop early, `share_of_views` of them are expected to be enough.
    pub(crate) fn load(&self, share_of_views: f64) -> RequestLoad {
        RequestLoad {
            cost: self.cost(share_of_views),
            priority: self.options.priority,
            deadline: self.options.deadline,
        }
    }

    /// Images that go through the trunk: one for all methods but TTA and for the out-of-distribution score, and one per
    /// view.
    fn cost(&self, share_of_views: f64) -> usize {
        let share = match self.options.exact {
            true => 1.0,
            false => share_of_views,
        };
        // From 0 to the number of views, since a share is within [0, 1].
        let expected = (self.views() as f64 * share).ceil() as usize;
        usize::from(self.needs_original()) + expected
    }

    /// Which classes are abnormal.
    pub(crate) fn abnormal(&self) -> &[bool] {
        &self.abnormal
    }

    /// Whether anything looks at the image as it was uploaded: what is unlike the images of training is told by the image, not by
    /// what augmentation makes of it.
    pub(crate) fn needs_original(&self) -> bool {
        self.model.out_of_distribution().is_some()
            || self.methods.iter().any(|plan| plan.method != Method::Tta)
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
