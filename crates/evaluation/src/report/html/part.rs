//! The sections of a part: confusion matrices, ROC, reliability, and uncertainty.

use super::{
    elements::{Table, estimate, plain_estimate, share, slug, text},
    page::{Page, PlotWidth},
    paper, policies, uncertainty,
};
use crate::{
    plots::{
        AxisSpec, Plot, PlotFrame,
        lines::{LinePlot, PlotLine, Role},
        matrix::MatrixPlot,
        reliability::{ReliabilityPlot, ReliabilityPoint},
    },
    report::{
        EvaluationReport, Figure, MethodReport, PartReport, QuestionReport, ReliabilityRow, RocRow,
    },
};

/// Prefix of the ids of a part's plots and headings.
#[derive(Clone, Debug)]
pub(super) struct PartId(String);

impl PartId {
    pub(super) fn new(index: usize) -> PartId {
        PartId(format!("part{}", index + 1))
    }

    pub(super) fn id(&self, section: &str) -> String {
        format!("{}-{section}", self.0)
    }
}

/// The subject of a plot: a method's answers to one question.
#[derive(Clone, Copy)]
pub(super) struct Charted<'a> {
    pub id: &'a PartId,
    /// The method's index in the part.
    pub number: usize,
    pub method: &'a MethodReport,
    pub question: &'a QuestionReport,
}

impl Charted<'_> {
    /// The frame of a plot of this kind. The description begins with `what`, such as `ROC curve`.
    pub(super) fn frame(&self, kind: &str, what: &str) -> PlotFrame {
        let kind = format!("{kind}-{}", slug(&self.question.key));
        let description = format!("{what} of {}, {}", self.method.name, self.question.title);
        self.described_frame(&kind, description)
    }

    /// A frame with its own description; `kind` distinguishes the plots of a method.
    pub(super) fn described_frame(&self, kind: &str, description: String) -> PlotFrame {
        let title = &self.method.name;
        let name = format!("{kind}-{}-{}", self.number + 1, slug(title));
        PlotFrame {
            name: self.id.id(&name),
            title: title.clone(),
            description,
        }
    }
}

/// The reports of all methods on question `index`.
pub(super) fn asked<'a>(
    part: &'a PartReport,
    id: &'a PartId,
    index: usize,
) -> impl Iterator<Item = Charted<'a>> {
    let methods = part.methods.iter().enumerate();
    methods.filter_map(move |(number, method)| {
        Some(Charted {
            id,
            number,
            method,
            question: method.questions.get(index)?,
        })
    })
}

/// A plot of each method that has one, and a caption that ends with the names of the others.
pub(super) fn plots_of<'a>(
    asked: impl Iterator<Item = Charted<'a>>,
    (mut caption, missing): (String, &str),
    plot: impl Fn(Charted<'a>) -> Option<Plot>,
) -> (String, Vec<Plot>) {
    let (mut plots, mut without) = (Vec::new(), Vec::new());
    for charted in asked {
        match plot(charted) {
            Some(plot) => plots.push(plot),
            None => without.push(charted.method.name.as_str()),
        }
    }
    if !without.is_empty() {
        caption = format!("{caption}; {missing} {}", without.join(", "));
    }
    (caption, plots)
}

/// The questions, numbered.
pub(super) fn questions(part: &PartReport) -> impl Iterator<Item = (usize, &QuestionReport)> {
    let first = part.methods.iter().take(1);
    first.flat_map(|method| method.questions.iter().enumerate())
}

pub(super) fn write(page: &mut Page, report: &EvaluationReport, part: &PartReport, index: usize) {
    let id = PartId::new(index);
    let title = format!("Part {}: {}", index + 1, part.name);
    page.heading(2, &id.id("top"), &title);
    let (cells, images, note) = (part.cells, part.images, &part.note);
    page.paragraph(&format!("{cells} cells from {images} images. {note}"));
    confusion(page, part, &id);
    roc(page, part, &id);
    reliability(page, part, &id);
    uncertainty::write(page, part, &id);
    paper::write(page, part, &id);
    policies::write(page, &report.policies, part, &id);
}

fn confusion(page: &mut Page, part: &PartReport, id: &PartId) {
    page.heading(3, &id.id("confusion"), "Confusion matrices");
    page.guide(
        "A row holds the cells of one true class, a column the cells with one answer. \
        Framed boxes are right answers. The percentage is the share of the row, with its interval \
        in brackets; darker boxes have larger shares.",
    );
    for (index, question) in questions(part) {
        let caption = format!("Confusion matrices, {}, {}", question.title, part.name);
        let width = match question.classes.len() {
            ..=3 => PlotWidth::Narrow,
            _ => PlotWidth::Wide,
        };
        let plots = asked(part, id, index).map(matrix);
        page.plots(&caption, width, plots.collect());
    }
    page.table(&class_table(part, id));
}

