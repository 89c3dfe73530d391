//! Compares the answers of both trunks for the same images.

use std::{collections::BTreeMap, fs};

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::{
    LabelledImage, QuantiseError,
    report::{EnginePair, MethodComparison, UnlikeComparison},
};
use bundle::{Agreement, Manifest, Method};
use engine::{Engine, EngineError, MethodAnswer, Prediction, Priority, RequestOptions, Subject};
use uncertainty::Action;

/// Number of images in progress.
const IN_FLIGHT: usize = 8;

/// The comparisons by method, and that of the out-of-distribution score if the bundle has one.
pub(super) type Comparisons = (BTreeMap<Method, MethodComparison>, Option<UnlikeComparison>);

/// Answers every image with both engines by each of `methods`. Calls `done` after each image.
pub(super) async fn compare(
    engines: &EnginePair<Engine>,
    methods: &[Method],
    images: &[LabelledImage],
    done: impl Fn(),
) -> Result<Comparisons, QuantiseError> {
    let answers = stream::iter(images)
        .map(|image| answer(engines, methods, image))
        .buffered(IN_FLIGHT)
        .inspect_ok(|_| done());
    let answers: Vec<AnsweredImage> = answers.try_collect().await?;
    let of_method = |(index, method): (usize, &Method)| Some((*method, summary(&answers, index)?));
    let compared = methods.iter().enumerate().filter_map(of_method).collect();
    let manifest = engines.float32.models().first();
    Ok((
        compared,
        manifest.and_then(|model| unlike(&answers, model.manifest())),
    ))
}

/// The kept results of an image.
struct AnsweredImage {
    label: Option<usize>,
    /// In the order of the methods.
    methods: Vec<EnginePair<KeptAnswer>>,
    p_values: Option<EnginePair<f64>>,
}

/// The kept part of an answer.
struct KeptAnswer {
    label: usize,
    accepted: bool,
    policy: Option<String>,
    probabilities: Vec<f64>,
}

async fn answer(
    engines: &EnginePair<Engine>,
    methods: &[Method],
    image: &LabelledImage,
) -> Result<AnsweredImage, QuantiseError> {
    let options = RequestOptions {
        method: methods.first().copied(),
        compare: methods.iter().skip(1).copied().collect(),
        priority: Priority::Bulk,
        ..RequestOptions::default()
    };
    let bytes = fs::read(&image.path).map_err(QuantiseError::file(&image.path))?;
    let subject = Subject::from(bytes);
    let refused = |source| QuantiseError::Answer {
        path: image.path.clone(),
        source,
    };
    let float32 = ask(&engines.float32, options.clone(), subject.clone());
    let float32 = float32.await.map_err(refused)?;
    let quantised = ask(&engines.quantised, options, subject).await;
    let quantised = quantised.map_err(refused)?;
    let p_values = float32.ood.zip(quantised.ood);
    let pairs = answers_of(&float32).zip(answers_of(&quantised));
    Ok(AnsweredImage {
        label: image.label,
        methods: pairs
            .map(|(float32, quantised)| EnginePair { float32, quantised })
            .collect(),
        p_values: p_values.map(|(float32, quantised)| EnginePair {
            float32: float32.p_value,
            quantised: quantised.p_value,
        }),
    })
}

async fn ask(
    engine: &Engine,
    options: RequestOptions,
    subject: Subject,
) -> Result<Prediction, EngineError> {
    let plan = engine.plan(options)?;
    engine.predict(&plan, subject).await
}

fn answers_of(prediction: &Prediction) -> impl Iterator<Item = KeptAnswer> {
    let all = std::iter::once(&prediction.answer).chain(&prediction.comparisons);
    all.map(|answer: &MethodAnswer| KeptAnswer {
        label: answer.summary.predicted,
        accepted: answer.decision.action == Action::Accept,
        policy: answer.decision.policy.clone(),
        probabilities: answer.summary.mean.clone(),
    })
}

/// The comparison for one method; `None` without images.
fn summary(answers: &[AnsweredImage], method: usize) -> Option<MethodComparison> {
    let images = answers.iter();
    let pairs: Vec<(Option<usize>, &EnginePair<KeptAnswer>)> = images
        .filter_map(|image| Some((image.label, image.methods.get(method)?)))
        .collect();
    let (_, first) = pairs.first()?;
    let all = || pairs.iter().map(|(_, pair)| *pair);
    let differences = all().flat_map(|pair| {
        let quantised = pair.quantised.probabilities.iter();
        let both = pair.float32.probabilities.iter().zip(quantised);
        both.map(|(float32, quantised)| (float32 - quantised).abs())
    });
    let known = pairs
        .iter()
        .filter_map(|(label, pair)| Some(((*label)?, *pair)));
    let known: Vec<(usize, &EnginePair<KeptAnswer>)> = known.collect();
    let right = |label_of: fn(&EnginePair<KeptAnswer>) -> usize| {
        share(known.iter().map(|(label, pair)| label_of(pair) == *label))
    };
    Some(MethodComparison {
        agreement: Agreement {
            images: pairs.len(),
            equal_labels: share(all().map(|pair| pair.float32.label == pair.quantised.label)),
            equal_decisions: share(
                all().map(|pair| pair.float32.accepted == pair.quantised.accepted),
            ),
        },
        policy: first.float32.policy.clone(),
        accepted: EnginePair {
            float32: share(all().map(|pair| pair.float32.accepted)),
            quantised: share(all().map(|pair| pair.quantised.accepted)),
        },
        largest_difference: differences.clone().fold(0.0, f64::max),
        mean_difference: mean(differences),
        accuracy: (!known.is_empty()).then(|| EnginePair {
            float32: right(|pair| pair.float32.label),
            quantised: right(|pair| pair.quantised.label),
        }),
        labelled: known.len(),
    })
}

fn unlike(answers: &[AnsweredImage], manifest: &Manifest) -> Option<UnlikeComparison> {
    let limit = manifest.out_of_distribution.as_ref()?.refer_below;
    let pairs: Option<Vec<EnginePair<f64>>> = answers.iter().map(|image| image.p_values).collect();
    let pairs = pairs?;
    let differences = pairs.iter();
    let differences = differences.map(|pair| (pair.float32 - pair.quantised).abs());
    Some(UnlikeComparison {
        largest_difference: differences.clone().fold(0.0, f64::max),
        mean_difference: mean(differences),
        referred: EnginePair {
            float32: share(pairs.iter().map(|pair| pair.float32 < limit)),
            quantised: share(pairs.iter().map(|pair| pair.quantised < limit)),
        },
    })
}

/// The share of true values; 0 without values.
fn share(holds: impl Iterator<Item = bool>) -> f64 {
    mean(holds.map(|holds| f64::from(u8::from(holds))))
}

/// The mean; 0 without values.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}
