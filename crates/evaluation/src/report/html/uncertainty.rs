//! What uncertainty is worth: risk–coverage curves, histograms and their tables.

use super::{
    elements::{Table, measure_title, plain_estimate, share, slug},
    overview::compared,
    page::{Columns, Page},
    part::{PartId, asked, questions, reference},
};
use crate::{
    bootstrap::Estimate,
    plots::{
        AxisSpec, Plot, Share,
        lines::{Line, LinePlot, Role},
        mirrored_histogram::MirroredHistogram,
    },
    report::{
        Figure, Histogram, MethodReport, PartReport, QuestionReport, RiskAtCoverage,
        UncertaintyReport,
    },
};
use uncertainty::Measure;

/// The curves of a plot: the others rank cells as one of these or are worse in every table.
const CURVES: [Measure; 5] = [
    Measure::PredictiveEntropy,
    Measure::MutualInformation,
    Measure::PaperVariance,
    Measure::PaperEntropy,
    Measure::PaperSampleMean,
];

/// The histograms; the paper's variance is the variance in another unit.
const HISTOGRAMS: [Measure; 8] = [
    Measure::PredictiveEntropy,
    Measure::AbnormalEntropy,
    Measure::ExpectedEntropy,
    Measure::MutualInformation,
    Measure::VariationRatio,
    Measure::Variance,
    Measure::PaperEntropy,
    Measure::PaperSampleMean,
];

pub(super) fn write(page: &mut Page, part: &PartReport, id: &PartId) {
    risk_coverage(page, part, id);
    histograms(page, part, id);
}

fn risk_coverage(page: &mut Page, part: &PartReport, id: &PartId) {
    page.heading(3, &id.id("risk"), "Answering only the surest cells");
    page.guide("Cells are answered in order of uncertainty, the surest first. To the right more cells are answered; upwards more of those answers are wrong. A useful measure keeps the curve low for long and lets it rise only at the end; the dashed line is what a random order would give. The band is the interval of predictive entropy. AURC is the area under the curve, AUGRC that of errors per cell of the whole set; both are better when smaller. Measures that rank the cells alike have the same curve, and only one of them is seen.");
    for (index, question) in questions(part).into_iter().take(2) {
        let highest = highest_risk(part, index);
        let plots = asked(part, index)
            .map(|(number, method, question)| risk_plot(id, number, method, question, highest));
        page.plots(
            &format!("Risk and coverage, {}, {}", question.title, part.name),
            Columns::Narrow,
            plots.collect(),
        );
        tables(page, part, index, question);
    }
}

/// One scale for all methods of a question, so that they can be compared by eye.
fn highest_risk(part: &PartReport, index: usize) -> f64 {
    let curves = asked(part, index).flat_map(|(_, _, question)| shown(question));
    let points = curves
        .flat_map(|(_, report)| &report.risk_coverage)
        .filter(|point| point.coverage >= 0.1);
    let ends = points.filter_map(|point| {
        point
            .risk
            .interval
            .map(|interval| interval.high)
            .or(point.risk.value)
    });
    (1.05 * ends.fold(0.02, f64::max)).min(1.0)
}

fn shown(question: &QuestionReport) -> impl Iterator<Item = (Measure, &UncertaintyReport)> {
    // Without spread over passes a measure is constant and ranks nothing.
    let curve = |measure: Measure| Some((measure, question.uncertainty.get(&measure)?));
    let varies = |(_, report): &(Measure, &UncertaintyReport)| !is_constant(&report.histogram);
    CURVES.into_iter().filter_map(curve).filter(varies)
}

fn is_constant(histogram: &Histogram) -> bool {
    let bins = histogram.right.iter().zip(&histogram.wrong);
    bins.filter(|(right, wrong)| {
        [right.value, wrong.value]
            .into_iter()
            .flatten()
            .any(|share| share > 0.0)
    })
    .count()
        <= 1
}

fn risk_plot(
    id: &PartId,
    number: usize,
    method: &MethodReport,
    question: &QuestionReport,
    highest: f64,
) -> Plot {
    let mut lines: Vec<Line> = shown(question)
        .enumerate()
        .map(|(series, (measure, report))| curve(series, measure, report))
        .collect();
    lines.reverse();
    if let Some(accuracy) = question
        .figures
        .get(&Figure::Accuracy)
        .and_then(|accuracy| accuracy.value)
    {
        lines.insert(
            0,
            Line {
                name: Some("random order".to_owned()),
                ..reference(vec![(0.0, 1.0 - accuracy), (1.0, 1.0 - accuracy)])
            },
        );
    }
    let entropy = question.uncertainty.get(&Measure::PredictiveEntropy);
    let notes = entropy.map(|report| {
        vec![
            plain_estimate("AURC", &report.aurc),
            plain_estimate("AUGRC", &report.augrc),
        ]
    });
    LinePlot {
        name: &id.plot(
            &format!("risk-{}", slug(&question.key)),
            number,
            &method.name,
        ),
        title: &method.name,
        description: &format!("Risk by coverage of {}, {}", method.name, question.title),
        x: AxisSpec::share("coverage: share of cells answered"),
        y: AxisSpec::new("risk: share of them wrong", 0.0, highest),
        lines,
        notes: notes.unwrap_or_default(),
        notes_at_top: true,
    }
    .draw()
}

