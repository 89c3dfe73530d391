//! The words of the interface, which stay when the inner types change.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use bundle::{Method, Precision};
use engine::Priority;
use uncertainty::{AcceptedAs, Action, Measure, Promise, Reason, Triage};

/// An enum of the interface with the same names as an inner one.
macro_rules! vocabulary {
    ($(#[$attribute:meta])* $name:ident = $inner:ident { $($(#[$of_variant:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$of_variant])* $variant),+ }

        impl From<$inner> for $name {
            fn from(inner: $inner) -> Self {
                match inner { $($inner::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for $inner {
            fn from(name: $name) -> Self {
                match name { $($name::$variant => Self::$variant),+ }
            }
        }
    };
}

/// The word that JSON has for a name.
pub(crate) fn word(name: &impl Serialize) -> String {
    let json = serde_json::to_value(name).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

vocabulary! {
    /// A way of asking the model how sure it is.
    MethodName = Method {
        /// One deterministic pass.
        Baseline,
        /// Monte Carlo dropout.
        McDropout,
        /// Several heads.
        Ensemble,
        /// Test-time augmentation.
        Tta,
    }
}

vocabulary! {
    /// The numbers in which a trunk calculates.
    PrecisionName = Precision {
        /// 32-bit floats, as it was trained and calibrated.
        Float32,
        /// 8-bit integers.
        Int8,
        /// 16-bit floats.
        Float16,
    }
}

vocabulary! {
    /// Who waits for the answer.
    PriorityName = Priority {
        /// Somebody looks at the screen.
        Interactive,
        /// A program works through many cells.
        Bulk,
    }
}

vocabulary! {
    /// What to do with an answer.
    ActionName = Action {
        /// The policy's promise covers it.
        Accept,
        /// A person has to look.
        Refer,
    }
}

vocabulary! {
    /// Why a person has to look.
    ReasonName = Reason {
        /// The policy's measure is above its threshold, or undefined.
        Uncertain,
        /// The image is unlike those that the model was trained on.
        OutOfDistribution,
        /// No policy decided: none was named, and the model has none that may decide unasked. So nothing is promised.
        NoPolicy,
        /// The cell is called abnormal: an abnormal class is the most probable one, or the abnormal classes together have a
        /// probability of at least 1/2. Every referred cell of this kind says so.
        Abnormal,
    }
}

vocabulary! {
    /// How soon a person should look, from the first to the last.
    TriageName = Triage {
        /// The cell is called high grade.
        HighGrade,
        /// The cell is called abnormal.
        Abnormal,
        /// The image is unlike those that the model was trained on.
        Unlike,
        /// Referred for any other reason.
        Unsure,
        /// Accepted.
        Accepted,
    }
}

/// Normal, low grade (abnormal and not high grade) or high grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GradeName {
    /// A normal class.
    Normal,
    /// An abnormal class that is not high grade.
    LowGrade,
    /// A high-grade class.
    HighGrade,
}

/// Normal or abnormal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AbnormalityName {
    /// A normal class.
    Normal,
    /// An abnormal class.
    Abnormal,
}

vocabulary! {
    /// What an accepted answer stands for: what the policy's promise is about.
    AcceptedAsName = AcceptedAs {
        /// The predicted class.
        Class,
        /// A normal cell, whichever normal class it has.
        Normal,
        /// An abnormal cell, whichever abnormal class it has.
        Abnormal,
    }
}

vocabulary! {
    /// A number for how unsure an answer is.
    MeasureName = Measure {
        /// Entropy of the mean probabilities, in nats.
        PredictiveEntropy,
        /// Mean entropy of the samples, in nats.
        ExpectedEntropy,
        /// Predictive minus expected entropy, in nats.
        MutualInformation,
        /// Entropy of the abnormal probability and its complement, in nats.
        AbnormalEntropy,
        /// Share of the samples that did not vote for the modal class.
        VariationRatio,
        /// Unbiased variance of the predicted class' probability.
        Variance,
        /// 1000 × variance.
        PaperVariance,
        /// The publication's entropy, in bits.
        PaperEntropy,
        /// The publication's sample mean.
        PaperSampleMean,
    }
}

vocabulary! {
    /// What a referral policy promises.
    PromiseName = Promise {
        /// Of the accepted cells, at most α are normal called abnormal or abnormal called normal.
        #[serde(rename = "accept_error_2_classes")]
        AcceptError2Classes,
        /// Of the accepted cells, at most α have another class than the predicted one.
        AcceptError,
        /// Of the abnormal cells, at most α are accepted as normal.
        MissedAbnormal,
        /// Of the cells accepted, all of them called normal, at most α are abnormal.
        AutoClear,
        /// Of the abnormal cells, at most α are accepted; only cells called normal are accepted.
        ClearMissedAbnormal,
        /// Of the high-grade cells, at most α are accepted; only cells called normal are accepted.
        ClearMissedHighGrade,
    }
}
