//! The figures of a nested evaluation as tables.

use super::divisions::FlaggedShares;
use super::{FlaggedOfDivisions, NestedMethod, NestedPolicy, NestedReport, NestedScores};
use crate::report::{
    sets::sets_table,
    tables::{TextTable, estimate, line},
};
use bundle::Method;

/// Every table, for the terminal.
pub(crate) fn tables(report: &NestedReport) -> Vec<TextTable> {
    let mut tables = vec![unlike_table(report)];
    tables.extend(report.flagged_of_divisions.as_ref().map(divisions_table));
    for (method, figures) in &report.methods {
        tables.push(policies_table(*method, &figures.policies));
        tables.push(sets_table(*method, &figures.sets));
        tables.push(scores_table(*method, figures));
    }
    tables
}

fn unlike_table(report: &NestedReport) -> TextTable {
    let of_folds = report.flagged_of_folds.iter().map(|share| percent(*share));
    let of_folds: Vec<String> = of_folds.collect();
    let cells = [
        report.cells.to_string(),
        report.images.to_string(),
        estimate(report.flagged.as_ref()),
        of_folds.join(", "),
    ];
    TextTable {
        header: ["cells", "images", "share with p < .05", "of each fold"]
            .map(str::to_owned)
            .to_vec(),
        rows: vec![cells.to_vec()],
    }
}

fn divisions_table(flagged: &FlaggedOfDivisions) -> TextTable {
    let row = |name: &str, shares: FlaggedShares| {
        vec![
            name.to_owned(),
            percent(shares.mean),
            percent(shares.percentile_90),
        ]
    };
    TextTable {
        header: vec![
            format!(
                "share with p < .05, {} divisions, {} images unseen",
                flagged.divisions, flagged.unseen_images
            ),
            "mean".to_owned(),
            "90th percentile".to_owned(),
        ],
        rows: vec![
            row("every image counts once", flagged.by_image),
            row("every cell counts once", flagged.by_cell),
        ],
    }
}

fn policies_table(method: Method, policies: &[NestedPolicy]) -> TextTable {
    let row = |policy: &NestedPolicy| {
        let certified = policy.certified.iter().flatten().count();
        let mut chosen: Vec<&str> = policy
            .certified
            .iter()
            .flatten()
            .map(String::as_str)
            .collect();
        chosen.dedup();
        let certified = match policy.alpha {
            Some(_) => format!("{certified} of {}", policy.certified.len()),
            None => format!(
                "{certified} of {}: {}",
                policy.certified.len(),
                chosen.join(", ")
            ),
        };
        let cells = [
            certified,
            format!("{} of {}", policy.missed, policy.cases),
            estimate(Some(&policy.missed_share)),
            estimate(Some(&policy.cleared)),
            estimate(Some(&policy.accepted)),
        ];
        line(policy.name.clone(), cells)
    };
    let titles = [
        "certified in folds",
        "accepted mistakes of the promise's cases",
        "as a share",
        "accepted of the normal cells",
        "accepted of all cells",
    ];
    TextTable {
        header: line(method.name(), titles.map(str::to_owned)),
        rows: policies.iter().map(row).collect(),
    }
}

fn scores_table(method: Method, figures: &NestedMethod) -> TextTable {
    let column = |scores: &NestedScores| {
        let models = &scores.auroc_of_models;
        let mean = models.iter().sum::<f64>() / models.len() as f64;
        let low = models.iter().copied().fold(f64::INFINITY, f64::min);
        let high = models.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut cells = vec![format!("{mean:.3} ({low:.3} to {high:.3})")];
        let quantiles = scores.abnormal.iter().chain(&scores.normal);
        cells.extend(quantiles.map(|of| {
            format!(
                "{:.3} ({:.3} to {:.3})",
                of.value, of.of_folds[0], of.of_folds[1]
            )
        }));
        cells
    };
    let names = figures
        .answering
        .abnormal
        .iter()
        .map(|of| format!("abnormal cells, {} quantile", percent(of.level)));
    let names = names.chain(
        figures
            .answering
            .normal
            .iter()
            .map(|of| format!("normal cells, {} quantile", percent(of.level))),
    );
    let names = std::iter::once("AUROC, mean (and range) over models".to_owned()).chain(names);
    let columns = column(&figures.calibrating)
        .into_iter()
        .zip(column(&figures.answering));
    TextTable {
        header: vec![
            format!("{method}, P(abnormal) by models of"),
            format!("{:.0} cells (calibrating)", figures.calibrating.learnt_from),
            format!("{:.0} cells (answering)", figures.answering.learnt_from),
        ],
        rows: names
            .zip(columns)
            .map(|(name, (calibrating, answering))| vec![name, calibrating, answering])
            .collect(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}
