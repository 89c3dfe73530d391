//! The cache of trunk features.

use std::{fs, path::Path};

use bundle::{ChannelOrder, Input};
use imaging::{Normalisation, Padding, ResizeFilter};
use indicatif::ProgressBar;
use trainer::{
    CropOptions, CropTable, Dataset, FeatureRequest, FeatureSet, TrainingError, TrunkFile,
    ViewPlan, Workspace, crop_dataset, features,
};

use super::tiny_data::{write_data, write_trunk};
use testkit::runtime;

pub fn input() -> Input {
    Input {
        size: 32,
        channels: ChannelOrder::Rgb,
        resize: ResizeFilter::Bilinear,
        normalisation: Normalisation {
            scale: 1.0,
            mean: [127.0; 3],
            std: [128.0; 3],
        },
        crop_edge_px: 21,
        padding: Padding::Reflect,
        source_width_px: None,
        micrometres_per_pixel: None,
    }
}

struct Prepared {
    folder: tempfile::TempDir,
    workspace: Workspace,
    table: CropTable,
    trunk: TrunkFile,
}

fn prepared() -> Prepared {
    let folder = tempfile::tempdir().unwrap();
    let data = Dataset::open(&write_data(&folder.path().join("data"), 3), None, None).unwrap();
    let workspace = Workspace::open(&folder.path().join("work")).unwrap();
    let table = crop_dataset(
        &data,
        &workspace,
        &CropOptions {
            edge: 21,
            padding: Padding::Reflect,
            leave_out: true,
        },
        &ProgressBar::hidden(),
    )
    .unwrap()
    .table;
    let trunk = TrunkFile::open(&write_trunk(&folder.path().join("trunk.onnx"))).unwrap();
    Prepared {
        folder,
        workspace,
        table,
        trunk,
    }
}

fn compute(prepared: &Prepared, views: &ViewPlan) -> Result<FeatureSet, TrainingError> {
    let request = FeatureRequest {
        crops: &prepared.workspace.crops(),
        cells: &prepared.table.rows,
        input: &input(),
        views,
    };
    features(
        runtime(),
        &prepared.trunk,
        &request,
        &prepared.workspace,
        &ProgressBar::hidden(),
    )
}

fn view_file(prepared: &Prepared, set: &FeatureSet, view: usize) -> std::path::PathBuf {
    prepared
        .workspace
        .features()
        .join(&set.digest)
        .join(format!("view_{view:02}.f32"))
}

/// Some features of every cell in two views, to two digits, because the last bits depend on the
/// processor.
pub fn outline() -> Vec<String> {
    let prepared = prepared();
    let set = compute(&prepared, &ViewPlan::Dihedral { count: 2 }).unwrap();
    let rows = set
        .views
        .iter()
        .flat_map(|view| (0..18).map(|cell| view.row(cell)));
    let rounded = |row: &[f32]| format!("{:.1e} {:.1e} {:.1e}", row[1], row[2], row[3]);
    rows.map(rounded).collect()
}

#[test]
fn only_missing_features_are_computed() {
    let prepared = prepared();
    let plan = ViewPlan::Dihedral { count: 3 };
    let first = compute(&prepared, &plan).unwrap();
    assert_eq!(first.views.len(), 3);
    assert_eq!(
        (first.views[0].rows(), first.views[0].dimension),
        (18, 1280)
    );
    let written = |view| {
        fs::metadata(view_file(&prepared, &first, view))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = [written(0), written(2)];

    fs::remove_file(view_file(&prepared, &first, 1)).unwrap();
    let second = compute(&prepared, &plan).unwrap();
    assert_eq!(first.views, second.views);
    assert_eq!(
        [written(0), written(2)],
        before,
        "views that were there are not computed again"
    );
}

#[test]
fn features_depend_on_views_and_cells() {
    let prepared = prepared();
    let dihedral = compute(&prepared, &ViewPlan::Dihedral { count: 1 }).unwrap();
    assert_ne!(
        dihedral.digest,
        compute(&prepared, &ViewPlan::Dihedral { count: 2 })
            .unwrap()
            .digest
    );
    assert_ne!(
        dihedral.views[0].row(0),
        dihedral.views[0].row(1),
        "cells of two colours"
    );
    assert!(dihedral.views[0].row(18).is_empty());
}

#[test]
fn changed_crop_is_refused() {
    let prepared = prepared();
    let crops = prepared.workspace.crops();
    fs::copy(crops.join("0.png"), crops.join("1.png")).unwrap();
    let error = compute(&prepared, &ViewPlan::Dihedral { count: 1 })
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("1.png") && error.contains("run `crop` again"),
        "{error}"
    );
}

#[test]
fn invalid_trunk_is_refused() {
    let mut prepared = prepared();
    let path = prepared.folder.path().join("broken.onnx");
    fs::write(&path, b"no model").unwrap();
    assert!(
        TrunkFile::open(&path)
            .unwrap_err()
            .to_string()
            .contains("not an ONNX model")
    );
    prepared.trunk.path = path;
    let error = compute(&prepared, &ViewPlan::Dihedral { count: 1 })
        .unwrap_err()
        .to_string();
    assert!(error.contains("broken.onnx"), "{error}");
    assert!(TrunkFile::open(Path::new("/nowhere/trunk.onnx")).is_err());
}
