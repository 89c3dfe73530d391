//! Fine-tuning on synthetic cells with the real trunk: it learns, is bit-identical when repeated,
//! and its heads can be served.

use std::{fs, sync::LazyLock};

use bundle::{Method, onnx::ModelProto};
use burn::tensor::{Device, Tensor, TensorData};
use imaging::Padding;
use indicatif::ProgressBar;
use prost::Message;
use trainer::{
    CropOptions, CropTable, Dataset, FEATURES, FitContext, HeadBank, HeadShape, HeadWeights,
    LOGITS, LayerWeights, MultiHeadLoss, OnnxGraph, OptimiserSettings, TrainingError, Workspace,
    baseline_graph, crop_dataset,
    finetune::{
        CellLabels, CellSampling, CellSource, FineTuneRecipe, FineTuneRequest, FineTuned, HeadPlan,
        Teacher, Teaching, TrainingAugmentation, View, fine_tune, sources,
    },
    lite0::{Frozen, Lite0Tail},
};

use super::{finetune_views::NORMALISATION, tiny_data::write_data};
use testkit::runtime;

const SIZE: usize = 32;

static TRUNK: LazyLock<ModelProto> = LazyLock::new(|| {
    let bytes = fs::read(testkit::path("weights/efficientnet_lite0.onnx")).unwrap();
    ModelProto::decode(bytes.as_slice()).unwrap()
});

/// Synthetic cells of six colours.
struct Cells {
    table: CropTable,
    sources: Vec<CellSource>,
    classes: Vec<usize>,
}

static CELLS: LazyLock<Cells> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let data = Dataset::open(&write_data(&folder.path().join("data"), 6), None, None).unwrap();
    let workspace = Workspace::open(&folder.path().join("work")).unwrap();
    let bar = ProgressBar::hidden();
    let options = CropOptions {
        edge: 21,
        padding: Padding::Reflect,
        leave_out: true,
    };
    let cropped = crop_dataset(&data, &workspace, &options, &bar);
    let table = cropped.unwrap().table;
    Cells {
        sources: sources(&workspace.crops(), &table.rows, &table.settings).unwrap(),
        classes: table
            .rows
            .iter()
            .map(|row| table.labels.index_of(&row.label).unwrap())
            .collect(),
        table,
    }
});

fn recipe() -> FineTuneRecipe {
    FineTuneRecipe {
        frozen_blocks: 11,
        size: SIZE as u32,
        epochs: 2,
        batch: 8,
        augmentation: TrainingAugmentation {
            shift: 2.0,
            ..TrainingAugmentation::default()
        },
        heads: HeadPlan {
            members: 3,
            ..HeadPlan::default()
        },
        ..FineTuneRecipe::default()
    }
}

fn tune(recipe: &FineTuneRecipe, seed: u64) -> Result<FineTuned, TrainingError> {
    tune_taught(recipe, seed, &[])
}

fn tune_taught(
    recipe: &FineTuneRecipe,
    seed: u64,
    teachers: &[Teacher],
) -> Result<FineTuned, TrainingError> {
    let fields: Vec<&str> = CELLS
        .table
        .rows
        .iter()
        .map(|row| row.image_id.as_str())
        .collect();
    let request = FineTuneRequest {
        runtime: runtime(),
        trunk: &TRUNK,
        normalisation: &NORMALISATION,
        sources: &CELLS.sources,
        labels: CellLabels {
            classes: &CELLS.classes,
            fields: &fields,
            abnormal: &[false, true, true, true, true, true],
        },
        teachers,
    };
    let context = FitContext {
        seed,
        purpose: "test",
        checkpoint: None,
        progress: &ProgressBar::hidden(),
    };
    fine_tune(&request, recipe, &context)
}

fn tuned_with(recipe: &FineTuneRecipe, seed: u64, threads: usize) -> FineTuned {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = pool.build().unwrap();
    pool.install(|| tune(recipe, seed)).unwrap()
}

