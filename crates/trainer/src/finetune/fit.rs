//! The whole of a fine-tuning: from cells to a trunk and heads.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use burn::tensor::Device;
use indicatif::ProgressBar;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::{
    HeadWeights, TrainingError,
    finetune::{
        batches::{AHEAD, Batch, BatchPlan, Batches},
        checkpoint,
        heads::initial_heads,
        loss::Objective,
        model::Model,
        optimiser::Learner,
        recipe::FineTuneRecipe,
        sampling::{CellLabels, Sampler},
        sources::CellSource,
    },
    lite0::{BLOCKS, FEATURES, Frozen, Lite0Tail, put_back},
    random,
};
use bundle::{Mask, Method, onnx::ModelProto};
use engine::Runtime;
use imaging::Normalisation;

/// What is to be learnt.
#[derive(Clone, Copy)]
pub struct FineTuneRequest<'a> {
    /// Runs the frozen blocks.
    pub runtime: &'a Runtime,
    /// The pretrained trunk.
    pub trunk: &'a ModelProto,
    /// How a byte becomes a number of the trunk's input.
    pub normalisation: &'a Normalisation,
    /// The cells to learn from.
    pub sources: &'a [CellSource],
    /// Their classes and fields, in the same order.
    pub labels: CellLabels<'a>,
    /// Threads for the trained blocks; one more makes the views. The result does not depend on it.
    pub threads: usize,
}

/// What was learnt.
pub struct FineTuned {
    /// The trunk with its trained weights put back.
    pub trunk: ModelProto,
    /// The heads of every method that has some.
    pub heads: BTreeMap<Method, HeadWeights>,
    /// What Monte Carlo dropout lays over the features, for its graph and its scores.
    pub masks: Vec<Mask>,
    /// Mean loss of each epoch that was run now.
    pub losses: Vec<f32>,
}

/// Trains trunk and heads together. With a `checkpoint`, the state is kept there after each epoch, and a later call with the
/// same arguments goes on from it and ends with the same bits.
///
/// # Errors
/// A recipe or cells that make no sense, a trunk that is not EfficientNet-Lite0, a checkpoint of another training, or a
/// training that came to numbers that are not finite.
pub fn fine_tune(
    request: &FineTuneRequest<'_>,
    recipe: &FineTuneRecipe,
    seed: u64,
    purpose: &str,
    checkpoint: Option<&Path>,
    progress: &ProgressBar,
) -> Result<FineTuned, TrainingError> {
    check(request, recipe)?;
    let frozen = frozen(recipe)?;
    let sampler = Sampler::new(&recipe.sampling, &request.labels);
    let plan = BatchPlan {
        sources: request.sources,
        sampler: &sampler,
        normalisation: request.normalisation,
        recipe,
        seed,
        purpose,
    };
    let model = model(request, &sampler, &plan, frozen)?;
    let digest = digest(request, &plan)?;
    let mut learner = Learner::new(model.first_values(&first_heads(&model, &plan)));
    let done = match checkpoint {
        Some(path) => checkpoint::read(path, &digest, &mut learner)?,
        None => 0,
    };
    progress.inc_length((recipe.epochs * plan.steps_per_epoch()) as u64);
    progress.inc((done * plan.steps_per_epoch()) as u64);
    let batches = Batches::open(plan, request.runtime, request.trunk, frozen)?;
    let (to, from) = sync_channel(AHEAD);
    let mut losses = Vec::new();
    thread::scope(|scope| {
        scope.spawn(move || batches.send(done..recipe.epochs, &to));
        for epoch in done..recipe.epochs {
            losses.push(learn_epoch(&model, &plan, &mut learner, &from, progress)?);
            if let Some(path) = checkpoint {
                checkpoint::write(path, &digest, &learner, epoch + 1)?;
            }
        }
        // without a listener the other thread ends
        drop(from);
        Ok::<(), TrainingError>(())
    })?;
    let (tail, heads) = model.with_values(&learner.averages)?;
    Ok(FineTuned {
        trunk: put_back(request.trunk, &tail)?,
        heads,
        masks: vec![recipe.heads.feature_mask(FEATURES)],
        losses,
    })
}

