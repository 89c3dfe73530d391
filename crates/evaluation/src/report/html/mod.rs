//! The page. `maud` escapes every text; the page has no script and loads nothing.

mod elements;
mod gallery;
mod ood;
mod overview;
mod page;
mod paper;
mod part;
mod policies;
mod uncertainty;

use maud::{DOCTYPE, PreEscaped, html};

use super::{EvaluationReport, ReportInput};
use crate::plots::Plot;
use page::Page;

const STYLE: &str = include_str!("style.css");

/// The page and the plots in it.
pub(super) fn page(report: &EvaluationReport, input: &ReportInput) -> (String, Vec<Plot>) {
    let mut page = Page::default();
    overview::write(&mut page, report);
    for (index, part) in report.parts.iter().enumerate() {
        part::write(&mut page, report, part, index);
        if let Some(part_input) = input.parts.get(index) {
            gallery::write(&mut page, &part.gallery, part_input, index);
        }
    }
    ood::write(&mut page, &report.out_of_distribution);
    overview::write_files(&mut page, report);
    let (contents, body, plots) = page.finish();
    let page = html! {
        (DOCTYPE) "\n"
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (report.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.kind { "Evaluation report" }
                    h1 { (report.title) }
                    p.disclaimer { (report.disclaimer) }
                }
                (contents)
                main { (body) }
            }
        }
    };
    (page.into_string(), plots)
}
