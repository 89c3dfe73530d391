//! Undefined figures are called so, and inconsistent input is refused.

use std::fs;

use evaluation::report::{ReportFiles, measure, write_report};
use tempfile::TempDir;

use super::{files::numbers_that_are_none, synthetic::small_input};

fn page_of(labels: &[usize], images: &[&str]) -> (TempDir, ReportFiles, String) {
    let rows = [vec![0.9, 0.1], vec![0.8, 0.2], vec![0.7, 0.3]];
    let folder = TempDir::new().unwrap();
    let files = write_report(&small_input(labels, images, &rows), folder.path()).unwrap();
    let page = fs::read_to_string(&files.html).unwrap();
    (folder, files, page)
}

#[test]
fn part_of_one_class_has_no_auroc() {
    let (_folder, files, page) = page_of(&[0, 0, 0], &["a", "b", "c"]);
    assert!(page.contains("undefined") && page.contains("AUROC undefined"));
    assert_eq!(numbers_that_are_none(&page), 0);
    let json = fs::read_to_string(&files.json).unwrap();
    assert!(json.contains(r#""auroc":{"value":null,"interval":null"#));
    let figures = fs::read_to_string(&files.figures).unwrap();
    assert!(figures.contains("test,baseline,classes.auroc,,,\n"));
    assert!(figures.contains("test,baseline,classes.accuracy,1,1,1\n"));
}

#[test]
fn one_image_gives_no_intervals() {
    let (_folder, files, page) = page_of(&[0, 1, 0], &["a", "a", "a"]);
    assert!(page.contains("no interval"));
    let question = &files.report.parts[0].methods[0].questions[0];
    let accuracy = question.figures.values().nth(1).unwrap();
    assert_eq!((accuracy.value, accuracy.interval), (Some(2.0 / 3.0), None));
}

#[test]
fn inconsistent_input_is_refused() {
    let rows = [vec![0.9, 0.1], vec![0.8, 0.2]];
    let good = small_input(&[0, 1], &["a", "b"], &rows);
    let refused = |change: &dyn Fn(&mut evaluation::report::ReportInput)| {
        let mut input = good.clone();
        change(&mut input);
        measure(&input).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&|input| drop(input.parts[0].methods[0].samples.pop())),
        "expected 2 answers of method `baseline` for part `test`, found 1"
    );
    assert_eq!(
        refused(&|input| input.parts[0].cells[0].label = 2),
        "the class of a cell of part `test` is not one of the 2 classes"
    );
    assert_eq!(
        refused(&|input| input.parts[0].cells.clear()),
        "part `test` has no cells"
    );
    assert_eq!(
        refused(&|input| input.parts.push(input.parts[0].clone())),
        "two parts are called `test`: give each its own name"
    );
}
