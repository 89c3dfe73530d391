//! Dividing the cells.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use proptest::prelude::*;
use trainer::{
    CellPart, CropRow, LabelSet, Split, SplitOptions, TrainingError, split as split_with_labels,
};

fn bethesda() -> LabelSet {
    LabelSet::named("bethesda").unwrap()
}

fn split(crops: &[CropRow], options: &SplitOptions) -> Result<Split, TrainingError> {
    let mut labels = bethesda();
    labels
        .labels
        .retain(|label| crops.iter().any(|crop| crop.label == label.name));
    split_with_labels(crops, &labels, options, None)
}

fn crops(cells: &[(usize, usize)]) -> Vec<CropRow> {
    let row = |(number, (image, class)): (usize, &(usize, usize))| CropRow {
        cell_id: number.to_string(),
        image_id: format!("image {image}"),
        label: bethesda().labels[*class].name.clone(),
        file: format!("{number}.png"),
        source: PathBuf::new(),
        nucleus_x: None,
        nucleus_y: None,
        sha256: String::new(),
    };
    cells.iter().enumerate().map(row).collect()
}

fn options(seed: u64) -> SplitOptions {
    SplitOptions {
        folds: 5,
        test_share: 0.1,
        per_cell: false,
        seed,
    }
}

/// Sixty images of ten cells, with a common class, a rarer one and one in only five images.
fn sixty_images() -> Vec<CropRow> {
    let class = |image: usize, cell: usize| match (image, cell) {
        (0..5, 0..3) => 5,
        (_, 0..2) => 2,
        _ => 0,
    };
    let cells: Vec<(usize, usize)> = (0..60)
        .flat_map(|image| (0..10).map(move |cell| (image, class(image, cell))))
        .collect();
    crops(&cells)
}

fn parts_of_images(division: &Split) -> BTreeMap<&str, BTreeSet<CellPart>> {
    let mut parts: BTreeMap<&str, BTreeSet<CellPart>> = BTreeMap::new();
    for row in &division.rows {
        parts.entry(&row.image_id).or_default().insert(row.part);
    }
    parts
}

proptest! {
    #[test]
    fn no_image_lies_in_two_parts(
        cells in prop::collection::vec((0..40_usize, 0..6_usize), 200..400),
        seed in any::<u64>(),
    ) {
        let division = split(&crops(&cells), &options(seed)).unwrap();
        prop_assert_eq!(division.rows.len(), cells.len());
        for (image, parts) in parts_of_images(&division) {
            prop_assert_eq!(parts.len(), 1, "{}", image);
        }
        let filled: BTreeSet<CellPart> = division.rows.iter().map(|row| row.part).collect();
        prop_assert_eq!(filled.len(), 6, "every part has cells");
    }
}

#[test]
fn test_part_is_optional() {
    let no_test_part = SplitOptions {
        test_share: 0.0,
        ..options(1)
    };
    let division = split(&sixty_images(), &no_test_part).unwrap();
    let parts: BTreeSet<CellPart> = division.rows.iter().map(|row| row.part).collect();
    assert_eq!(parts, (0..5).map(CellPart::Fold).collect());
    for (image, parts) in parts_of_images(&division) {
        assert_eq!(parts.len(), 1, "{image}");
    }
    // SCC occurs in five images, one for each fold.
    assert!(division.warnings.is_empty(), "{:?}", division.warnings);
}

#[test]
fn parts_have_their_share_of_classes() {
    let crops = sixty_images();
    let division = split(&crops, &options(1)).unwrap();
    let share = |part: CellPart, class: &str| {
        let of_class: Vec<CellPart> = division
            .rows
            .iter()
            .filter(|row| row.label == class)
            .map(|row| row.part)
            .collect();
        of_class.iter().filter(|of| **of == part).count() as f64 / of_class.len() as f64
    };
    for class in ["NILM", "LSIL"] {
        assert!(
            (share(CellPart::Test, class) - 0.10).abs() < 0.04,
            "{class}: {}",
            share(CellPart::Test, class)
        );
        for fold in 0..5 {
            let share = share(CellPart::Fold(fold), class);
            assert!(
                (share - 0.18).abs() < 0.04,
                "{class} in fold {fold}: {share}"
            );
        }
    }
}

