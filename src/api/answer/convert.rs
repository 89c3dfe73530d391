//! From the engine's answer to its JSON. The id is derived from the question, so that the same
//! question gets the same answer under the same id on every server.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Serialize;
use sha2::{Digest, Sha256};
use ulid::Ulid;

use super::{
    ClassProbability, Comparison, DecisionAnswer, ModelReference, OutOfDistributionAnswer,
    PaperScore, PaperUncertainty, Predicted, PredictionAnswer, Provenance, SamplesUsed, TimingMs,
    Uncertainty, WarningAnswer, WarningCode, prediction_set::prediction_set,
};
use crate::api::vocabulary::{MethodName, PrecisionName};
use bundle::{Label, Manifest, Method};
use engine::{
    ImageIdentity, LoadedModel, MethodAnswer, NormalisedPaperScores, Prediction, Timing, Warning,
};
use uncertainty::{Decision, Measure, Summary, Triage};

/// Name and version of this program in answers.
const SOFTWARE: &str = concat!("secondlook ", env!("CARGO_PKG_VERSION"));

/// The parts of the request that appear in its answer.
#[derive(Clone, Debug)]
pub struct AnswerOptions {
    /// The request's id.
    pub request_id: String,
    /// The accession.
    pub accession: Option<String>,
    /// Whether the samples are requested.
    pub with_samples: bool,
    /// Whether every augmented view was requested.
    pub exact: bool,
    /// The confidence of prediction sets.
    pub confidence: f64,
}

/// The JSON of a prediction.
pub fn prediction_answer(prediction: &Prediction, options: &AnswerOptions) -> PredictionAnswer {
    let model = &prediction.model;
    let written = |answer| {
        let mut written = comparison(answer, model.manifest(), options);
        written.samples.views = views(answer, &prediction.pictures);
        written
    };
    let main = written(&prediction.answer);
    let further = prediction.comparisons.iter();
    let mut answer = PredictionAnswer {
        id: String::new(),
        request_id: options.request_id.clone(),
        accession: options.accession.clone(),
        model: model_reference(model),
        method: main.method,
        prediction: main.prediction,
        probabilities: main.probabilities,
        uncertainty: main.uncertainty,
        samples: main.samples,
        ood: prediction.ood.map(|ood| OutOfDistributionAnswer {
            score: ood.score,
            p_value: ood.p_value,
        }),
        prediction_set: main.prediction_set,
        decision: main.decision,
        warnings: prediction.warnings.iter().map(Into::into).collect(),
        comparisons: further.map(written).collect(),
        provenance: Provenance {
            seed: prediction.seed,
            execution_provider: model.execution_provider().to_owned(),
            trunk_precision: model.trunk_precision().map(Into::into),
            software: SOFTWARE.to_owned(),
        },
        timing_ms: timing_ms(&prediction.timing),
    };
    let mut methods = std::iter::once(&prediction.answer).chain(&prediction.comparisons);
    let is_repeatable = methods.all(|answer| !model.manifest().has_active_dropout(answer.method));
    answer.id = id_of(&answer, &prediction.image, options, is_repeatable);
    answer
}

fn comparison(answer: &MethodAnswer, manifest: &Manifest, options: &AnswerOptions) -> Comparison {
    let labels = &manifest.labels;
    Comparison {
        method: answer.method.into(),
        prediction: predicted(answer, labels),
        probabilities: class_probabilities(&answer.summary, labels),
        uncertainty: uncertainty(&answer.summary, answer.normalised),
        samples: SamplesUsed {
            requested: answer.requested,
            used: answer.samples.passes(),
            stopped_early: answer.samples.passes() < answer.requested,
            values: options
                .with_samples
                .then(|| answer.samples.rows().map(<[f64]>::to_vec).collect()),
            views: None,
        },
        decision: decision(&answer.decision, answer.triage),
        prediction_set: prediction_set(answer, manifest, options.confidence),
    }
}

fn views(answer: &MethodAnswer, pictures: &[Vec<u8>]) -> Option<Vec<String>> {
    let wanted = answer.method == Method::Tta && !pictures.is_empty();
    let encoded = pictures.iter().map(|png| BASE64_STANDARD.encode(png));
    wanted.then(|| encoded.collect())
}

fn model_reference(model: &LoadedModel) -> ModelReference {
    let manifest = model.manifest();
    ModelReference {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        sha256: model.digest().to_owned(),
    }
}

fn predicted(answer: &MethodAnswer, labels: &[Label]) -> Predicted {
    let index = answer.summary.predicted;
    let label = labels.get(index);
    Predicted {
        label: label.map(|label| label.name.clone()).unwrap_or_default(),
        index,
        probability: answer.summary.confidence,
        abnormal_probability: answer.abnormal_probability(),
    }
}

