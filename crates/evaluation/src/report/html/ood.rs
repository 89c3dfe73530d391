//! The out-of-distribution score.

use super::{
    elements::{Table, estimate, plain_estimate, share, text},
    page::{Columns, Page},
};
use crate::{
    bootstrap::Estimate,
    plots::{
        AxisSpec, Share,
        density::{DensityPlot, DensityRow},
    },
    report::OodReport,
};

pub(super) fn write(page: &mut Page, sets: &[OodReport]) {
    let Some(reference) = sets.first() else {
        return;
    };
    page.heading(2, "ood", "Images that the model does not know");
    page.guide(&format!("The score says how unlike the training cells an image is. The sets should not overlap with the first one, {}. AUROC is the probability that an image of a set scores higher than one of the reference. An image is flagged when its p-value is below 0.05: that should happen to about 5% of the reference, whose p-values should be spread evenly, and to nearly all others.", reference.name));
    let mut plots = vec![scores(sets, reference).draw()];
    if sets.iter().any(|set| !set.p_value_shares.is_empty()) {
        plots.push(p_values(sets).draw());
    }
    page.plots(
        "Out-of-distribution scores and their p-values",
        Columns::Wide,
        plots,
    );
    let mut table = Table::new(
        "Separation from the reference",
        &[
            "set",
            "images or cells",
            "AUROC against the reference",
            "flagged (p < 0.05)",
        ],
    );
    for set in sets {
        let auroc = set
            .auroc
            .as_ref()
            .map_or_else(|| "reference".to_owned(), estimate);
        table.row(vec![
            text(&set.name),
            set.items.to_string(),
            auroc,
            estimate(&set.flagged),
        ]);
    }
    page.table(&table);
}

fn scores<'a>(sets: &'a [OodReport], reference: &OodReport) -> DensityPlot<'a> {
    let label = if reference.logarithmic {
        "score, decimal logarithm"
    } else {
        "score"
    };
    let note = |set: &OodReport| {
        set.auroc.as_ref().map_or_else(
            || "reference".to_owned(),
            |auroc| plain_estimate("AUROC", auroc),
        )
    };
    DensityPlot {
        name: "ood-scores",
        title: "Score: how unlike the training cells",
        description: "Histograms of the out-of-distribution score of each set",
        x: AxisSpec::new(label, reference.low, reference.high),
        rows: sets
            .iter()
            .map(|set| row(set, note(set), &set.shares))
            .collect(),
    }
}

fn p_values(sets: &[OodReport]) -> DensityPlot<'_> {
    DensityPlot {
        name: "ood-p-values",
        title: "p-value",
        description: "Histograms of the conformal p-value of each set",
        x: AxisSpec::share("p-value"),
        rows: sets
            .iter()
            .map(|set| {
                row(
                    set,
                    plain_estimate("flagged", &set.flagged),
                    &set.p_value_shares,
                )
            })
            .collect(),
    }
}

fn row(set: &OodReport, note: String, shares: &[Estimate]) -> DensityRow {
    let placed = |estimate: &Estimate| {
        share(estimate).unwrap_or(Share {
            value: 0.0,
            interval: None,
        })
    };
    DensityRow {
        name: set.name.clone(),
        note,
        shares: shares.iter().map(placed).collect(),
    }
}