#[test]
fn new_seed_keeps_the_test_part() {
    let mut labels = bethesda();
    let crops = sixty_images();
    labels
        .labels
        .retain(|label| crops.iter().any(|crop| crop.label == label.name));
    let first = split_with_labels(&crops, &labels, &options(1), None).unwrap();
    let again = split_with_labels(&crops, &labels, &options(2), Some(&first.rows)).unwrap();
    let order = |division: &Split| -> Vec<String> {
        let cells = division.rows.iter();
        cells.map(|row| row.cell_id.clone()).collect()
    };
    assert_eq!(order(&first), order(&again));
    let pairs = || first.rows.iter().zip(&again.rows);
    assert!(
        pairs().all(|(one, other)| (one.part == CellPart::Test) == (other.part == CellPart::Test))
    );
    assert!(pairs().any(|(one, other)| one.part != other.part));
    let parts = parts_of_images(&again);
    assert!(parts.values().all(|parts| parts.len() == 1));
}

#[test]
fn split_depends_on_the_seed_only() {
    let crops = sixty_images();
    assert_eq!(
        split(&crops, &options(1)).unwrap().rows,
        split(&crops, &options(1)).unwrap().rows
    );
    assert_ne!(
        split(&crops, &options(1)).unwrap().rows,
        split(&crops, &options(2)).unwrap().rows
    );
}

#[test]
fn class_in_few_images_gives_a_warning() {
    let warnings = split(&sixty_images(), &options(1)).unwrap().warnings;
    assert_eq!(
        warnings
            .iter()
            .filter(|warning| warning.starts_with("SCC occurs in 5 images"))
            .count(),
        1
    );
    assert!(!warnings.iter().any(|warning| warning.starts_with("LSIL")));
}

#[test]
fn class_missing_in_folds_is_refused() {
    let crops = sixty_images();
    let eight_folds = SplitOptions {
        folds: 8,
        ..options(1)
    };
    let refusal = split(&crops, &eight_folds).unwrap_err().to_string();
    assert!(
        refusal.contains("SCC occurs in 5 images, fewer than the 8 folds"),
        "{refusal}"
    );
    let refusal = split_with_labels(&crops, &bethesda(), &options(1), None)
        .unwrap_err()
        .to_string();
    assert!(refusal.contains("ASC-US has no cells"), "{refusal}");
}

#[test]
fn per_cell_split_warns_of_leakage() {
    let division = split(
        &sixty_images(),
        &SplitOptions {
            per_cell: true,
            ..options(1)
        },
    )
    .unwrap();
    assert!(
        division.warnings[0].contains("too good"),
        "{}",
        division.warnings[0]
    );
    assert!(
        parts_of_images(&division)
            .values()
            .any(|parts| parts.len() > 1)
    );
}

#[test]
fn impossible_splits_are_refused() {
    let crops = sixty_images();
    let refusal = |options: SplitOptions| split(&crops, &options).unwrap_err().to_string();
    assert!(
        refusal(SplitOptions {
            folds: 1,
            ..options(1)
        })
        .contains("--folds must be at least 2")
    );
    assert!(
        refusal(SplitOptions {
            test_share: 1.0,
            ..options(1)
        })
        .contains("at least 0 and below 1")
    );
    assert!(
        refusal(SplitOptions {
            test_share: f64::NAN,
            ..options(1)
        })
        .contains("at least 0 and below 1")
    );
    assert!(
        refusal(SplitOptions {
            folds: 60,
            ..options(1)
        })
        .contains("60 images cannot fill 61 parts")
    );
}
