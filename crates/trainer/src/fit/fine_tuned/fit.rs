//! Runs a fine-tuning, from cells to a trunk and heads.

use std::{
    collections::BTreeMap,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use burn::tensor::Device;
use prost::Message;

use super::{
    batches::{AHEAD, BatchPlan, MapBatch, MapBatches},
    heads::initial_heads,
    lite0::{BLOCKS, FEATURES, Frozen, Lite0Tail, put_back},
    loss::Objective,
    model::TunedModel,
    pictures::CellSource,
    recipe::FineTuneRecipe,
    sampling::{CellLabels, Sampler},
    teachers::{Teacher, Teachers},
};
use crate::{
    TrainingError,
    cache_key::{CacheKey, KeptStep},
    error::{ensure, impossible},
    fit::shared::{
        FitContext,
        checkpoint::{self, FitProgress},
        class_bias,
        optimiser::Learner,
        weights::HeadWeights,
    },
    random,
};
use bundle::{Method, onnx::ModelProto, sha256_hex};
use engine::Runtime;
use imaging::Normalisation;

/// The checkpoint may hold hours of work, so that only the user removes it.
const UNUSABLE: &str = "the checkpoint is damaged or of another training: remove it to start anew";

/// The input of a fine-tuning.
#[derive(Clone, Copy)]
pub struct FineTuneRequest<'a> {
    /// Runs the frozen blocks.
    pub runtime: &'a Runtime,
    /// The pretrained trunk.
    pub trunk: &'a ModelProto,
    /// How a byte becomes a number of the trunk's input.
    pub normalisation: &'a Normalisation,
    /// The training cells.
    pub sources: &'a [CellSource],
    /// Their classes and fields, in the same order.
    pub labels: CellLabels<'a>,
    /// The models that teach, where the recipe has a teaching.
    pub teachers: &'a [Teacher],
}

/// The result of a fine-tuning.
pub struct FineTuned {
    /// The trunk with its trained weights.
    pub trunk: ModelProto,
    /// The heads of every method with heads of its own.
    pub heads: BTreeMap<Method, HeadWeights>,
    /// Mean loss of each epoch of this run.
    pub losses: Vec<f32>,
}

/// Trains trunk and heads together, on all cores and a thread that makes the views. The number of
/// cores does not change the result. The state is saved in the checkpoint after each epoch.
///
/// # Errors
/// If the recipe or the cells are invalid, the trunk is not EfficientNet-Lite0, or the training
/// diverges.
pub fn fine_tune(
    request: &FineTuneRequest<'_>,
    recipe: &FineTuneRecipe,
    context: &FitContext<'_>,
) -> Result<FineTuned, TrainingError> {
    check(request, recipe)?;
    let blocks = recipe.frozen_blocks;
    let too_many = || impossible!("frozen_blocks is {blocks}: the trunk has {BLOCKS} blocks");
    let frozen = Frozen::blocks(blocks).ok_or_else(too_many)?;
    let sampler = Sampler::new(&recipe.sampling, &request.labels);
    let plan = BatchPlan {
        sources: request.sources,
        sampler: &sampler,
        normalisation: request.normalisation,
        recipe,
        context: *context,
    };
    let model = model(request, &plan, frozen)?;
    let heads = first_heads(&model);
    let mut learner = Learner::new(model.first_values(&heads));
    let mut progress = FitProgress::new(digest(request, &plan)?);
    if let Some(path) = context.checkpoint {
        match checkpoint::read(path, &progress.fit, &mut learner)? {
            Some((kept, _)) => progress = kept,
            None if path.exists() => return Err(TrainingError::malformed(path)(UNUSABLE)),
            None => {}
        }
    }
    let done = progress.epoch;
    let bar = context.progress;
    bar.inc_length((recipe.epochs * plan.steps_per_epoch()) as u64);
    bar.inc((done * plan.steps_per_epoch()) as u64);
    let teachers = Teachers::open(request.runtime, request.teachers, frozen)?;
    let batches = MapBatches::open(plan, request.runtime, request.trunk, frozen, teachers)?;
    let (to, from) = sync_channel(AHEAD);
    let mut losses = Vec::new();
    thread::scope(|scope| {
        scope.spawn(move || batches.send(done..recipe.epochs, &to));
        for epoch in done..recipe.epochs {
            losses.push(learn_epoch(&model, &plan, &mut learner, &from)?);
            progress.epoch = epoch + 1;
            if let Some(path) = context.checkpoint {
                checkpoint::write(path, &progress, &learner, &[])?;
            }
        }
        // Without a receiver the other thread ends.
        drop(from);
        Ok::<(), TrainingError>(())
    })?;
    let (tail, heads) = model.with_values(&learner.averages)?;
    Ok(FineTuned {
        trunk: put_back(request.trunk, &tail)?,
        heads,
        losses,
    })
}

