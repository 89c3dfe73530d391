//! What an answer is to be taken with.

use std::fmt;

use crate::{
    LoadedModel,
    admission::{FieldScale, RequestPlan},
};
use bundle::{Input, Method};

/// Sides that differ by more than this share from those of training do not fit, where the bundle knows its scale.
const TOLERANCE: f64 = 0.1;
/// The same where crops of training had no common scale: a factor of two.
const TOLERANCE_WITHOUT_SCALE: f64 = 1.0;

/// Something about what was asked that makes its answer worth less. Its text says what, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The crop does not have the size of those that the bundle was trained on.
    CropSize {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Edge in pixels of the squares of training.
        trained_on: u32,
    },
    /// A policy decides on another number of samples than it was calibrated with.
    Passes {
        /// The method.
        method: Method,
        /// Samples that were asked for.
        passes: usize,
        /// Samples that the bundle takes.
        calibrated: usize,
    },
    /// Nobody gave the scale of a field, and its width is not that of the bundle's fields.
    ScaleAssumed {
        /// Width in pixels.
        width: u32,
        /// Width in pixels of the fields of training.
        trained_on: u32,
    },
}

impl Warning {
    /// What is to be said of policies that decide on more or fewer samples than those whose risk was measured.
    pub(crate) fn of_passes(plan: &RequestPlan) -> impl Iterator<Item = Warning> {
        let manifest = plan.model().manifest();
        let with_policy = plan.methods.iter().filter(|plan| plan.policy.is_some());
        with_policy.filter_map(|plan| {
            let calibrated = manifest.default_passes(plan.method);
            (plan.passes != calibrated).then_some(Warning::Passes {
                method: plan.method,
                passes: plan.passes,
                calibrated,
            })
        })
    }

    /// What is to be said of an upload of this size.
    pub(crate) fn of_upload(input: &Input, (width, height): (u32, u32)) -> Option<Warning> {
        let has_scale = input.source_width_px.is_some() || input.micrometres_per_pixel.is_some();
        let tolerance = if has_scale {
            TOLERANCE
        } else {
            TOLERANCE_WITHOUT_SCALE
        };
        let trained_on = f64::from(input.crop_edge_px);
        let fits = |side: u32| {
            let ratio = f64::from(side) / trained_on;
            ratio.max(1.0 / ratio) <= 1.0 + tolerance
        };
        (!fits(width) || !fits(height)).then_some(Warning::CropSize {
            width,
            height,
            trained_on: input.crop_edge_px,
        })
    }

    /// What is to be said of a field of this width in pixels whose scale nobody gave, unless it is that of the bundle's fields.
    pub fn of_field(model: &LoadedModel, width: u32, scale: FieldScale) -> Option<Warning> {
        let trained_on = model.manifest().input.source_width_px?;
        let fits = width == trained_on || scale != FieldScale::Assumed;
        (!fits).then_some(Warning::ScaleAssumed { width, trained_on })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CropSize {
                width,
                height,
                trained_on,
            } => write!(
                formatter,
                "the image has {width} × {height} px and the model was trained on crops of {trained_on} × {trained_on} px around the nucleus: cut the cell that way, or send the field and its nuclei to /v1/fields"
            ),
            Self::Passes {
                method,
                passes,
                calibrated,
            } => write!(
                formatter,
                "`{method}` was asked for {passes} samples and its policy was calibrated with {calibrated}: what the policy promises does not hold for this answer; leave `passes` out"
            ),
            Self::ScaleAssumed { width, trained_on } => write!(
                formatter,
                "the field is {width} px wide and those of training were {trained_on} px: if its pixels have another size, say so with `source_width_px`"
            ),
        }
    }
}