/// Mean loss of the epoch.
fn learn_epoch(
    model: &Model<'_>,
    plan: &BatchPlan<'_>,
    learner: &mut Learner,
    from: &Receiver<Result<Batch, TrainingError>>,
    progress: &ProgressBar,
) -> Result<f32, TrainingError> {
    let (steps, recipe) = (plan.steps_per_epoch(), plan.recipe);
    let groups = model.groups(&recipe.optimiser);
    let mut sum = 0.0;
    for _ in 0..steps {
        // Whoever makes the views leaves early only when it panicked, and an epoch without them has taught nothing.
        let ended = || TrainingError::Impossible("the views of an epoch ended early".to_owned());
        let batch = from.recv().map_err(|_| ended())?;
        let (loss, gradients) = model.gradient(&learner.values, &batch?)?;
        learner.take_step(
            &gradients,
            &groups,
            &recipe.optimiser,
            &recipe.schedule,
            steps * recipe.epochs,
        );
        sum += loss;
        progress.inc(1);
    }
    Ok(sum / steps.max(1) as f32)
}

fn check(request: &FineTuneRequest<'_>, recipe: &FineTuneRecipe) -> Result<(), TrainingError> {
    let CellLabels {
        classes,
        fields,
        abnormal,
    } = request.labels;
    let cells = request.sources.len();
    let refuse = |reason: &str| Err(TrainingError::Impossible(reason.to_owned()));
    if cells == 0 || classes.len() != cells || fields.len() != cells {
        return refuse("fine-tuning needs cells, each with a class and an image");
    }
    if classes.iter().any(|class| *class >= abnormal.len()) {
        return refuse("a cell has a class that is none of the classes");
    }
    recipe.check()
}

fn frozen(recipe: &FineTuneRecipe) -> Result<Frozen, TrainingError> {
    Frozen::blocks(recipe.frozen_blocks).ok_or_else(|| {
        TrainingError::Impossible(format!(
            "{} blocks cannot be frozen: the trunk has {BLOCKS}",
            recipe.frozen_blocks
        ))
    })
}

fn model<'a>(
    request: &FineTuneRequest<'a>,
    sampler: &Sampler,
    plan: &BatchPlan<'a>,
    frozen: Frozen,
) -> Result<Model<'a>, TrainingError> {
    let recipe = plan.recipe;
    let device = Device::flex().autodiff();
    let labels = request.labels;
    let counts = if recipe.heads.bootstrap {
        recipe.heads.members
    } else {
        0
    };
    let mut resampling = random::stream(plan.seed, &format!("{}/bootstrap", plan.purpose));
    Ok(Model {
        tail: Lite0Tail::read(request.trunk, frozen, &device)?,
        heads: recipe.heads.shapes(FEATURES, labels.abnormal.len()),
        objective: Objective::new(
            &recipe.loss,
            labels.abnormal,
            &sampler.corrections(),
            &device,
        ),
        classes: labels.classes,
        counts: (0..counts)
            .map(|_| random::bootstrap_counts(&mut resampling, labels.classes.len()))
            .collect(),
        recipe,
        seed: plan.seed,
        purpose: plan.purpose,
        threads: request.threads,
    })
}

fn first_heads(model: &Model<'_>, plan: &BatchPlan<'_>) -> BTreeMap<Method, HeadWeights> {
    let bias = class_bias(model);
    let heads = model.heads.iter().map(|(method, shape)| {
        let name = format!("{}/initial weights/{method}", plan.purpose);
        let mut stream = random::stream(plan.seed, &name);
        (*method, initial_heads(shape, &bias, &mut stream))
    });
    heads.collect()
}

/// The logarithms of the classes' shares; one cell more of each, so that a class without cells has one.
fn class_bias(model: &Model<'_>) -> Vec<f32> {
    let classes = model.heads.values().next().map_or(0, |shape| shape.classes);
    let count = |class: usize| {
        let cells = model.classes.iter().filter(|of| **of == class).count();
        (cells + 1) as f32
    };
    let total = (model.classes.len() + classes) as f32;
    (0..classes)
        .map(|class| (count(class) / total).ln())
        .collect()
}

/// Of everything that the numbers depend on, but for the pixels.
fn digest(request: &FineTuneRequest<'_>, plan: &BatchPlan<'_>) -> Result<String, TrainingError> {
    let labels = request.labels;
    let cells: Vec<_> = request
        .sources
        .iter()
        .map(|source| (source.centre, source.extent, source.padding))
        .collect();
    let settings = (
        (
            env!("CARGO_PKG_VERSION"),
            plan.recipe,
            plan.seed,
            plan.purpose,
        ),
        (labels.classes, labels.fields, labels.abnormal),
        (request.normalisation, cells),
    );
    let settings = serde_json::to_vec(&settings)
        .map_err(TrainingError::malformed("the settings of the fine-tuning"))?;
    let mut hasher = Sha256::new();
    hasher.update(settings);
    hasher.update(request.trunk.encode_to_vec());
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
