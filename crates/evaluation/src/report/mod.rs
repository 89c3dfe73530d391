//! The evaluation report: every figure of every method on every part, as an HTML page, as JSON and
//! as CSV.
//!
//! Fill a [`ReportInput`] with samples and true classes. [`measure`] computes an
//! [`EvaluationReport`], the content of the JSON; [`write_report`] does that and writes the files.
//! Each question (all classes, normal vs abnormal, further groupings) is measured separately:
//! probabilities of grouped classes are summed first, and answers, errors and measures of
//! uncertainty are those of the sums. Every figure has an interval resampled by image.

mod confusion;
mod csv;
mod curves;
mod document;
mod error;
mod figures;
mod gallery;
mod html;
mod input;
mod ood;
mod paper;
mod policies;
mod question;
mod resampling;
mod uncertainty;
mod write;

pub use confusion::{ClassFigures, Confusion};
pub use curves::{ReliabilityRow, RocRow};
pub use document::{EvaluationReport, MethodReport, PartReport, QuestionReport, measure};
pub use error::ReportError;
pub use figures::Figure;
pub use gallery::{Gallery, GalleryAnswer, GalleryCell};
pub use input::{
    CellRef, CertificateFigures, MethodInput, OodSet, PartInput, PolicyCell, PolicyOutcome,
    ReportGrouping, ReportInput, ReportLabel, ReportPolicy,
};
pub use ood::{OodReport, SIGNIFICANT};
pub use paper::{PaperRange, PaperReport, PaperSide, PaperThreshold, SideFigure};
pub use policies::PolicyReport;
pub use uncertainty::{Histogram, RiskAtCoverage, UncertaintyReport};
pub use write::{ReportFiles, write_report};
