//! The body of the page under construction, with its table of contents and its plots.

use maud::{Markup, PreEscaped, html};

use super::elements::Table;
use crate::plots::Plot;

/// The width of the plots in a row.
#[derive(Clone, Copy)]
pub(super) enum PlotWidth {
    /// As many plots of about 300 px as fit.
    Narrow,
    /// As many plots of about 480 px as fit.
    Wide,
    /// One plot, as wide as the page.
    Full,
}

#[derive(Default)]
pub(super) struct Page {
    body: Vec<Markup>,
    contents: Vec<Markup>,
    plots: Vec<Plot>,
}

impl Page {
    /// A heading of level 2 or 3, which the contents list, or 4.
    pub(super) fn heading(&mut self, level: u8, id: &str, title: &str) {
        if level <= 3 {
            let (class, link) = (format!("level{level}"), format!("#{id}"));
            let entry = html! { li class=(class) { a href=(link) { (title) } } };
            self.contents.push(entry);
        }
        self.add(match level {
            2 => html! { h2 id=(id) { (title) } },
            3 => html! { h3 id=(id) { (title) } },
            _ => html! { h4 id=(id) { (title) } },
        });
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.add(html! { p { (text) } });
    }

    /// An explanation of how to read the section.
    pub(super) fn guide(&mut self, text: &str) {
        self.add(html! { p.guide { b { "How to read it." } " " (text) } });
    }

    pub(super) fn table(&mut self, table: &Table) {
        self.add(table.markup());
    }

    /// Plots side by side under one caption.
    pub(super) fn plots(&mut self, caption: &str, width: PlotWidth, plots: Vec<Plot>) {
        let width = match width {
            PlotWidth::Narrow => "plots narrow",
            PlotWidth::Wide => "plots wide",
            PlotWidth::Full => "plots full",
        };
        let drawn: Vec<Markup> = plots
            .into_iter()
            .map(|plot| self.inline_plot(plot))
            .collect();
        self.add(html! {
            figure class=(width) {
                div.grid { @for plot in drawn { div.plot { (plot) } } }
                figcaption { (caption) }
            }
        });
    }

    /// A plot inside the caller's markup.
    pub(super) fn inline_plot(&mut self, plot: Plot) -> Markup {
        let svg = PreEscaped(plot.svg.clone());
        self.plots.push(plot);
        svg
    }

    pub(super) fn add(&mut self, markup: Markup) {
        self.body.push(markup);
    }

    /// The contents, the body and the plots in it.
    pub(super) fn finish(self) -> (Markup, Markup, Vec<Plot>) {
        let contents = html! {
            nav aria-label="Contents" { h2 { "Contents" } ol { @for entry in self.contents { (entry) } } }
        };
        let body = html! { @for markup in self.body { (markup) "\n" } };
        (contents, body, self.plots)
    }
}
