//! The real data, if it is beside the repository.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use imaging::Padding;
use indicatif::ProgressBar;
use trainer::{CellPart, CropOptions, Dataset, SplitOptions, Workspace, crop_dataset, split};

const DATA: &str = "../shared/data/cric";

#[test]
fn cric_is_cropped_and_split() {
    if !testkit::path(DATA).join("classifications.csv").is_file() {
        // Not with `eprintln!`, whose output the test harness captures.
        let message = format!(
            "SKIPPED: {DATA} is not there: cropping and splitting were not tried on the real fields"
        );
        writeln!(std::io::stderr(), "{message}").unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::open(folder.path()).unwrap();
    let data = Dataset::open(&testkit::path(DATA), None, None).unwrap();
    let outcome = crop_dataset(
        &data,
        &workspace,
        &CropOptions {
            edge: 93,
            padding: Padding::Reflect,
            leave_out: true,
        },
        &ProgressBar::hidden(),
    )
    .unwrap();
    let rows = &outcome.table.rows;
    let images: BTreeSet<_> = rows.iter().map(|row| &row.image_id).collect();
    let counted = (rows.len(), images.len(), outcome.left_out.len());
    assert_eq!(counted, (4739, 189, 0));
    assert_eq!(outcome.table.settings.source_width_px, Some(1280));

    let options = SplitOptions {
        folds: 5,
        test_share: 0.0,
        per_cell: false,
        seed: 1,
    };
    let division = split(&outcome.table.rows, &outcome.table.labels, &options, None).unwrap();
    assert!(division.warnings.is_empty(), "{:?}", division.warnings);
    let mut classes: BTreeMap<CellPart, BTreeSet<_>> = BTreeMap::new();
    for row in &division.rows {
        classes.entry(row.part).or_default().insert(&row.label);
    }
    assert_eq!(classes.len(), 5, "five folds and no test part");
    assert!(
        classes.values().all(|classes| classes.len() == 6),
        "every class occurs in every part"
    );
}
