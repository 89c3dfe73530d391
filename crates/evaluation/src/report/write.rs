//! Writes a report to disk.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    EvaluationReport, ReportError, ReportInput,
    csv::{CsvRows, cell_rows, figure_rows},
    html, measure,
};

/// The files of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportFiles {
    /// The page.
    pub html: PathBuf,
    /// Every number.
    pub json: PathBuf,
    /// A row per figure.
    pub figures: PathBuf,
    /// A row per cell and method.
    pub cells: PathBuf,
    /// The folder of the plots.
    pub plots: PathBuf,
    /// The numbers, as in the JSON.
    pub report: EvaluationReport,
}

/// Computes the figures and writes `report.html`, `report.json`, `figures.csv`, `cells.csv` and
/// `plots/*.svg` into `folder`, which is created if missing. Files of the same names are replaced.
///
/// # Errors
/// [`ReportError`] if the input is inconsistent or a file cannot be written.
pub fn write_report(input: &ReportInput, folder: &Path) -> Result<ReportFiles, ReportError> {
    let report = measure(input)?;
    let (page, drawn) = html::page(&report, input);
    let plots = folder.join("plots");
    fs::create_dir_all(&plots).map_err(ReportError::write(&plots))?;
    for plot in &drawn {
        let path = plots.join(format!("{}.svg", plot.name));
        write(&path, plot.svg.as_bytes())?;
    }
    let files = ReportFiles {
        html: folder.join("report.html"),
        json: folder.join("report.json"),
        figures: folder.join("figures.csv"),
        cells: folder.join("cells.csv"),
        plots,
        report,
    };
    write(&files.html, page.as_bytes())?;
    let json = serde_json::to_vec(&files.report).map_err(ReportError::format(&files.json))?;
    write(&files.json, &json)?;
    write_rows(&files.figures, figure_rows(&files.report))?;
    write_rows(&files.cells, cell_rows(input)?)?;
    Ok(files)
}

fn write_rows(path: &Path, rows: CsvRows) -> Result<(), ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer
            .write_record(row)
            .map_err(ReportError::format(path))?;
    }
    let bytes = writer.into_inner().map_err(ReportError::format(path))?;
    write(path, &bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    fs::write(path, bytes).map_err(ReportError::write(path))
}
