//! The value of each measure of uncertainty: risk–coverage curves, histograms and tables.

use super::{
    elements::{Table, capitalised, measure_title, plain_estimate, shares, slug},
    overview::{ComparedFigure, compare},
    page::{Page, PlotWidth},
    part::{Charted, PartId, asked, line, plots_of, questions},
};
use crate::{
    bootstrap::Estimate,
    plots::{
        AxisSpec, Plot,
        lines::{LinePlot, PlotLine, Role},
        mirrored_histogram::MirroredHistogram,
    },
    report::{Figure, Histogram, PartReport, QuestionReport, RiskAtCoverage, UncertaintyReport},
};
use uncertainty::Measure;

/// The curves of a plot. The other measures rank cells like one of these or are worse in every
/// table.
const CURVES: [Measure; 5] = [
    Measure::PredictiveEntropy,
    Measure::MutualInformation,
    Measure::PaperVariance,
    Measure::PaperEntropy,
    Measure::PaperSampleMean,
];

/// The histograms. The paper's variance is left out: it is the variance in another unit.
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
    page.heading(
        3,
        &id.id("risk"),
        "Risk and coverage: answering only the most certain cells",
    );
    page.guide(
        "Cells are answered in order of uncertainty, the most certain first. Further to the \
        right more cells are answered; further up more of these answers are wrong. A good measure \
        keeps the curve low and lets it rise only at the end; the dashed line is a random order. \
        The band is the interval of predictive entropy. AURC is the area under the curve, AUGRC \
        that of errors per cell of the whole set; smaller is better for both. Measures that rank \
        the cells alike have the same curve, of which only one is visible.",
    );
    for (index, question) in questions(part).take(2) {
        let highest = highest_risk(part, id, index);
        let caption = format!("Risk and coverage, {}, {}", question.title, part.name);
        let plots = asked(part, id, index).map(|charted| risk_plot(charted, highest));
        page.plots(&caption, PlotWidth::Narrow, plots.collect());
        page.table(&worth(part, id, index, question));
    }
}

/// One scale for all methods of a question, so that readers can compare them.
fn highest_risk(part: &PartReport, id: &PartId, index: usize) -> f64 {
    let curves = asked(part, id, index).flat_map(|charted| shown(charted.question));
    let points = curves.flat_map(|(_, report)| &report.risk_coverage);
    let points = points.filter(|point| point.coverage >= 0.1);
    let ends = points.filter_map(|point| {
        let end = point.risk.interval.map(|interval| interval.high);
        end.or(point.risk.value)
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
    let is_filled = |(right, wrong): &(&Estimate, &Estimate)| {
        [right.value, wrong.value]
            .into_iter()
            .flatten()
            .any(|share| share > 0.0)
    };
    bins.filter(is_filled).count() <= 1
}

fn risk_plot(charted: Charted<'_>, highest: f64) -> Plot {
    let question = charted.question;
    let mut lines = Vec::new();
    let accuracy = question.figures.get(&Figure::Accuracy);
    if let Some(accuracy) = accuracy.and_then(|accuracy| accuracy.value) {
        let risk = 1.0 - accuracy;
        lines.push(PlotLine {
            name: Some("random order".to_owned()),
            ..line(Role::Reference, vec![(0.0, risk), (1.0, risk)])
        });
    }
    let curves: Vec<_> = shown(question).enumerate().collect();
    for (series, (measure, report)) in curves.into_iter().rev() {
        lines.push(curve(series, measure, report));
    }
    let entropy = question.uncertainty.get(&Measure::PredictiveEntropy);
    let notes = entropy.map(|report| {
        vec![
            plain_estimate("AURC", &report.aurc),
            plain_estimate("AUGRC", &report.augrc),
        ]
    });
    LinePlot {
        frame: charted.frame("risk", "Risk by coverage"),
        x: AxisSpec::share("coverage: share of cells answered"),
        y: AxisSpec::new("risk: share of them wrong", 0.0, highest),
        lines,
        notes: notes.unwrap_or_default(),
        notes_at_top: true,
    }
    .draw()
}

fn curve(series: usize, measure: Measure, report: &UncertaintyReport) -> PlotLine {
    let rows = &report.risk_coverage;
    let point = |point: &RiskAtCoverage| Some((point.coverage, point.risk.value?));
    let band = |point: &RiskAtCoverage| {
        let interval = point.risk.interval.filter(|_| series == 0)?;
        Some((point.coverage, interval.low, interval.high))
    };
    let name = measure_title(measure).split(" (").next();
    PlotLine {
        name: Some(name.unwrap_or_default().to_owned()),
        band: rows.iter().filter_map(band).collect(),
        ..line(
            Role::Series(series),
            rows.iter().filter_map(point).collect(),
        )
    }
}

const WORTH: [ComparedFigure; 5] = [
    (
        "AUROC of misprediction: a wrong answer is less certain than a right one",
        true,
        |report| report.auroc_misprediction,
    ),
    ("AURC", false, |report| report.aurc),
    (
        "excess AURC: AURC minus the least that these errors allow",
        false,
        |report| report.excess_aurc,
    ),
    ("AUGRC", false, |report| report.augrc),
    ("accuracy of the most certain 80%", true, |report| {
        report.accuracy_of_surest_80
    }),
];

fn worth(part: &PartReport, id: &PartId, index: usize, question: &QuestionReport) -> Table {
    let (title, part_name) = (&question.title, &part.name);
    let caption = format!("Measures of uncertainty compared, {title}, {part_name}");
    let mut table = Table::new(caption, &["measure"]);
    table.columns(part.methods.iter().map(|method| method.name.clone()));
    for (title, larger_is_better, of) in WORTH {
        table.group(title);
        for measure in Measure::ALL {
            let asked = asked(part, id, index);
            let estimates = asked.map(|asked| asked.question.uncertainty.get(&measure).map(of));
            let row = (measure_title(measure), larger_is_better);
            compare(&mut table, row, estimates);
        }
    }
    table
}

fn histograms(page: &mut Page, part: &PartReport, id: &PartId) {
    let title = "Uncertainty of right and of wrong answers";
    page.heading(3, &id.id("histograms"), title);
    page.guide(
        "Upwards (plain): the share of all right answers with this uncertainty. Downwards \
        (hatched): the same for wrong answers. The further the hatched bars are to the right of \
        the plain ones, the better the measure warns. Each side adds up to 1, even if there are \
        few wrong answers. Whiskers are intervals.",
    );
    for measure in HISTOGRAMS {
        let caption = format!("{}, {}", capitalised(measure_title(measure)), part.name);
        let caption = (caption, "undefined or the same for every cell:");
        let (caption, plots) = plots_of(asked(part, id, 0), caption, |charted| {
            let report = charted.question.uncertainty.get(&measure)?;
            let varies = !is_constant(&report.histogram);
            varies.then(|| histogram(charted, measure, &report.histogram))
        });
        page.plots(&caption, PlotWidth::Narrow, plots);
    }
}

fn histogram(charted: Charted<'_>, measure: Measure, histogram: &Histogram) -> Plot {
    let (title, method) = (measure_title(measure), &charted.method.name);
    let description = format!("Histogram of {title} for right and for wrong answers of {method}");
    let kind = format!("histogram-{}", slug(measure.name()));
    MirroredHistogram {
        frame: charted.described_frame(&kind, description),
        x: AxisSpec::new(title, histogram.low, histogram.high),
        right: shares(&histogram.right),
        wrong: shares(&histogram.wrong),
        counts: (histogram.right_cells, histogram.wrong_cells),
    }
    .draw()
}
