//! Cutting cells out of fields.

use std::{fs, path::Path};

use bundle::sha256_hex;
use imaging::{Limits, Padding, crop_at_nucleus, decode};
use indicatif::ProgressBar;
use trainer::{
    CropOptions, CropOutcome, CropTable, Dataset, TrainingError, Workspace, crop_dataset,
};

use super::tiny_data::{header, write_data};

fn open(path: &Path) -> Dataset {
    Dataset::open(path, None, None).unwrap()
}

fn crop(
    data: &Dataset,
    workspace: &Workspace,
    edge: u32,
    padding: Padding,
) -> Result<CropOutcome, TrainingError> {
    let options = CropOptions {
        edge,
        padding,
        leave_out: true,
    };
    crop_dataset(data, workspace, &options, &ProgressBar::hidden())
}

#[test]
fn crop_is_centred_on_the_nucleus() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_data(&folder.path().join("data"), 2);
    let data = open(&path);
    let workspace = Workspace::open(&folder.path().join("work")).unwrap();
    let outcome = crop(&data, &workspace, 31, Padding::Reflect).unwrap();

    assert!(outcome.left_out.is_empty());
    let rows = &outcome.table.rows;
    assert_eq!(rows.len(), 12);
    assert_eq!(rows[7].label, "ASC-US");
    let field = decode(
        &fs::read(path.join("fields/1.png")).unwrap(),
        &Limits::default(),
    )
    .unwrap();
    let expected = crop_at_nucleus(
        &field,
        rows[7].nucleus_x.unwrap(),
        rows[7].nucleus_y.unwrap(),
        31,
        Padding::Reflect,
    )
    .unwrap();
    let bytes = fs::read(workspace.crops().join(&rows[7].file)).unwrap();
    assert_eq!(decode(&bytes, &Limits::default()).unwrap(), expected);
    assert_eq!(sha256_hex(&bytes), rows[7].sha256);

    let read = CropTable::read(&workspace).unwrap();
    assert_eq!(&read.rows, rows);
    assert_eq!(
        (read.settings.edge, read.settings.source_width_px),
        (31, Some(120))
    );
}

#[test]
fn unusable_cells_are_left_out_with_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = write_data(folder.path(), 1);
    let rows = "0,0.png,doi,100,benign,50,50\n\
                0,0.png,doi,101,LSIL,500,50\n\
                9,9.png,doi,102,LSIL,50,50\n\
                0,0.png,doi,3,LSIL,50,50\n\
                0,0.png,doi,../escape,LSIL,50,50\n\
                8,broken.png,doi,103,LSIL,50,50\n";
    fs::write(path.join("fields/broken.png"), b"not an image").unwrap();
    let table = fs::read_to_string(path.join("classifications.csv")).unwrap() + rows;
    fs::write(path.join("classifications.csv"), table).unwrap();

    let workspace = Workspace::open(&folder.path().join("work")).unwrap();
    let outcome = crop(&open(&path), &workspace, 21, Padding::Zero).unwrap();
    assert_eq!(outcome.table.rows.len(), 6);
    let reasons: Vec<(&str, &str)> = outcome
        .left_out
        .iter()
        .map(|cell| (cell.cell_id.as_str(), cell.reason.as_str()))
        .collect();
    assert_eq!(reasons.len(), 6);
    assert_eq!(reasons[0], ("100", "unknown label `benign`; see --labels"));
    assert_eq!(outcome.left_out[0].origin, "classifications.csv, line 8");
    assert!(
        reasons[1].0 == "101" && reasons[1].1.contains("500"),
        "{:?}",
        reasons[1]
    );
    assert!(
        reasons[2].0 == "102" && reasons[2].1.contains("9.png"),
        "{:?}",
        reasons[2]
    );
    assert_eq!(
        reasons[3],
        (
            "3",
            "an earlier row has the same cell_id; give each cell its own"
        )
    );
    assert_eq!(
        reasons[4],
        (
            "../escape",
            "the cell_id cannot name a file; use 1 to 100 letters, digits, - and _"
        )
    );
    assert!(
        reasons[5].0 == "103" && reasons[5].1.contains("broken.png"),
        "{:?}",
        reasons[5]
    );
    assert!(
        fs::read_to_string(workspace.left_out())
            .unwrap()
            .contains("unknown label")
    );
    assert!(!folder.path().join("escape.png").exists());
}

#[test]
fn malformed_table_row_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let table = header() + "0,0.png,doi,1,LSIL,50,50\n0,0.png,doi,2,LSIL,left,50\n";
    fs::write(folder.path().join("classifications.csv"), table).unwrap();
    let refusal = || {
        Dataset::open(folder.path(), None, None)
            .unwrap_err()
            .to_string()
    };
    let error = refusal();
    assert!(
        error.contains("classifications.csv") && error.contains("line 3"),
        "{error}"
    );

    fs::write(folder.path().join("classifications.csv"), header()).unwrap();
    assert!(refusal().contains("no cells"));
}

#[test]
fn data_without_usable_cells_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("classifications.csv"),
        header() + "0,0.png,doi,1,LSIL,50,50\n",
    )
    .unwrap();
    let workspace = Workspace::open(&folder.path().join("work")).unwrap();
    let error = crop(&open(folder.path()), &workspace, 21, Padding::Zero)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("no cell could be cut") && error.contains("0.png"),
        "{error}"
    );
}
