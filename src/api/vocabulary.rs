//! The names of the interface. They stay the same when the inner types change.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use bundle::{Method, Precision};
use engine::Priority;
use uncertainty::{AcceptedAs, Action, Measure, Promise, Reason, Triage};

/// An enum of the interface with the same variants as an inner one.
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

/// The name of a value in JSON.
pub(crate) fn word(name: &impl Serialize) -> String {
    let json = serde_json::to_value(name).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

vocabulary! {
    /// A method of estimating uncertainty.
    MethodName = Method {
        /// One deterministic pass.
        Baseline,
        /// Monte Carlo dropout.
        McDropout,
        /// An ensemble of several heads.
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
    /// Which requests go first.
    PriorityName = Priority {
        /// A person waits for the answer.
        Interactive,
        /// A program processes many cells.
        Bulk,
    }
}

vocabulary! {
    /// The action of a decision.
    ActionName = Action {
        /// The policy's promise covers the answer.
        Accept,
        /// A person has to look at the cell.
        Refer,
    }
}

vocabulary! {
    /// Why a person has to look at the cell.
    ReasonName = Reason {
        /// The policy's measure is above its threshold, or undefined.
        Uncertain,
        /// The image is unlike the training images.
        OutOfDistribution,
        /// No policy decided: the request names none, and the model has no default policy for the
        /// method. Nothing is promised.
        NoPolicy,
        /// The cell is called abnormal: an abnormal class is the most probable one, or the abnormal
        /// classes together have a probability of at least 1/2. Every referred cell of this kind
        /// has this reason.
        Abnormal,
    }
}

vocabulary! {
    /// How soon a person should look at the cell, from first to last.
    TriageName = Triage {
        /// The cell is called high grade.
        HighGrade,
        /// The cell is called abnormal.
        Abnormal,
        /// The image is unlike the training images.
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
    /// What an accepted answer stands for, which is what the policy's promise is about.
    AcceptedAsName = AcceptedAs {
        /// The predicted class.
        Class,
        /// A normal cell of any normal class.
        Normal,
        /// An abnormal cell of any abnormal class.
        Abnormal,
    }
}

vocabulary! {
    /// A measure of uncertainty.
    MeasureName = Measure {
        /// Entropy of the mean probabilities, in nats.
        PredictiveEntropy,
        /// Mean entropy of the samples, in nats.
        ExpectedEntropy,
        /// Predictive minus expected entropy, in nats.
        MutualInformation,
        /// Entropy of the abnormal probability and its complement, in nats.
        AbnormalEntropy,
        /// Share of the samples whose most probable class is not the modal one.
        VariationRatio,
        /// Unbiased variance of the predicted class' probability.
        Variance,
        /// 1000 × variance.
        PaperVariance,
        /// The paper's entropy, in bits.
        PaperEntropy,
        /// The paper's sample mean.
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
