//! What quantising changed: the contents of `quantisation.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use bundle::{Agreement, Method, Precision};

/// Everything that was measured of one trunk against the 32-bit one.
#[derive(Clone, Debug, Serialize)]
pub struct QuantisationReport {
    /// The numbers in which the new trunk calculates.
    pub precision: Precision,
    /// SHA-256 of the manifest of the bundle that it was made from.
    pub made_from: String,
    /// Convolutions that were rewritten.
    pub convolutions: usize,
    /// Convolutions that stayed in 32-bit floats.
    pub convolutions_in_float32: usize,
    /// Images by which the ranges of activations were measured; 0 where none are needed.
    pub range_images: usize,
    /// Images that answers were compared on.
    pub images: usize,
    /// Whether those are the images that the ranges were measured on.
    pub same_images: bool,
    /// What runs the trunks: `cpu` or `cuda:N`.
    pub execution_provider: String,
    /// Size of the trunk's file.
    pub bytes: EnginePair<u64>,
    /// How long it takes.
    pub speed: Speed,
    /// What became of the answers, for each method.
    pub methods: BTreeMap<Method, MethodComparison>,
    /// What became of the out-of-distribution score; absent where the bundle has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_distribution: Option<UnlikeComparison>,
    /// What a reader must not miss, in sentences.
    pub remarks: Vec<String>,
}

/// A figure of the 32-bit trunk and the same of the new one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EnginePair<T> {
    /// Of the 32-bit trunk.
    pub float32: T,
    /// Of the new one.
    pub quantised: T,
}

/// How long the two trunks take for an image, on one thread, in turns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Speed {
    /// Time of the 32-bit trunk over that of the new one, the median over the rounds: above 1 the new one is faster.
    pub times_faster: f64,
    /// Rounds.
    pub rounds: usize,
    /// Whether the processor has instructions for 8-bit integers (VNNI).
    pub vnni: bool,
}

/// Answers of one method with both trunks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MethodComparison {
    /// Labels and decisions.
    #[serde(flatten)]
    pub agreement: Agreement,
    /// The policy that decided; absent where the method has none and everything is referred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Share of the images that is accepted.
    pub accepted: EnginePair<f64>,
    /// Largest difference of a class probability.
    pub largest_difference: f64,
    /// Mean absolute difference over images and classes.
    pub mean_difference: f64,
    /// Share of the images whose label is the known one; absent where none is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<EnginePair<f64>>,
    /// Images whose label is known.
    pub labelled: usize,
}

/// p-values of the out-of-distribution score with both trunks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnlikeComparison {
    /// Largest difference of a p-value.
    pub largest_difference: f64,
    /// Mean absolute difference.
    pub mean_difference: f64,
    /// Share of the images that is referred as unlike those of training.
    pub referred: EnginePair<f64>,
}

impl QuantisationReport {
    /// How often both trunks lead to the same answer, for the manifest.
    pub(super) fn agreement(&self) -> BTreeMap<Method, Agreement> {
        let methods = self.methods.iter();
        methods
            .map(|(method, of)| (*method, of.agreement))
            .collect()
    }

    /// Says aloud what may speak against the new trunk.
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
                    "{method}: {differing:.2}% of the decisions differ; the policies' promises were made with the float32 trunk"
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
                "p-values differ: they are held against calibration cells that the float32 trunk has seen".to_owned(),
            );
        }
        if self.images < Agreement::ENOUGH_IMAGES {
            self.remarks.push(format!(
                "{} images are too few for `auto` to take this trunk: compare on {} or more",
                self.images,
                Agreement::ENOUGH_IMAGES
            ));
        }
        if self.same_images && self.range_images > 0 {
            self.remarks.push(
                "the answers were compared on the images that set the ranges: name others with --compare-on to be sure".to_owned(),
            );
        }
    }
}
