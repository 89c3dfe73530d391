//! The figures and the table of the paper.

use super::{
    elements::{Table, estimate, share, slug, text},
    page::{Page, PlotWidth},
    part::{Charted, PartId, asked, plots_of, questions},
};
use crate::{
    plots::{
        Plot,
        ranges::{Parts, RangeBar, RangePlot},
    },
    report::{PaperRange, PaperReport, PaperSide, PartReport},
};
use uncertainty::Measure;

const MEASURES: [(Measure, &str); 3] = [
    (Measure::PaperVariance, "variance"),
    (Measure::PaperEntropy, "entropy"),
    (Measure::PaperSampleMean, "sample mean"),
];

pub(super) fn write(page: &mut Page, part: &PartReport, id: &PartId) {
    let title = "The paper's figures: predictions across uncertainty ranges";
    page.heading(3, &id.id("paper"), title);
    page.guide(
        "The figures of Ojha & Narendra (MIDL 2024): cells sorted into ten ranges of an \
        uncertainty normalised to 0 to 1. A bar counts the cells of a range (the number is above \
        it), divided into right and wrong answers, or into true and false positives and negatives, \
        where positive means abnormal. The dots above show the accuracy in each range with its \
        interval; it should fall from left to right. The paper's entropy looks at one class only \
        and peaks at a probability of 1/e instead of at the greatest doubt; its sample mean falls \
        again below one half. With a single pass there is no variance.",
    );
    for (index, question) in questions(part) {
        let parts = match question.normal_or_abnormal {
            true => Parts::FourWay,
            false if index == 0 => Parts::RightWrong,
            false => continue,
        };
        for (measure, title) in MEASURES {
            let caption = format!(
                "Distribution of sample predictions across ranges of {title}, {}, {}",
                question.title, part.name
            );
            let caption = (caption, "undefined for");
            let (caption, plots) = plots_of(asked(part, id, index), caption, |charted| {
                let report = charted.question.paper.get(&measure)?;
                Some(range_plot(charted, (measure, title), parts, report))
            });
            page.plots(&caption, PlotWidth::Narrow, plots);
        }
    }
    thresholds(page, part, id);
}

fn range_plot(
    charted: Charted<'_>,
    (measure, title): (Measure, &str),
    parts: Parts,
    report: &PaperReport,
) -> Plot {
    let question = charted.question;
    let over = match report.normalised_over_calibration_set {
        true => "calibration set",
        false => "evaluated cells",
    };
    let kind = format!("ranges-{}-{}", slug(&question.key), slug(measure.name()));
    let description = format!(
        "Answers of {} in ten ranges of {title}, with the accuracy in each; {}",
        charted.method.name, question.title
    );
    let ranges = report.ranges.iter();
    RangePlot {
        frame: charted.described_frame(&kind, description),
        x_label: &format!("{title}, normalised over the {over}"),
        parts,
        bars: ranges.map(|range| bar(range, parts)).collect(),
    }
    .draw()
}

fn bar(range: &PaperRange, parts: Parts) -> RangeBar {
    let side = &range.answers;
    RangeBar {
        counts: match parts {
            Parts::RightWrong => vec![side.correct, side.incorrect],
            Parts::FourWay => vec![
                side.true_positives,
                side.true_negatives,
                side.false_positives,
                side.false_negatives,
            ],
        },
        accuracy: share(&range.accuracy),
    }
}

fn thresholds(page: &mut Page, part: &PartReport, id: &PartId) {
    let found = questions(part).find(|(_, question)| question.normal_or_abnormal);
    let Some((index, question)) = found.or_else(|| questions(part).next()) else {
        return;
    };
    let title = "The paper's table: kept below and above a threshold";
    page.heading(3, &id.id("thresholds"), title);
    page.guide(
        "“≤ 0.3” keeps the cells whose normalised uncertainty is at most 0.3, “≥ 0.3” the \
        others (a cell exactly on a threshold is on both sides, as in the paper). The paper's code \
        calls the mean of PPV and NPV “AUC”, and this table keeps that name; the AUROC of normal \
        against abnormal is beside it. PPV: share of the answers “abnormal” that are right. NPV: \
        the same for “normal”. Some sides have few cells, so check the intervals.",
    );
    for (measure, title) in MEASURES {
        let (question, part_name) = (&question.title, &part.name);
        let caption = format!("Thresholds on the normalised {title}, {question}, {part_name}");
        let header = [
            "kept",
            "cells",
            "TP / TN / FP / FN",
            "accuracy",
            "sensitivity",
            "specificity",
            "PPV",
            "NPV",
            "mean of PPV and NPV (the paper's “AUC”)",
            "AUROC",
        ];
        let mut table = Table::new(caption, &header);
        table.stacked = true;
        for Charted {
            method, question, ..
        } in asked(part, id, index)
        {
            table.group(&method.name);
            match question.paper.get(&measure) {
                Some(report) => threshold_rows(&mut table, report),
                None => table.row(text("undefined"), []),
            }
        }
        page.table(&table);
    }
}

fn threshold_rows(table: &mut Table, report: &PaperReport) {
    for threshold in &report.thresholds {
        side_row(table, "≤", threshold.threshold, &threshold.kept_below);
    }
    for threshold in &report.thresholds {
        side_row(table, "≥", threshold.threshold, &threshold.kept_above);
    }
}

fn side_row(table: &mut Table, sign: &str, threshold: f64, side: &PaperSide) {
    let answers = &side.answers;
    let counts = format!(
        "{} / {} / {} / {}",
        answers.true_positives,
        answers.true_negatives,
        answers.false_positives,
        answers.false_negatives
    );
    let cells = [text(answers.items), text(counts)].into_iter();
    let name = text(format!("{sign} {threshold:.1}"));
    table.row(name, cells.chain(side.figures.values().map(estimate)));
}