/// Mean loss of the epoch.
fn learn_epoch(
    model: &TunedModel<'_>,
    plan: &BatchPlan<'_>,
    learner: &mut Learner,
    from: &Receiver<Result<MapBatch, TrainingError>>,
) -> Result<f32, TrainingError> {
    let (steps, recipe) = (plan.steps_per_epoch(), plan.recipe);
    let groups = model.groups(&recipe.optimiser);
    let mut sum = 0.0;
    for _ in 0..steps {
        // The sender ends early only after a panic; the epoch is then incomplete.
        let ended = |_| {
            impossible!(
                "making the views of an epoch failed: run the command again to \
            continue"
            )
        };
        let batch = from.recv().map_err(ended)?;
        let (loss, gradients) = model.gradient(&learner.values, &batch?)?;
        learner.take_step(
            &gradients,
            &groups,
            &recipe.optimiser,
            &recipe.schedule,
            steps * recipe.epochs,
        );
        sum += loss;
        plan.context.progress.inc(1);
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
    ensure!(
        cells > 0 && classes.len() == cells && fields.len() == cells,
        "expected at least one cell, and one class and one image per cell"
    );
    ensure!(
        classes.iter().all(|class| *class < abnormal.len()),
        "the class of a cell is not one of the classes"
    );
    recipe.check()
}

fn model<'a>(
    request: &FineTuneRequest<'a>,
    plan: &BatchPlan<'a>,
    frozen: Frozen,
) -> Result<TunedModel<'a>, TrainingError> {
    let BatchPlan {
        recipe, context, ..
    } = *plan;
    let device = Device::flex().autodiff();
    let labels = request.labels;
    let corrections = plan.sampler.corrections();
    let resampled = match recipe.heads.bootstrap {
        true => recipe.heads.members,
        false => 0,
    };
    let mut stream = context.stream("bootstrap");
    let counts =
        (0..resampled).map(|_| random::bootstrap_counts(&mut stream, labels.classes.len()));
    Ok(TunedModel {
        tail: Lite0Tail::read(request.trunk, frozen, &device)?,
        heads: recipe.heads.shapes(FEATURES, labels.abnormal.len()),
        objective: Objective::new(
            &recipe.loss,
            recipe.teaching.as_ref(),
            labels.abnormal,
            &corrections,
            &device,
        ),
        classes: labels.classes,
        counts: counts.collect(),
        recipe,
        context,
    })
}

fn first_heads(model: &TunedModel<'_>) -> BTreeMap<Method, HeadWeights> {
    let heads = model.heads.iter().map(|(method, shape)| {
        let bias = class_bias(model.classes.iter().copied(), shape.classes);
        let mut stream = model.context.stream(&format!("initial weights/{method}"));
        (*method, initial_heads(shape, &bias, &mut stream))
    });
    heads.collect()
}

/// Digest of everything that the numbers depend on except the pixels.
fn digest(request: &FineTuneRequest<'_>, plan: &BatchPlan<'_>) -> Result<String, TrainingError> {
    let labels = request.labels;
    let places = request.sources.iter();
    let places: Vec<_> = places
        .map(|source| (source.centre, source.extent, source.padding))
        .collect();
    let key = CacheKey::of(&[KeptStep::FineTuning])
        .with("recipe", plan.recipe)
        .with("seed", &plan.context.seed)
        .with("purpose", plan.context.purpose)
        .with("classes", labels.classes)
        .with("fields", labels.fields)
        .with("abnormal", labels.abnormal)
        .with("normalisation", request.normalisation)
        .with("places", &places)
        .with("trunk", &sha256_hex(&request.trunk.encode_to_vec()));
    let teachers = request.teachers.iter();
    let teachers = teachers.map(|of| sha256_hex(&of.trunk.encode_to_vec()));
    teachers
        .fold(key, |key, teacher| key.with("teacher", &teacher))
        .digest()
}
