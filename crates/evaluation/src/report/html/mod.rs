//! The page: plain strings, every text from outside escaped, no script, nothing loaded from elsewhere.

mod elements;
mod gallery;
mod ood;
mod overview;
mod page;
mod paper;
mod part;
mod policies;
mod uncertainty;

use super::{Report, ReportInput};
use crate::plots::{Plot, escape};
use page::Page;

const STYLE: &str = include_str!("style.css");

/// The page and the plots in it.
pub(super) fn page(report: &Report, input: &ReportInput) -> (String, Vec<Plot>) {
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
    let title = escape(&report.title);
    let head = format!(
        concat!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
            "<meta name=\"color-scheme\" content=\"light dark\">",
            "<title>{title}</title>\n<style>{style}</style></head>\n<body>"
        ),
        title = title,
        style = STYLE,
    );
    let masthead = format!(
        "<header><p class=\"kind\">Evaluation report</p><h1>{title}</h1><p class=\"disclaimer\">{}</p></header>",
        escape(&report.disclaimer),
    );
    let contents = page.contents();
    let html = format!(
        "{head}{masthead}\n{contents}\n<main>{}</main>\n</body></html>\n",
        page.body()
    );
    (html, page.into_plots())
}
