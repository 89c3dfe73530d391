//! The body of the page as it grows, with its table of contents and its plots.

use super::elements::Table;
use crate::plots::{Plot, escape};

/// How wide the plots of a row are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    /// As many of about 300 px as fit.
    Narrow,
    /// As many of about 480 px as fit.
    Wide,
    /// One, as wide as the page.
    Full,
}

#[derive(Debug, Default)]
pub(super) struct Page {
    body: String,
    headings: Vec<(u8, String, String)>,
    plots: Vec<Plot>,
}

impl Page {
    /// A heading of level 2 (in the contents), 3 (there too) or 4.
    pub(super) fn heading(&mut self, level: u8, id: &str, title: &str) {
        if level <= 3 {
            self.headings.push((level, id.to_owned(), title.to_owned()));
        }
        self.raw(&format!(
            "<h{level} id=\"{id}\">{}</h{level}>",
            escape(title)
        ));
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.raw(&format!("<p>{}</p>", escape(text)));
    }

    /// How to read what follows.
    pub(super) fn guide(&mut self, text: &str) {
        self.raw(&format!(
            "<p class=\"guide\"><b>How to read it.</b> {}</p>",
            escape(text)
        ));
    }

    pub(super) fn table(&mut self, table: &Table) {
        self.raw(&table.html());
    }

    /// Plots side by side under one caption.
    pub(super) fn plots(&mut self, caption: &str, columns: Columns, plots: Vec<Plot>) {
        let class = match columns {
            Columns::Narrow => "narrow",
            Columns::Wide => "wide",
            Columns::Full => "full",
        };
        let drawn: String = plots
            .iter()
            .map(|plot| format!("<div class=\"plot\">{}</div>", plot.svg))
            .collect();
        self.raw(&format!(
            "<figure class=\"plots {class}\"><div class=\"grid\">{drawn}</div><figcaption>{}</figcaption></figure>",
            escape(caption),
        ));
        self.plots.extend(plots);
    }

    /// A plot inside markup of the caller's.
    pub(super) fn inline_plot(&mut self, plot: Plot) -> String {
        let svg = plot.svg.clone();
        self.plots.push(plot);
        svg
    }

    /// Markup that is already safe.
    pub(super) fn raw(&mut self, html: &str) {
        self.body.push_str(html);
        self.body.push('\n');
    }

    pub(super) fn contents(&self) -> String {
        let entry = |(level, id, title): &(u8, String, String)| {
            format!(
                "<li class=\"level{level}\"><a href=\"#{id}\">{}</a></li>",
                escape(title)
            )
        };
        let entries: String = self.headings.iter().map(entry).collect();
        format!("<nav aria-label=\"Contents\"><h2>Contents</h2><ol>{entries}</ol></nav>")
    }

    pub(super) fn body(&self) -> &str {
        &self.body
    }

    pub(super) fn into_plots(self) -> Vec<Plot> {
        self.plots
    }
}
