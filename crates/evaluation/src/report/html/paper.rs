//! The figures and the table of the paper.

use super::{
    elements::{Table, estimate, share, slug},
    page::{Columns, Page},
    part::{PartId, asked, questions},
};
use crate::{
    four_way::Side,
    plots::{
        Plot,
        ranges::{Parts, RangeBar, RangePlot},
    },
    report::{
        MethodReport, PaperRange, PaperReport, PaperSide, PartReport, QuestionReport, SideFigure,
    },
};
use uncertainty::Measure;

const MEASURES: [(Measure, &str); 3] = [
    (Measure::PaperVariance, "variance"),
    (Measure::PaperEntropy, "entropy"),
    (Measure::PaperSampleMean, "sample mean"),
];

pub(super) fn write(page: &mut Page, part: &PartReport, id: &PartId) {
    page.heading(
        3,
        &id.id("paper"),
        "The paper's figures: predictions across uncertainty ranges",
    );
    page.guide("The figures of Ojha & Narendra (MIDL 2024): cells sorted into ten ranges of an uncertainty that is brought to 0 to 1. A bar counts the cells of a range (the number stands on it), stacked of right and wrong answers, or of true and false positives and negatives where positive is abnormal. The dots above are the accuracy in each range with its interval: it should fall from left to right. The paper's entropy is that of one class alone and peaks at a probability of 1/e, not at doubt; its sample mean falls again below one half; with a single pass there is no variance.");
    let questions = questions(part);
    for (index, question) in questions
        .into_iter()
        .filter(|(index, question)| *index == 0 || question.normal_or_abnormal)
    {
        let parts = if question.normal_or_abnormal {
            Parts::FourWay
        } else {
            Parts::RightWrong
        };
        for (measure, title) in MEASURES {
            let drawn = asked(part, index).filter_map(|(number, method, question)| {
                Some(range_plot(
                    (id, number, method),
                    question,
                    (measure, title),
                    parts,
                    question.paper.get(&measure)?,
                ))
            });
            let mut caption = format!(
                "Distribution of sample predictions across ranges of {title}, {}, {}",
                question.title, part.name
            );
            if let Some(missing) = undefined(part, index, measure) {
                caption += &format!("; undefined for {missing}");
            }
            page.plots(&caption, Columns::Narrow, drawn.collect());
        }
    }
    thresholds(page, part, id);
}

fn undefined(part: &PartReport, index: usize, measure: Measure) -> Option<String> {
    let missing =
        asked(part, index).filter(|(_, _, question)| !question.paper.contains_key(&measure));
    let names: Vec<&str> = missing.map(|(_, method, _)| method.name.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn range_plot(
    (id, number, method): (&PartId, usize, &MethodReport),
    question: &QuestionReport,
    (measure, title): (Measure, &str),
    parts: Parts,
    report: &PaperReport,
) -> Plot {
    let over = if report.normalised_over_calibration_set {
        "calibration set"
    } else {
        "evaluated cells"
    };
    let kind = format!("ranges-{}-{}", slug(&question.key), slug(measure.name()));
    RangePlot {
        name: &id.plot(&kind, number, &method.name),
        title: &method.name,
        description: &format!(
            "Answers of {} in ten ranges of {title}, with the accuracy in each; {}",
            method.name, question.title
        ),
        x_label: &format!("{title}, normalised over the {over}"),
        parts,
        bars: report
            .ranges
            .iter()
            .map(|range| bar(range, parts))
            .collect(),
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
    let normal_or_abnormal = questions(part)
        .into_iter()
        .find(|(_, question)| question.normal_or_abnormal);
    let Some((index, question)) = normal_or_abnormal.or_else(|| questions(part).into_iter().next())
    else {
        return;
    };
    page.heading(
        3,
        &id.id("thresholds"),
        "The paper's table: kept below and above a threshold",
    );
    page.guide("“≤ 0.3” keeps the cells whose normalised uncertainty is at most 0.3, “≥ 0.3” the others (a cell exactly on a threshold is on both sides, as in the paper). What the paper's code calls AUC is the mean of PPV and NPV and is printed here under that name; the real AUROC of normal against abnormal stands beside it. PPV: share of the answers “abnormal” that are right; NPV: the same for “normal”. Cells are few on some sides; mind the intervals.");
    for (measure, title) in MEASURES {
        let caption = format!(
            "Thresholds on the normalised {title}, {}, {}",
            question.title, part.name
        );
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
        let mut table = Table {
            stacked: true,
            ..Table::new(&caption, &header)
        };
        for (_, method, question) in asked(part, index) {
            table.group(&method.name);
            match question.paper.get(&measure) {
                Some(report) => threshold_rows(&mut table, report),
                None => table.row(vec!["undefined".to_owned()]),
            }
        }
        page.table(&table);
    }
}

fn threshold_rows(table: &mut Table, report: &PaperReport) {
    for threshold in &report.thresholds {
        table.row(side_row(
            &format!("≤ {:.1}", threshold.threshold),
            &threshold.kept_below,
        ));
    }
    for threshold in &report.thresholds {
        table.row(side_row(
            &format!("≥ {:.1}", threshold.threshold),
            &threshold.kept_above,
        ));
    }
}

fn side_row(name: &str, side: &PaperSide) -> Vec<String> {
    let figures = SideFigure::ALL
        .iter()
        .filter_map(|figure| side.figures.get(figure));
    let mut row = vec![
        name.to_owned(),
        side.answers.items.to_string(),
        counts(&side.answers),
    ];
    row.extend(figures.map(estimate));
    row
}

fn counts(side: &Side) -> String {
    format!(
        "{} / {} / {} / {}",
        side.true_positives, side.true_negatives, side.false_positives, side.false_negatives
    )
}
