//! Common layouts of data sets: a folder per class, or a table of paths.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use image::{Rgb, RgbImage};
use imaging::Padding;
use indicatif::ProgressBar;
use trainer::{CropOptions, CropOutcome, Dataset, Workspace, crop_dataset};

fn picture(path: PathBuf, size: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    RgbImage::from_pixel(size, size + 2, Rgb([90, 120, 150]))
        .save(path)
        .unwrap();
}

fn crop(data: &Dataset, work: &Path) -> CropOutcome {
    let options = CropOptions {
        edge: 11,
        padding: Padding::Reflect,
        leave_out: true,
    };
    let workspace = Workspace::open(work).unwrap();
    crop_dataset(data, &workspace, &options, &ProgressBar::hidden()).unwrap()
}

fn refusal(path: &Path) -> String {
    Dataset::open(path, None, None).unwrap_err().to_string()
}

#[test]
fn herlev_folders_are_classes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (class, size) in [
        ("normal_superficiel", 20),
        ("light_dysplastic", 30),
        ("carcinoma_in_situ", 40),
    ] {
        picture(data.join(class).join("149143370-002.png"), size);
        fs::write(data.join(class).join("notes.txt"), "not an image").unwrap();
    }
    let outcome = crop(
        &Dataset::open(&data, None, None).unwrap(),
        &folder.path().join("work"),
    );
    assert!(outcome.left_out.is_empty());
    let rows = &outcome.table.rows;
    let labels: Vec<&str> = rows.iter().map(|row| row.label.as_str()).collect();
    assert_eq!(
        labels,
        ["carcinoma_in_situ", "light_dysplasia", "normal_superficial"]
    );
    let images: BTreeSet<&str> = rows.iter().map(|row| row.image_id.as_str()).collect();
    assert_eq!(
        images.len(),
        3,
        "the same file name in two classes is two images"
    );
    assert_eq!(rows[0].nucleus_x, None);
    assert_eq!(
        outcome.table.settings.edge, 32,
        "the median of the longer sides"
    );
    assert_eq!(outcome.table.settings.source_width_px, None);
}

#[test]
fn sipakmed_crops_keep_their_image() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["im_Koilocytotic", "im_Parabasal"] {
        let inner = folder.path().join(class).join(class);
        picture(inner.join("007.bmp"), 60);
        picture(inner.join("CROPPED/007_01.bmp"), 12);
        picture(inner.join("CROPPED/007_02.bmp"), 12);
    }
    let data = Dataset::open(folder.path(), None, None).unwrap();
    assert_eq!(data.cells.len(), 4, "the whole pictures are not cells");
    let images: BTreeSet<&str> = data
        .cells
        .iter()
        .map(|cell| cell.image_id.as_str())
        .collect();
    assert_eq!(images.len(), 2);
}

#[test]
fn table_of_paths_and_labels_is_read() {
    let folder = tempfile::tempdir().unwrap();
    picture(folder.path().join("fields/a.png"), 50);
    picture(folder.path().join("b.png"), 50);
    let table = folder.path().join("cells.csv");
    fs::write(
        &table,
        "path,label,note\nfields/a.png,NILM,x\nb.png,HSIL,y\n",
    )
    .unwrap();
    let data = Dataset::open(&table, None, None).unwrap();
    assert_eq!(data.cells[0].cell_id, "fields_a");
    assert_eq!(data.cells[1].origin, "cells.csv, line 3");

    let nuclei = "path,label,image_id,nucleus_x,nucleus_y\n\
                  b.png,NILM,slide 1,20,20\nb.png,HSIL,slide 1,30,80\n";
    fs::write(&table, nuclei).unwrap();
    let outcome = crop(
        &Dataset::open(&table, None, None).unwrap(),
        &folder.path().join("work"),
    );
    assert_eq!(outcome.table.rows.len(), 1);
    assert_eq!(outcome.table.rows[0].image_id, "slide 1");
    assert_eq!(outcome.table.settings.source_width_px, Some(50));
    let left_out = &outcome.left_out[0];
    assert_eq!(left_out.origin, "cells.csv, line 3");
    assert!(left_out.reason.contains("80"), "{}", left_out.reason);

    fs::write(
        &table,
        "path,label,nucleus_x,nucleus_y\nb.png,NILM,20,20\nb.png,HSIL,,\n",
    )
    .unwrap();
    assert!(
        refusal(&table)
            .contains("cells.csv, line 3: give nucleus_x and nucleus_y in every row or in none")
    );
}

#[test]
fn own_labels_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    picture(folder.path().join("data/healthy/1.png"), 20);
    picture(folder.path().join("data/ill/1.png"), 20);
    let data = folder.path().join("data");
    assert!(refusal(&data).contains("no built-in label set has the labels healthy, ill"));

    let labels = folder.path().join("labels.toml");
    let text = "[[labels]]\nname = \"healthy\"\nabnormal = false\n\
                [[labels]]\nname = \"sick\"\nabnormal = true\naliases = [\"ill\"]\n";
    fs::write(&labels, text).unwrap();
    let data = Dataset::open(&data, None, labels.to_str()).unwrap();
    let outcome = crop(&data, &folder.path().join("work"));
    assert_eq!(outcome.table.rows[1].label, "sick");
}

#[test]
fn empty_class_and_missing_data_are_named() {
    let folder = tempfile::tempdir().unwrap();
    picture(folder.path().join("NILM/1.png"), 20);
    fs::create_dir(folder.path().join("SCC")).unwrap();
    let said = refusal(folder.path());
    assert!(
        said.contains("SCC") && said.contains("no images in this class's folder"),
        "{said}"
    );
    assert!(refusal(Path::new("/nowhere")).contains("no data set at /nowhere"));
}
