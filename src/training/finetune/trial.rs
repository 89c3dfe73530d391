//! One fine-tuning with a fold held out, and how it answers about that fold: what settings are compared by.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use indicatif::ProgressBar;
use prost::Message;

use crate::{
    bundle::{ChannelOrder, Input, Method, onnx::ModelProto},
    engine::{Runtime, seed_of},
    imaging::{Normalisation, ResizeFilter},
    training::{
        CellScores, CropRow, CropTable, Dataset, FeatureMatrix, FeatureRequest, Grouping, Part,
        TrainingError, TrunkFile, ViewPlan, Workspace,
        evaluation::{
            evaluate::EvaluatedPart,
            figures::{Answers, figures},
        },
        features,
        finetune::{
            CellLabels, FineTuneRecipe, FineTuneRequest, FineTuned, field_sources, fine_tune,
        },
        heads::scores::{dropout_scores, member_scores, view_scores},
        parallel,
        study::read_parts,
        workspace::{read_bytes, write_bytes, write_json},
    },
    uncertainty::{Samples, Summary, summarise},
};

/// Quarter turns and their mirror images.
const VIEWS: usize = 8;

/// T of Monte Carlo dropout.
const PASSES: usize = 50;

/// What is tried.
pub struct Trial<'a> {
    /// The data set that was cropped.
    pub data: &'a Path,
    /// The pretrained trunk.
    pub trunk: &'a Path,
    /// The work folder, in which `crop` and `split` were run.
    pub work: &'a Path,
    /// How the Bethesda classes are grouped.
    pub grouping: Grouping,
    /// The fold that is held out.
    pub fold: usize,
    /// The settings.
    pub recipe: FineTuneRecipe,
    /// Seed of everything random.
    pub seed: u64,
}

/// What came of it.
pub struct TrialOutcome {
    /// Where trunk and heads lie.
    pub folder: PathBuf,
    /// Mean loss of each epoch.
    pub losses: Vec<f32>,
    /// The figures on the held-out fold: `tta` is the baseline on the eight views of the square.
    pub held_out: EvaluatedPart,
    /// The same answers to "normal or abnormal?" alone.
    pub held_out_binary: EvaluatedPart,
}

/// The input that the pretrained weights were made for, at another size.
fn input(table: &CropTable, size: u32) -> Input {
    Input {
        size,
        channels: ChannelOrder::Rgb,
        resize: ResizeFilter::Bilinear,
        normalisation: Normalisation {
            scale: 1.0,
            mean: [127.0; 3],
            std: [128.0; 3],
        },
        crop_edge_px: table.settings.edge,
        padding: table.settings.padding,
        source_width_px: table.settings.source_width_px,
        micrometres_per_pixel: None,
    }
}

/// Trains on every other fold and measures on the held-out one; the test part is not looked at.
///
/// # Errors
/// What reading, training or evaluating says.
pub fn try_recipe(
    trial: &Trial<'_>,
    runtime: &Runtime,
    progress: &ProgressBar,
) -> Result<TrialOutcome, TrainingError> {
    let workspace = Workspace::open(trial.work)?;
    let table = CropTable::read(&workspace)?;
    let parts = read_parts(&workspace, &table)?;
    let rows_of = |wanted: &dyn Fn(Part) -> bool| -> Vec<CropRow> {
        let rows = table.rows.iter().zip(&parts);
        let rows = rows.filter(|(_, part)| wanted(**part));
        rows.map(|(row, _)| row.clone()).collect()
    };
    let held_out = rows_of(&|part| part == Part::Fold(trial.fold));
    let learnt = rows_of(&|part| part != Part::Test && part != Part::Fold(trial.fold));
    if held_out.is_empty() {
        return Err(TrainingError::Impossible(format!(
            "fold {} holds no cells: give one that `split` made",
            trial.fold
        )));
    }
    let input = input(&table, trial.recipe.size);
    let folder = trial.work.join(format!("finetune/fold_{}", trial.fold));
    let tuned = train(trial, runtime, &table, &learnt, &input, &folder, progress)?;
    let trunk = folder.join("trunk.onnx");
    write_bytes(&trunk, &tuned.trunk.encode_to_vec())?;
    for (method, heads) in &tuned.heads {
        heads.write(&folder.join(format!("{method}.f32")))?;
    }
    write_json(&folder.join("recipe.json"), &trial.recipe)?;
    let request = FeatureRequest {
        crops: &workspace.crops(),
        cells: &held_out,
        input: &input,
        views: &ViewPlan::Dihedral { count: VIEWS },
    };
    let trunk = TrunkFile::efficientnet_lite0(&trunk)?;
    let features = features(runtime, &trunk, &request, &workspace, progress)?;
    let seeds = seeds(&workspace, &held_out)?;
    let scores = scores(&tuned, &features.views, &seeds);
    Ok(TrialOutcome {
        folder,
        losses: tuned.losses,
        held_out: measure(trial, &held_out, &scores, trial.grouping)?,
        held_out_binary: measure(trial, &held_out, &scores, Grouping::Two)?,
    })
}