/// The losses of two epochs and the sizes of the heads. They show a change in training and, unlike
/// the last bits of the weights, are the same on every processor.
pub fn outline() -> Vec<String> {
    let tuned = tune(&recipe(), 1).unwrap();
    let losses = tuned.losses.iter().map(|loss| format!("{loss:.1e}"));
    let heads = tuned.heads.iter();
    let heads = heads.map(|(method, heads)| format!("{method} {}", heads.to_bytes().len()));
    losses.chain(heads).collect()
}

fn bytes(tuned: &FineTuned) -> Vec<u8> {
    let heads = tuned.heads.values().flat_map(|heads| heads.to_bytes());
    heads.chain(tuned.trunk.encode_to_vec()).collect()
}

#[test]
fn result_depends_on_the_seed_only() {
    let first = bytes(&tuned_with(&recipe(), 1, 1));
    assert!(first == bytes(&tuned_with(&recipe(), 1, 3)));
    assert!(first != bytes(&tuned_with(&recipe(), 2, 3)));
}

#[test]
fn all_heads_learn_the_colours() {
    let recipe = FineTuneRecipe {
        epochs: 24,
        optimiser: OptimiserSettings {
            averaging: 0.9,
            ..OptimiserSettings::default()
        },
        ..recipe()
    };
    let tuned = tuned_with(&recipe, 1, 2);
    let (first, last) = (tuned.losses[0], tuned.losses[23]);
    assert!(last < 0.6 * first, "{:?}", tuned.losses);

    let images = plain_views();
    let cells = CELLS.sources.len();
    let features = features(&tuned.trunk, &images);
    let head = baseline_graph(&tuned.heads[&Method::Baseline]);
    let mut graph = OnnxGraph::of_model(runtime(), &head, LOGITS).unwrap();
    let shape = vec![cells as i64, 1280];
    let logits = graph.run(&[(FEATURES, shape, &features)]).unwrap();
    assert_close(&logits, &in_burn(&tuned, Method::Baseline, &images));
    for method in [Method::Baseline, Method::McDropout, Method::Ensemble] {
        let logits = in_burn(&tuned, method, &images);
        let right = logits.chunks(6).zip(CELLS.classes.iter().cycle());
        let right = right.filter(|(row, class)| {
            let best = (0..6).max_by(|a, b| row[*a].total_cmp(&row[*b]));
            best == Some(**class)
        });
        let share = right.count() as f32 / (logits.len() / 6) as f32;
        assert!(share > 0.8, "{method}: {share}");
    }
}

#[test]
fn student_answers_as_its_teachers_do() {
    let answers = |share: f64| {
        let recipe = FineTuneRecipe {
            epochs: 16,
            optimiser: OptimiserSettings {
                averaging: 0.9,
                ..OptimiserSettings::default()
            },
            teaching: Some(Teaching { share }),
            ..recipe()
        };
        let tuned = tune_taught(&recipe, 1, &[always(3), always(3)]).unwrap();
        let logits = in_burn(&tuned, Method::Baseline, &plain_views());
        let of_class = |row: &&[f32]| (0..6).all(|class| row[class] <= row[3]);
        logits.chunks(6).filter(of_class).count()
    };
    let cells = CELLS.sources.len();
    assert_eq!(answers(0.9), cells);
    assert!(answers(0.1) < cells / 2, "the labels decide");
}

/// A teacher that always answers with one of the six classes.
fn always(class: usize) -> Teacher {
    let mut bias = vec![0.0; 6];
    bias[class] = 20.0;
    let shape = HeadShape {
        members: 1,
        features: 1280,
        hidden: vec![],
        classes: 6,
    };
    let layer = LayerWeights {
        weight: vec![0.0; 1280 * 6],
        bias,
    };
    Teacher {
        trunk: TRUNK.clone(),
        head: HeadWeights {
            shape,
            layers: vec![layer],
        },
    }
}

