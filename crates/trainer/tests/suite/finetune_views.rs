//! Training views: without augmentation they are the server's input.

use std::{io::Write, sync::Arc};

use imaging::{
    CellImage, InputTensor, Limits, Normalisation, Padding, ResizeFilter, crop_at_nucleus, decode,
    resize,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use trainer::{
    CropOptions, CropRow, Dataset, Workspace, crop_dataset,
    finetune::{CellSource, TrainingAugmentation, View, sources},
};

const DATA: &str = "../shared/data/cric";

pub const NORMALISATION: Normalisation = Normalisation {
    scale: 1.0,
    mean: [127.0; 3],
    std: [128.0; 3],
};

fn rendered(view: &View, source: &CellSource, size: usize) -> Vec<f32> {
    let mut planes = vec![f32::NAN; 3 * size * size];
    view.render(source, size, &NORMALISATION, &mut planes);
    planes
}

fn served(crop: &CellImage, size: usize) -> Vec<f32> {
    let size = size as u32;
    let image = resize(crop, size, size, ResizeFilter::Bilinear).unwrap();
    let mut tensor = InputTensor::with_capacity(size, size, 1).unwrap();
    tensor.push(&image, &NORMALISATION).unwrap();
    tensor.into_vec()
}

/// Mean absolute difference in grey levels of a byte.
fn difference(left: &[f32], right: &[f32]) -> f32 {
    assert_eq!(left.len(), right.len());
    let sum: f32 = left.iter().zip(right).map(|(a, b)| (a - b).abs()).sum();
    sum / left.len() as f32 * NORMALISATION.std[0]
}

fn example(name: &str) -> CellSource {
    let bytes = std::fs::read(testkit::path(format!("examples/cells/{name}.png"))).unwrap();
    let image = decode(&bytes, &Limits::default()).unwrap();
    let extent = [image.width() as f32, image.height() as f32];
    CellSource {
        image: Arc::new(image),
        centre: extent.map(|side| side / 2.0),
        extent,
        padding: Padding::Reflect,
    }
}

#[test]
fn plain_view_is_the_server_input() {
    for name in ["nilm", "hsil", "scc"] {
        let source = example(name);
        for size in [224, 128, 96] {
            let found = rendered(&View::plain(), &source, size);
            let difference = difference(&found, &served(&source.image, size));
            assert!(difference < 1.0, "{name} at {size}: {difference}");
        }
    }
}

#[test]
fn view_is_at_the_place_of_the_crop() {
    if !testkit::path(DATA).join("classifications.csv").is_file() {
        let message = format!("SKIPPED: {DATA} is not there: views were not held against crops");
        writeln!(std::io::stderr(), "{message}").unwrap();
        return;
    }
    let mut dataset = Dataset::open(&testkit::path(DATA), None, None).unwrap();
    dataset.cells.truncate(60);
    for (edge, size) in [(93, 128), (140, 128), (186, 160)] {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        let bar = indicatif::ProgressBar::hidden();
        let options = CropOptions {
            edge,
            padding: Padding::Reflect,
            leave_out: true,
        };
        let table = crop_dataset(&dataset, &workspace, &options, &bar);
        let table = table.unwrap().table;
        let placed = |rows: &[CropRow]| sources(&workspace.crops(), rows, &table.settings).unwrap();
        let fields = placed(&table.rows);
        let without_field = |row: &CropRow| CropRow {
            nucleus_x: None,
            nucleus_y: None,
            ..row.clone()
        };
        let alone: Vec<CropRow> = table.rows.iter().map(without_field).collect();
        let crops = placed(&alone);
        for (field, crop) in fields.iter().zip(&crops) {
            let expected = served(&crop.image, size);
            for source in [field, crop] {
                let found = rendered(&View::plain(), source, size);
                let difference = difference(&found, &expected);
                assert!(difference < 1.0, "{edge} px at {size}: {difference}");
            }
        }
    }
}

#[test]
fn view_beyond_border_is_mirrored() {
    let field = example("nilm").image;
    let (x, y) = (3, i64::from(field.height()) - 2);
    let crop = crop_at_nucleus(&field, x, y, 40, Padding::Reflect).unwrap();
    let source = CellSource {
        image: field,
        centre: [x as f32, y as f32],
        extent: [40.0; 2],
        padding: Padding::Reflect,
    };
    let found = rendered(&View::plain(), &source, 96);
    assert!(difference(&found, &served(&crop, 96)) < 1.0);
}

#[test]
fn views_differ_and_are_repeatable() {
    let source = example("lsil");
    let views = |seed| -> Vec<Vec<f32>> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let augmentation = TrainingAugmentation::default();
        (0..3)
            .map(|_| rendered(&augmentation.draw(&mut random), &source, 64))
            .collect()
    };
    assert_eq!(views(1), views(1));
    let (first, second) = (views(1), views(2));
    assert!(difference(&first[0], &first[1]) > 3.0 && difference(&first[0], &second[0]) > 3.0);
    for value in first.iter().chain(&second).flatten() {
        assert!((-127.0 / 128.0..=1.0).contains(value));
    }
}

#[test]
fn neutral_settings_turn_and_mirror_only() {
    let still = TrainingAugmentation {
        scale: 1.0,
        aspect: 1.0,
        shift: 0.0,
        saturation: 1.0,
        contrast: 1.0,
        brightness: 1.0,
        gain: 1.0,
    };
    let source = example("lsil");
    let view = still.draw(&mut ChaCha8Rng::seed_from_u64(5));
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let (turned, plain) = (
        rendered(&view, &source, 64),
        rendered(&View::plain(), &source, 64),
    );
    assert!((mean(&turned) - mean(&plain)).abs() < 0.05);
}