fn train(
    trial: &Trial<'_>,
    runtime: &Runtime,
    table: &CropTable,
    cells: &[CropRow],
    input: &Input,
    folder: &Path,
    progress: &ProgressBar,
) -> Result<FineTuned, TrainingError> {
    let dataset = Dataset::open(trial.data)?;
    let trunk = ModelProto::decode(read_bytes(trial.trunk)?.as_slice())
        .map_err(TrainingError::malformed(trial.trunk))?;
    let sources = field_sources(&dataset, cells, &table.settings)?;
    let classes = classes(cells, trial.grouping);
    let fields: Vec<&str> = cells.iter().map(|cell| cell.image_id.as_str()).collect();
    let labels = trial.grouping.labels();
    let abnormal: Vec<bool> = labels.iter().map(|label| label.abnormal).collect();
    let request = FineTuneRequest {
        runtime,
        trunk: &trunk,
        normalisation: &input.normalisation,
        sources: &sources,
        labels: CellLabels {
            classes: &classes,
            fields: &fields,
            abnormal: &abnormal,
        },
        threads: parallel::available_threads(),
    };
    let purpose = format!("finetune/fold {} held out", trial.fold);
    let checkpoint = folder.join("checkpoint");
    fine_tune(
        &request,
        &trial.recipe,
        trial.seed,
        &purpose,
        Some(&checkpoint),
        progress,
    )
}

fn classes(cells: &[CropRow], grouping: Grouping) -> Vec<usize> {
    let class = |cell: &CropRow| grouping.class_of(cell.label);
    cells.iter().map(class).collect()
}

/// The seeds that the server derives from the crops' files.
fn seeds(workspace: &Workspace, cells: &[CropRow]) -> Result<Vec<u64>, TrainingError> {
    let folder = workspace.crops();
    let seed = |cell: &CropRow| Ok(seed_of(&read_bytes(&folder.join(&cell.file))?));
    cells.iter().map(seed).collect()
}

fn scores(
    tuned: &FineTuned,
    views: &[FeatureMatrix],
    seeds: &[u64],
) -> BTreeMap<Method, CellScores> {
    let Some(plain) = views.first() else {
        return BTreeMap::new();
    };
    let cells: Vec<usize> = (0..plain.rows()).collect();
    let mut scores = BTreeMap::new();
    for (method, heads) in &tuned.heads {
        let own = match method {
            Method::McDropout => dropout_scores(heads, &tuned.masks, PASSES, plain, &cells, seeds),
            _ => member_scores(heads, plain, &cells),
        };
        scores.insert(*method, own);
        if *method == Method::Baseline {
            scores.insert(Method::Tta, view_scores(heads, views, &cells));
        }
    }
    scores
}

fn measure(
    trial: &Trial<'_>,
    cells: &[CropRow],
    scores: &BTreeMap<Method, CellScores>,
    grouping: Grouping,
) -> Result<EvaluatedPart, TrainingError> {
    let labels = classes(cells, grouping);
    let images: Vec<&str> = cells.iter().map(|cell| cell.image_id.as_str()).collect();
    let mut methods = BTreeMap::new();
    for (method, scores) in scores {
        let answers = Answers {
            method: *method,
            passes: scores.passes,
            temperatures: vec![1.0],
            summaries: summaries(scores, grouping)?,
        };
        methods.insert(*method, figures(&answers, &labels, &images, trial.seed)?);
    }
    Ok(EvaluatedPart {
        cells: cells.len(),
        images: images.iter().collect::<BTreeSet<_>>().len(),
        methods,
    })
}

/// Summaries of the answers, with all but the normal class as one where the question has two.
fn summaries(scores: &CellScores, grouping: Grouping) -> Result<Vec<Summary>, TrainingError> {
    let samples = scores.samples(1.0)?;
    if grouping.classes() == scores.classes {
        return Ok(samples.iter().map(summarise).collect());
    }
    let as_two = |samples: &Samples| {
        let rows = samples.of_class(0).map(|normal| vec![normal, 1.0 - normal]);
        Samples::from_rows(&rows.collect::<Vec<_>>()).map(|samples| summarise(&samples))
    };
    let summaries: Result<Vec<Summary>, _> = samples.iter().map(as_two).collect();
    Ok(summaries?)
}