fn class_probabilities(summary: &Summary, labels: &[Label]) -> Vec<ClassProbability> {
    let std_of = |class: usize| summary.std.as_ref().and_then(|std| std.get(class).copied());
    let classes = labels.iter().zip(&summary.mean).enumerate();
    let probability_of =
        |(class, (label, probability)): (usize, (&Label, &f64))| ClassProbability {
            label: label.name.clone(),
            probability: *probability,
            std: std_of(class),
        };
    classes.map(probability_of).collect()
}

fn uncertainty(summary: &Summary, normalised: NormalisedPaperScores) -> Uncertainty {
    let paper = &summary.paper;
    Uncertainty {
        predictive_entropy: summary.predictive_entropy,
        expected_entropy: summary.expected_entropy,
        mutual_information: summary.mutual_information,
        abnormal_entropy: Measure::AbnormalEntropy.of(summary),
        variation_ratio: summary.variation_ratio,
        variance: summary.variance,
        paper: PaperUncertainty {
            variance: PaperScore {
                value: paper.variance,
                normalised: normalised.variance,
            },
            entropy: PaperScore {
                value: Some(paper.entropy),
                normalised: normalised.entropy,
            },
            sample_mean: PaperScore {
                value: Some(paper.sample_mean),
                normalised: normalised.sample_mean,
            },
        },
    }
}

fn decision(decision: &Decision, triage: Triage) -> DecisionAnswer {
    DecisionAnswer {
        question: decision.question.map(str::to_owned),
        triage: triage.into(),
        action: decision.action.into(),
        policy: decision.policy.clone(),
        accepted_as: decision.accepted_as.map(Into::into),
        reasons: decision.reasons.iter().copied().map(Into::into).collect(),
    }
}

impl From<&Warning> for WarningAnswer {
    fn from(warning: &Warning) -> Self {
        let code = match warning {
            Warning::CropSize { .. } => WarningCode::CropSize,
            Warning::Passes { .. } => WarningCode::Passes,
            Warning::ScaleAssumed { .. } => WarningCode::ScaleAssumed,
        };
        Self {
            code,
            detail: warning.to_string(),
        }
    }
}

fn timing_ms(timing: &Timing) -> TimingMs {
    TimingMs {
        queue: milliseconds(timing.queue),
        decode: milliseconds(timing.decode),
        inference: milliseconds(timing.inference),
        total: milliseconds(timing.total),
    }
}

/// Milliseconds with three decimals.
pub(in crate::api) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Everything that an answer depends on. Defaults count as the values that they stand for.
#[derive(Serialize)]
struct AskedQuestion<'answer> {
    image: &'answer ImageIdentity,
    accession: Option<&'answer str>,
    bundle: &'answer str,
    /// Each with its number of samples and its policy.
    methods: Vec<(MethodName, usize, Option<&'answer str>)>,
    seed: u64,
    /// Trunks of other precisions give other answers.
    trunk_precision: Option<PrecisionName>,
    exact: bool,
    /// Confidence of the prediction sets.
    confidence: f64,
    with_samples: bool,
    with_views: bool,
    /// They say whether the scale of a field was given.
    warnings: Vec<WarningCode>,
    /// A unique name for an answer that cannot be repeated.
    drawn_once: Option<String>,
}

/// The id of the answer. If a graph draws its samples by itself, no seed repeats them, and each
/// answer has a unique id.
fn id_of(
    answer: &PredictionAnswer,
    image: &ImageIdentity,
    options: &AnswerOptions,
    is_repeatable: bool,
) -> String {
    let main = (answer.method, &answer.samples, &answer.decision);
    let further = answer.comparisons.iter();
    let further = further.map(|answer| (answer.method, &answer.samples, &answer.decision));
    let all = || std::iter::once(main).chain(further.clone());
    let methods = all().map(|(method, samples, decision)| {
        let policy = decision.policy.as_deref();
        (method, samples.requested, policy)
    });
    let question = AskedQuestion {
        image,
        accession: answer.accession.as_deref(),
        bundle: &answer.model.sha256,
        methods: methods.collect(),
        seed: answer.provenance.seed,
        trunk_precision: answer.provenance.trunk_precision,
        exact: options.exact && all().any(|(method, ..)| method == MethodName::Tta),
        confidence: options.confidence,
        with_samples: answer.samples.values.is_some(),
        with_views: all().any(|(_, samples, _)| samples.views.is_some()),
        warnings: answer.warnings.iter().map(|warning| warning.code).collect(),
        drawn_once: (!is_repeatable).then(|| Ulid::new().to_string()),
    };
    // In the form of a ULID, with 26 letters and digits.
    Ulid(digest_of(&question, 0)).to_string()
}

/// The first 128 bits of the SHA-256 of a value's JSON.
pub(in crate::api) fn digest_of(content: &impl Serialize, copy: usize) -> u128 {
    // These types are strings, numbers and lists, so writing cannot fail.
    let json = serde_json::to_vec(content).unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(&json);
    if copy > 0 {
        hash.update(copy.to_be_bytes());
    }
    let bytes = hash.finalize();
    let bytes = bytes.first_chunk().copied().unwrap_or_default();
    u128::from_be_bytes(bytes)
}
