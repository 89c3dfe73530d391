//! The sections of a part: confusion, ROC, reliability, and what follows from uncertainty.

use super::{
    elements::{Table, estimate, plain_estimate, share, slug, text},
    page::{Columns, Page},
    paper, policies, uncertainty,
};
use crate::{
    plots::{
        AxisSpec, Plot,
        lines::{Line, LinePlot, Role},
        matrix::MatrixPlot,
        reliability::{ReliabilityPlot, ReliabilityPoint},
    },
    report::{Figure, MethodReport, PartReport, QuestionReport, Report, RocRow},
};

/// What names the plots and headings of a part.
#[derive(Clone, Debug)]
pub(super) struct PartId(String);

impl PartId {
    pub(super) fn new(index: usize) -> PartId {
        PartId(format!("part{}", index + 1))
    }

    pub(super) fn id(&self, section: &str) -> String {
        format!("{}-{section}", self.0)
    }

    /// The name of a plot of a method; `number` keeps methods of like names apart.
    pub(super) fn plot(&self, kind: &str, number: usize, method: &str) -> String {
        format!("{}-{kind}-{}-{}", self.0, number + 1, slug(method))
    }
}

pub(super) fn write(page: &mut Page, report: &Report, part: &PartReport, index: usize) {
    let id = PartId::new(index);
    page.heading(
        2,
        &id.id("top"),
        &format!("Part {}: {}", index + 1, part.name),
    );
    page.paragraph(&format!(
        "{} cells from {} images. {}",
        part.cells, part.images, part.note
    ));
    confusion(page, part, &id);
    roc(page, part, &id);
    reliability(page, part, &id);
    uncertainty::write(page, part, &id);
    paper::write(page, part, &id);
    policies::write(page, &report.policies, part, &id);
}

/// Each method's report on question `index`, numbered.
pub(super) fn asked(
    part: &PartReport,
    index: usize,
) -> impl Iterator<Item = (usize, &MethodReport, &QuestionReport)> {
    let methods = part.methods.iter().enumerate();
    methods.filter_map(move |(number, method)| Some((number, method, method.questions.get(index)?)))
}

/// The indices and titles of the questions.
pub(super) fn questions(part: &PartReport) -> Vec<(usize, &QuestionReport)> {
    part.methods.first().map_or_else(Vec::new, |method| {
        method.questions.iter().enumerate().collect()
    })
}

fn confusion(page: &mut Page, part: &PartReport, id: &PartId) {
    page.heading(3, &id.id("confusion"), "What was answered");
    page.guide("A row holds the cells of one true class, a column those that got one answer; framed boxes are right answers. The percentage is the share of the row, with its interval in brackets; the darker the box, the larger it is.");
    for (index, question) in questions(part) {
        let plots = asked(part, index)
            .map(|(number, method, question)| matrix(id, number, method, question));
        let caption = format!("Confusion matrices, {}, {}", question.title, part.name);
        page.plots(
            &caption,
            if question.classes.len() > 3 {
                Columns::Wide
            } else {
                Columns::Narrow
            },
            plots.collect(),
        );
    }
    page.table(&class_table(part));
}

fn matrix(id: &PartId, number: usize, method: &MethodReport, question: &QuestionReport) -> Plot {
    let shares = question
        .confusion
        .shares
        .iter()
        .map(|row| row.iter().map(share).collect());
    MatrixPlot {
        name: &id.plot(
            &format!("confusion-{}", slug(&question.key)),
            number,
            &method.name,
        ),
        title: &method.name,
        description: &format!(
            "Confusion matrix of {}, {}; the table of classes below holds its shares",
            method.name, question.title
        ),
        classes: &question.classes,
        counts: question.confusion.counts.counts(),
        shares: shares.collect(),
    }
    .draw()
}

fn class_table(part: &PartReport) -> Table {
    let caption = format!("Each class against the rest, {}", part.name);
    let mut table = Table::new(
        &caption,
        &[
            "class",
            "cells",
            "sensitivity (recall)",
            "specificity",
            "PPV (precision)",
            "NPV",
            "AUROC",
        ],
    );
    for (_, method, question) in asked(part, 0) {
        table.group(&method.name);
        for class in &question.confusion.classes {
            let figures = [
                &class.recall,
                &class.specificity,
                &class.precision,
                &class.negative_predictive_value,
                &class.auroc,
            ];
            let mut row = vec![text(&class.name), class.cells.to_string()];
            row.extend(figures.into_iter().map(estimate));
            table.row(row);
        }
    }
    table
}

