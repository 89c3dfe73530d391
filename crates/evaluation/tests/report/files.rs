//! The report's files, and that the page is self-contained and without scripts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use evaluation::report::{ReportFiles, write_report};
use tempfile::TempDir;

use super::synthetic::{SyntheticStudy, small_input};

fn written(folder: &Path) -> (ReportFiles, String) {
    let mut study = SyntheticStudy::new(1);
    let mut input = study.input(300, 30);
    input.parts.push(study.part("test part", 120, 12));
    let files = write_report(&input, folder).unwrap();
    let page = fs::read_to_string(&files.html).unwrap();
    (files, page)
}

#[test]
fn report_is_complete_and_self_contained() {
    // Left in the target folder for viewing.
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("report");
    let (files, page) = written(&folder);
    let plots = fs::read_dir(&files.plots).unwrap().count();
    assert!(plots > 150, "{plots} plots");
    assert_eq!(
        page.matches("<svg ").count(),
        page.matches("role=\"img\"").count()
    );
    let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
    for reference in ["http:", "https:", "src=\"/", "<script", "<link", "@import"] {
        assert!(!elsewhere.contains(reference), "{reference}");
    }
    assert_eq!(numbers_that_are_none(&page), 0);
    assert!(page.contains("A suggestion, not a diagnosis"));
    let figures = csv::Reader::from_path(&files.figures)
        .unwrap()
        .into_records()
        .count();
    let cells = csv::Reader::from_path(&files.cells)
        .unwrap()
        .into_records()
        .count();
    assert!(figures > 1_000, "{figures} figures");
    assert_eq!(cells, 4 * (300 + 120));
}

/// How often a page contains NaN or inf, except in pictures.
pub fn numbers_that_are_none(page: &str) -> usize {
    let pieces = page.split("data:image/png;base64,").enumerate();
    let text = pieces.map(|(index, piece)| {
        if index == 0 {
            piece
        } else {
            piece.split_once('"').unwrap().1
        }
    });
    let words = text.flat_map(|piece| piece.split(|character: char| !character.is_alphanumeric()));
    words.filter(|word| ["NaN", "inf"].contains(word)).count()
}

#[test]
fn same_input_gives_same_bytes() {
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut input = SyntheticStudy::new(7).input(60, 6);
    input.plan.resamples = 20;
    write_report(&input, first.path()).unwrap();
    write_report(&input, second.path()).unwrap();
    for name in ["report.html", "report.json", "figures.csv", "cells.csv"] {
        let [one, other] =
            [&first, &second].map(|folder| fs::read(folder.path().join(name)).unwrap());
        assert!(one == other, "{name}");
    }
}

#[test]
fn foreign_names_are_escaped() {
    let hostile = "\"><script>alert('x')</script>&";
    let rows = [vec![0.9, 0.1], vec![0.4, 0.6], vec![0.7, 0.3]];
    let mut input = small_input(&[0, 1, 1], &["a", "b", hostile], &rows);
    input.title = hostile.to_owned();
    input.facts.push((hostile.to_owned(), hostile.to_owned()));
    input.labels[1].name = hostile.to_owned();
    let part = &mut input.parts[0];
    (part.name, part.note) = (hostile.to_owned(), hostile.to_owned());
    part.methods[0].name = hostile.to_owned();
    part.cells[0].cell_id = hostile.to_owned();
    let folder = TempDir::new().unwrap();
    let files = write_report(&input, folder.path()).unwrap();
    let page = fs::read_to_string(&files.html).unwrap();
    assert!(!page.contains("<script"));
    assert!(page.contains("&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;"));
    for plot in fs::read_dir(&files.plots).unwrap() {
        let path = plot.unwrap().path();
        assert!(
            !fs::read_to_string(&path).unwrap().contains("<script"),
            "{}",
            path.display()
        );
    }
}
