//! The whole of a fine-tuning: from cells to a trunk and heads.

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

/// Why a checkpoint is not gone on from; hours of work may lie in it, so that only a person removes it.
const UNUSABLE: &str =
    "it is damaged, or the checkpoint of another training: remove it to start anew";

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
    /// The models that teach, where the recipe has a teaching.
    pub teachers: &'a [Teacher],
}

/// What was learnt.
pub struct FineTuned {
    /// The trunk with its trained weights put back.
    pub trunk: ModelProto,
    /// The heads of every method that has some.
    pub heads: BTreeMap<Method, HeadWeights>,
    /// Mean loss of each epoch that was run now.
    pub losses: Vec<f32>,
}

/// Trains trunk and heads together, on all cores and a thread that makes the views; how many cores there are changes
/// nothing. The state is kept in the checkpoint after each epoch.
///
/// # Errors
/// A recipe or cells that make no sense, a trunk that is not EfficientNet-Lite0, or a training that came to numbers that are
/// not finite.
pub fn fine_tune(
    request: &FineTuneRequest<'_>,
    recipe: &FineTuneRecipe,
    context: &FitContext<'_>,
) -> Result<FineTuned, TrainingError> {
    check(request, recipe)?;
    let blocks = recipe.frozen_blocks;
    let too_many = || impossible!("{blocks} blocks cannot be frozen: the trunk has {BLOCKS}");
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
        // without a listener the other thread ends
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
        // Whoever makes the views leaves early only when it panicked, and an epoch without them has taught nothing.
        let ended = |_| impossible!("the views of an epoch ended early");
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
        "fine-tuning needs cells, each with a class and an image"
    );
    ensure!(
        classes.iter().all(|class| *class < abnormal.len()),
        "a cell has a class that is none of the classes"
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

/// Of everything that the numbers depend on, but for the pixels.
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