#[test]
fn every_setting_can_be_changed() {
    let changed = FineTuneRecipe {
        frozen_blocks: 0,
        epochs: 1,
        sampling: CellSampling::FieldBalanced {
            fields: 8,
            at_most: 2.0,
        },
        heads: HeadPlan {
            members: 3,
            member_hidden: vec![8],
            bootstrap: false,
            multi_head_loss: MultiHeadLoss::MetaIndividual,
            ..HeadPlan::default()
        },
        ..recipe()
    };
    let tuned = tuned_with(&changed, 1, 2);
    assert_eq!(tuned.heads[&Method::Ensemble].shape.hidden, [8]);
    assert!(tuned.losses[0].is_finite());
    let written = serde_json::to_string(&changed).unwrap();
    assert_eq!(
        serde_json::from_str::<FineTuneRecipe>(&written).unwrap(),
        changed
    );
    let unknown = written.replacen("epochs", "epoch", 1);
    assert!(serde_json::from_str::<FineTuneRecipe>(&unknown).is_err());
}

#[test]
fn invalid_settings_are_refused() {
    let refused = |recipe: FineTuneRecipe| tune(&recipe, 1).err().unwrap().to_string();
    let with = |change: fn(&mut FineTuneRecipe)| {
        let mut recipe = recipe();
        change(&mut recipe);
        refused(recipe)
    };
    assert!(with(|recipe| recipe.size = 100).contains("multiple of 32"));
    assert!(with(|recipe| recipe.epochs = 0).contains("must be at least 1"));
    assert!(with(|recipe| recipe.frozen_blocks = 17).contains("the trunk has 16"));
    assert!(with(|recipe| recipe.heads.mc_dropout = 1.0).contains("below 1"));
    assert!(with(|recipe| recipe.optimiser.averaging = f64::NAN).contains("averaging"));
    assert!(
        with(|recipe| recipe.teaching = Some(Teaching { share: 1.0 })).contains("teaching.share")
    );
}

/// Every cell as it is, `[N, 3, SIZE, SIZE]`.
fn plain_views() -> Vec<f32> {
    let mut images = vec![0.0; CELLS.sources.len() * 3 * SIZE * SIZE];
    for (source, planes) in CELLS.sources.iter().zip(images.chunks_mut(3 * SIZE * SIZE)) {
        View::plain().render(source, SIZE, &NORMALISATION, planes);
    }
    images
}

fn features(trunk: &ModelProto, images: &[f32]) -> Vec<f32> {
    let mut graph = OnnxGraph::of_model(runtime(), trunk, "features").unwrap();
    let size = SIZE as i64;
    let cells = (images.len() / (3 * SIZE * SIZE)) as i64;
    graph
        .run(&[("image", vec![cells, 3, size, size], images)])
        .unwrap()
}

/// Logits `[K, N, C]` of a method's heads on the exported trunk, both run by burn.
fn in_burn(tuned: &FineTuned, method: Method, images: &[f32]) -> Vec<f32> {
    let device = Device::flex();
    let tail = Lite0Tail::read(&tuned.trunk, Frozen::nothing(), &device).unwrap();
    let cells = images.len() / (3 * SIZE * SIZE);
    let data = TensorData::new(images.to_vec(), [cells, 3, SIZE, SIZE]);
    let features = tail.forward(Tensor::from_data(data, &device), &[]);
    let bank = HeadBank::new(&tuned.heads[&method], &device);
    let logits = bank.logits(features, &[]);
    logits.into_data().iter::<f32>().collect()
}

fn assert_close(expected: &[f32], found: &[f32]) {
    assert_eq!(expected.len(), found.len());
    let differences = expected.iter().zip(found).map(|(a, b)| (a - b).abs());
    let difference = differences.fold(0.0, f32::max);
    assert!(difference < 1e-3, "{difference}");
}