fn curve(series: usize, measure: Measure, report: &UncertaintyReport) -> Line {
    let point = |point: &RiskAtCoverage| Some((point.coverage, point.risk.value?));
    let band = |point: &RiskAtCoverage| {
        point
            .risk
            .interval
            .map(|interval| (point.coverage, interval.low, interval.high))
    };
    Line {
        name: Some(
            measure_title(measure)
                .split(" (")
                .next()
                .unwrap_or_default()
                .to_owned(),
        ),
        role: Role::Series(series),
        points: report.risk_coverage.iter().filter_map(point).collect(),
        band: if series == 0 {
            report.risk_coverage.iter().filter_map(band).collect()
        } else {
            Vec::new()
        },
    }
}

type OfUncertainty = fn(&UncertaintyReport) -> Estimate;

fn tables(page: &mut Page, part: &PartReport, index: usize, question: &QuestionReport) {
    let groups: [(&str, bool, OfUncertainty); 5] = [
        (
            "AUROC of misprediction: a wrong answer is less sure than a right one",
            true,
            |report| report.auroc_misprediction,
        ),
        ("AURC", false, |report| report.aurc),
        (
            "excess AURC: AURC beyond what the errors make unavoidable",
            false,
            |report| report.excess_aurc,
        ),
        ("AUGRC", false, |report| report.augrc),
        ("accuracy of the surest 80%", true, |report| {
            report.accuracy_of_surest_80
        }),
    ];
    let caption = format!(
        "What each measure of uncertainty is worth, {}, {}",
        question.title, part.name
    );
    let mut table = Table::new(&caption, &["measure"]);
    table
        .header
        .extend(part.methods.iter().map(|method| method.name.clone()));
    for (title, larger_is_better, of) in groups {
        table.group(title);
        for measure in Measure::ALL {
            let estimates = asked(part, index)
                .map(|(_, _, question)| question.uncertainty.get(&measure).map(of));
            table.row(compared(
                measure_title(measure),
                estimates.collect(),
                larger_is_better,
            ));
        }
    }
    page.table(&table);
}

fn histograms(page: &mut Page, part: &PartReport, id: &PartId) {
    page.heading(
        3,
        &id.id("histograms"),
        "Uncertainty of right and of wrong answers",
    );
    page.guide("Upwards (plain): of all right answers, the share with this uncertainty. Downwards (hatched): the same for wrong answers. The further the hatched bars lie to the right of the plain ones, the better the measure warns. Both sides add up to 1 by themselves, however few the wrong answers are. Whiskers are intervals.");
    for measure in HISTOGRAMS {
        let mut missing = Vec::new();
        let mut plots = Vec::new();
        for (number, method, question) in asked(part, 0) {
            match question
                .uncertainty
                .get(&measure)
                .filter(|report| !is_constant(&report.histogram))
            {
                Some(report) => {
                    plots.push(histogram(id, number, method, measure, &report.histogram))
                }
                None => missing.push(method.name.as_str()),
            }
        }
        let mut caption = format!("{}, {}", capital(measure_title(measure)), part.name);
        if !missing.is_empty() {
            caption += &format!(
                "; undefined or the same for every cell: {}",
                missing.join(", ")
            );
        }
        page.plots(&caption, Columns::Narrow, plots);
    }
}

fn histogram(
    id: &PartId,
    number: usize,
    method: &MethodReport,
    measure: Measure,
    histogram: &Histogram,
) -> Plot {
    let shares = |estimates: &[Estimate]| {
        estimates
            .iter()
            .map(|estimate| {
                share(estimate).unwrap_or(Share {
                    value: 0.0,
                    interval: None,
                })
            })
            .collect()
    };
    MirroredHistogram {
        name: &id.plot(
            &format!("histogram-{}", slug(measure.name())),
            number,
            &method.name,
        ),
        title: &method.name,
        description: &format!(
            "Histogram of {} for right and for wrong answers of {}",
            measure_title(measure),
            method.name
        ),
        x: AxisSpec::new(measure_title(measure), histogram.low, histogram.high),
        right: shares(&histogram.right),
        wrong: shares(&histogram.wrong),
        counts: (histogram.right_cells, histogram.wrong_cells),
    }
    .draw()
}

fn capital(title: &str) -> String {
    let mut characters = title.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
