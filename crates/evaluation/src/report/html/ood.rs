//! The out-of-distribution score.

use super::{
    elements::{Table, estimate, plain_estimate, shares, text},
    page::{Page, PlotWidth},
};
use crate::{
    bootstrap::Estimate,
    plots::{
        AxisSpec, PlotFrame,
        density::{DensityPlot, DensityRow},
    },
    report::OodReport,
};

pub(super) fn write(page: &mut Page, sets: &[OodReport]) {
    let Some(reference) = sets.first() else {
        return;
    };
    page.heading(2, "ood", "Out-of-distribution score");
    page.guide(&format!(
        "The score measures how different an image is from the training cells. \
        Each set should be well separated from the first one, {}. AUROC is the probability that an \
        image of a set scores higher than one of the reference. An image is flagged if its p-value \
        is below 0.05. That should happen to about 5% of the reference, whose p-values should be \
        evenly spread, and to nearly all images of the other sets.",
        reference.name
    ));
    let mut plots = vec![scores(sets, reference).draw()];
    if sets.iter().any(|set| !set.p_value_shares.is_empty()) {
        plots.push(p_values(sets).draw());
    }
    page.plots(
        "Out-of-distribution scores and their p-values",
        PlotWidth::Wide,
        plots,
    );
    let header = [
        "set",
        "images or cells",
        "AUROC against the reference",
        "flagged (p < 0.05)",
    ];
    let mut table = Table::new("Separation from the reference".to_owned(), &header);
    for set in sets {
        let auroc = set.auroc.as_ref();
        let auroc = auroc.map_or_else(|| text("reference"), estimate);
        table.row(
            text(&set.name),
            [text(set.items), auroc, estimate(&set.flagged)],
        );
    }
    page.table(&table);
}

fn scores(sets: &[OodReport], reference: &OodReport) -> DensityPlot {
    let label = if reference.logarithmic {
        "score, decimal logarithm"
    } else {
        "score"
    };
    let note = |set: &OodReport| match &set.auroc {
        None => "reference".to_owned(),
        Some(auroc) => plain_estimate("AUROC", auroc),
    };
    let rows = sets.iter().map(|set| row(set, note(set), &set.shares));
    DensityPlot {
        frame: PlotFrame {
            name: "ood-scores".to_owned(),
            title: "Score: difference from the training cells".to_owned(),
            description: "Histograms of the out-of-distribution score of each set".to_owned(),
        },
        x: AxisSpec::new(label, reference.low, reference.high),
        rows: rows.collect(),
    }
}

fn p_values(sets: &[OodReport]) -> DensityPlot {
    let note = |set: &OodReport| plain_estimate("flagged", &set.flagged);
    let rows = sets
        .iter()
        .map(|set| row(set, note(set), &set.p_value_shares));
    DensityPlot {
        frame: PlotFrame {
            name: "ood-p-values".to_owned(),
            title: "p-value".to_owned(),
            description: "Histograms of the conformal p-value of each set".to_owned(),
        },
        x: AxisSpec::share("p-value"),
        rows: rows.collect(),
    }
}

fn row(set: &OodReport, note: String, estimates: &[Estimate]) -> DensityRow {
    DensityRow {
        name: set.name.clone(),
        note,
        shares: shares(estimates),
    }
}