fn matrix(charted: Charted<'_>) -> Plot {
    let question = charted.question;
    let shares = question.confusion.shares.iter();
    let mut frame = charted.frame("confusion", "Confusion matrix");
    frame.description += "; the table of classes below holds its shares";
    MatrixPlot {
        frame,
        classes: &question.classes,
        counts: question.confusion.counts.counts(),
        shares: shares.map(|row| row.iter().map(share).collect()).collect(),
    }
    .draw()
}

fn class_table(part: &PartReport, id: &PartId) -> Table {
    let caption = format!("Each class against the rest, {}", part.name);
    let header = [
        "class",
        "cells",
        "sensitivity (recall)",
        "specificity",
        "PPV (precision)",
        "NPV",
        "AUROC",
    ];
    let mut table = Table::new(caption, &header);
    for Charted {
        method, question, ..
    } in asked(part, id, 0)
    {
        table.group(&method.name);
        for class in &question.confusion.classes {
            let cells = [text(class.cells)].into_iter();
            let figures = class.named().map(|(_, figure)| estimate(figure));
            table.row(text(&class.name), cells.chain(figures));
        }
    }
    table
}

fn roc(page: &mut Page, part: &PartReport, id: &PartId) {
    let found = questions(part).find(|(_, question)| question.normal_or_abnormal);
    let Some((index, _)) = found else { return };
    page.heading(3, &id.id("roc"), "ROC curves: normal against abnormal");
    page.guide(
        "Calling more cells abnormal finds more of the abnormal ones (upwards) but gives \
        more false alarms (to the right). A good curve is close to the upper left corner; the \
        dashed diagonal is guessing. The shaded band is the interval of the curve at each \
        false-alarm rate; thin grey lines are the other methods.",
    );
    let all: Vec<Charted<'_>> = asked(part, id, index).collect();
    let plots = all.iter().map(|charted| roc_plot(charted, &all));
    let caption = format!("ROC curves, normal against abnormal, {}", part.name);
    page.plots(&caption, PlotWidth::Narrow, plots.collect());
}

fn roc_plot(charted: &Charted<'_>, all: &[Charted<'_>]) -> Plot {
    let (number, question) = (charted.number, charted.question);
    let method = &charted.method.name;
    let description = format!("ROC curve of {method} for normal against abnormal");
    let mut lines = vec![line(Role::Reference, vec![(0.0, 0.0), (1.0, 1.0)])];
    let others = all.iter().filter(|other| other.number != number);
    lines.extend(others.map(|other| line(Role::Background, roc_points(&other.question.roc))));
    lines.push(roc_line(number, &question.roc));
    let auroc = question.figures.get(&Figure::Auroc);
    LinePlot {
        frame: charted.described_frame("roc", description),
        x: AxisSpec::share("false alarms: 1 − specificity"),
        y: AxisSpec::share("sensitivity"),
        lines,
        notes: Vec::from_iter(auroc.map(|auroc| plain_estimate("AUROC", auroc))),
        notes_at_top: false,
    }
    .draw()
}

fn roc_points(rows: &[RocRow]) -> Vec<(f64, f64)> {
    let read = |row: &RocRow| Some((row.false_positive_rate, row.sensitivity.value?));
    let read = rows.iter().filter_map(read);
    std::iter::once((0.0, 0.0)).chain(read).collect()
}

fn roc_line(number: usize, rows: &[RocRow]) -> PlotLine {
    let band = rows.iter().filter_map(|row| {
        let interval = row.sensitivity.interval?;
        Some((row.false_positive_rate, interval.low, interval.high))
    });
    PlotLine {
        band: band.collect(),
        ..line(Role::Series(number), roc_points(rows))
    }
}

/// A line without a name or a band.
pub(super) fn line(role: Role, points: Vec<(f64, f64)>) -> PlotLine {
    PlotLine {
        name: None,
        role,
        points,
        band: Vec::new(),
    }
}

fn reliability(page: &mut Page, part: &PartReport, id: &PartId) {
    page.heading(3, &id.id("reliability"), "Calibration of the probabilities");
    page.guide(
        "Cells are sorted by the probability of their answer. A point on the dashed \
        diagonal means that answers given with 80% are right in 80% of cases. Below it the method \
        is overconfident, above it underconfident. The bars underneath count the cells. ECE is the \
        mean distance from the diagonal.",
    );
    for (index, question) in questions(part).take(2) {
        let caption = format!("Reliability diagrams, {}, {}", question.title, part.name);
        let plots = asked(part, id, index).map(reliability_plot);
        page.plots(&caption, PlotWidth::Narrow, plots.collect());
    }
}

fn reliability_plot(charted: Charted<'_>) -> Plot {
    let point = |row: &ReliabilityRow| {
        Some(ReliabilityPoint {
            low: row.low,
            high: row.high,
            confidence: row.confidence?,
            share: share(&row.accuracy)?,
            items: row.cells,
        })
    };
    let question = charted.question;
    let error = question.figures.get(&Figure::CalibrationError);
    ReliabilityPlot {
        frame: charted.frame("reliability", "Reliability diagram"),
        points: question.reliability.iter().filter_map(point).collect(),
        notes: Vec::from_iter(error.map(|error| plain_estimate("ECE", error))),
    }
    .draw()
}
