//! The results of a quantisation: the contents of `quantisation.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use bundle::{Agreement, Method, Precision};

/// The comparison of a new trunk with the 32-bit trunk.
#[derive(Clone, Debug, Serialize)]
pub struct QuantisationReport {
    /// The precision of the new trunk.
    pub precision: Precision,
    /// SHA-256 of the source bundle's manifest.
    pub made_from: String,
    /// Number of rewritten convolutions.
    pub convolutions: usize,
    /// Number of convolutions that stayed in 32-bit floats.
    pub convolutions_in_float32: usize,
    /// Number of images for the ranges of activations; 0 if no ranges are needed.
    pub range_images: usize,
    /// Number of images for the comparison of answers.
    pub images: usize,
    /// Whether the same images were used for ranges and comparison.
    pub same_images: bool,
    /// The execution provider: `cpu` or `cuda:N`.
    pub execution_provider: String,
    /// Size of the trunk's file in bytes.
    pub bytes: EnginePair<u64>,
    /// The comparison of durations.
    pub speed: Speed,
    /// The comparison of answers, for each method.
    pub methods: BTreeMap<Method, MethodComparison>,
    /// The comparison of the out-of-distribution score; absent if the bundle has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_distribution: Option<UnlikeComparison>,
    /// Important remarks, one sentence each.
    pub remarks: Vec<String>,
}

/// A figure for the 32-bit trunk and for the new one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EnginePair<T> {
    /// For the 32-bit trunk.
    pub float32: T,
    /// For the new trunk.
    pub quantised: T,
}

/// Durations of both trunks for an image, on one thread, measured in turns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// Duration of the 32-bit trunk divided by that of the new one, as the median over the rounds.
    /// Above 1 the new trunk is faster.
    pub times_faster: f64,
    /// Number of rounds.
    pub rounds: usize,
    /// Whether the processor has instructions for 8-bit integers (VNNI).
    pub vnni: bool,
}

/// Comparison of the answers of one method.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MethodComparison {
    /// Agreement of labels and decisions.
    #[serde(flatten)]
    pub agreement: Agreement,
    /// Name of the policy that decided; absent if the method has none, so that everything is
    /// referred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Share of accepted images.
    pub accepted: EnginePair<f64>,
    /// Largest difference of a class probability.
    pub largest_difference: f64,
    /// Mean absolute difference of class probabilities.
    pub mean_difference: f64,
    /// Share of labelled images with the right answer; absent without labelled images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<EnginePair<f64>>,
    /// Number of labelled images.
    pub labelled: usize,
}

/// Comparison of the p-values of the out-of-distribution score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnlikeComparison {
    /// Largest difference of a p-value.
    pub largest_difference: f64,
    /// Mean absolute difference.
    pub mean_difference: f64,
    /// Share of images that are referred as out of distribution.
    pub referred: EnginePair<f64>,
}

impl QuantisationReport {
    /// The agreement of both trunks, for the manifest.
    pub(super) fn agreement(&self) -> BTreeMap<Method, Agreement> {
        let methods = self.methods.iter();
        methods
            .map(|(method, of)| (*method, of.agreement))
            .collect()
    }

    /// Adds remarks about disadvantages of the new trunk.
    pub(super) fn remark(&mut self) {
        let name = self.precision;
        if self.speed.times_faster < 1.0 {
            self.remarks.push(format!(
                "on this machine the {name} trunk is slower than the float32 one"
            ));
        }
        for (method, of) in &self.methods {
            let differing = 100.0 * (1.0 - of.agreement.equal_decisions);
            if differing > 0.0 {
                self.remarks.push(format!(
                    "{method}: {differing:.2}% of the decisions differ; the promises of the policies were certified with the float32 trunk"
                ));
            }
            if of.accuracy.is_some_and(|of| of.quantised < of.float32) {
                self.remarks
                    .push(format!("{method}: accuracy is lower with the {name} trunk"));
            }
        }
        let unlike = self.out_of_distribution.as_ref();
        if unlike.is_some_and(|unlike| unlike.largest_difference > 0.0) {
            self.remarks.push(
                "p-values differ: the out-of-distribution model was calibrated with the float32 trunk".to_owned(),
            );
        }
        if self.images < Agreement::ENOUGH_IMAGES {
            self.remarks.push(format!(
                "{} images are too few for `auto` to use this trunk: compare on {} or more",
                self.images,
                Agreement::ENOUGH_IMAGES
            ));
        }
        if self.same_images && self.range_images > 0 {
            self.remarks.push(
                "the answers were compared on the same images as the ranges were measured on: name other images with --compare-on".to_owned(),
            );
        }
    }
}