fn roc(page: &mut Page, part: &PartReport, id: &PartId) {
    let found = questions(part)
        .into_iter()
        .find(|(_, question)| question.normal_or_abnormal);
    let Some((index, _)) = found else { return };
    page.heading(3, &id.id("roc"), "Normal against abnormal: ROC");
    page.guide("Calling more cells abnormal finds more of the abnormal ones (upwards) at the price of false alarms (to the right). A good curve hugs the upper left corner; the dashed diagonal is guessing. The shaded band is the interval of the curve at each false-alarm rate; thin grey lines are the other methods.");
    let all: Vec<(usize, &MethodReport, &QuestionReport)> = asked(part, index).collect();
    let plots = all.iter().map(|(number, method, question)| {
        let others = all
            .iter()
            .filter(|(other, ..)| other != number)
            .map(|(_, _, question)| roc_points(&question.roc));
        let mut lines: Vec<Line> = others.map(background).collect();
        lines.insert(0, reference(vec![(0.0, 0.0), (1.0, 1.0)]));
        lines.push(roc_line(*number, &question.roc));
        LinePlot {
            name: &id.plot("roc", *number, &method.name),
            title: &method.name,
            description: &format!("ROC curve of {} for normal against abnormal", method.name),
            x: AxisSpec::share("false alarms: 1 − specificity"),
            y: AxisSpec::share("sensitivity"),
            lines,
            notes: question
                .figures
                .get(&Figure::Auroc)
                .map(|auroc| plain_estimate("AUROC", auroc))
                .into_iter()
                .collect(),
            notes_at_top: false,
        }
        .draw()
    });
    page.plots(
        &format!("ROC curves, normal against abnormal, {}", part.name),
        Columns::Narrow,
        plots.collect(),
    );
}

fn roc_points(rows: &[RocRow]) -> Vec<(f64, f64)> {
    let start = (0.0, 0.0);
    let read = rows
        .iter()
        .filter_map(|row| Some((row.false_positive_rate, row.sensitivity.value?)));
    std::iter::once(start).chain(read).collect()
}

fn roc_line(number: usize, rows: &[RocRow]) -> Line {
    let band = rows.iter().filter_map(|row| {
        let interval = row.sensitivity.interval?;
        Some((row.false_positive_rate, interval.low, interval.high))
    });
    Line {
        name: None,
        role: Role::Series(number),
        points: roc_points(rows),
        band: band.collect(),
    }
}

pub(super) fn background(points: Vec<(f64, f64)>) -> Line {
    Line {
        name: None,
        role: Role::Background,
        points,
        band: Vec::new(),
    }
}

pub(super) fn reference(points: Vec<(f64, f64)>) -> Line {
    Line {
        name: None,
        role: Role::Reference,
        points,
        band: Vec::new(),
    }
}

fn reliability(page: &mut Page, part: &PartReport, id: &PartId) {
    page.heading(3, &id.id("reliability"), "Are the probabilities true?");
    page.guide("Cells are sorted by the probability of the answer they got. A point on the dashed diagonal says that answers given with 80% are right in 80% of cases; below it the method is too sure, above it too modest. The bars underneath count the cells. ECE is the mean distance from the diagonal.");
    for (index, question) in questions(part).into_iter().take(2) {
        let plots = asked(part, index)
            .map(|(number, method, question)| reliability_plot(id, number, method, question));
        page.plots(
            &format!("Reliability diagrams, {}, {}", question.title, part.name),
            Columns::Narrow,
            plots.collect(),
        );
    }
}

fn reliability_plot(
    id: &PartId,
    number: usize,
    method: &MethodReport,
    question: &QuestionReport,
) -> Plot {
    let point = |row: &crate::report::ReliabilityRow| {
        Some(ReliabilityPoint {
            low: row.low,
            high: row.high,
            confidence: row.confidence?,
            share: row.accuracy.value?,
            interval: row
                .accuracy
                .interval
                .map(|interval| (interval.low, interval.high)),
            items: row.cells,
        })
    };
    let notes = question
        .figures
        .get(&Figure::CalibrationError)
        .map(|error| plain_estimate("ECE", error));
    ReliabilityPlot {
        name: &id.plot(
            &format!("reliability-{}", slug(&question.key)),
            number,
            &method.name,
        ),
        title: &method.name,
        description: &format!("Reliability diagram of {}, {}", method.name, question.title),
        points: question.reliability.iter().filter_map(point).collect(),
        notes: notes.into_iter().collect(),
    }
    .draw()
}
