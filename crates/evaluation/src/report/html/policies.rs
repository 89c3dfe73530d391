//! Coverage and risk of the referral policies.

use maud::{Markup, html};

use super::{
    elements::{Table, decimal, estimate, share, text},
    page::{Page, PlotWidth},
    part::PartId,
};
use crate::{
    plots::{
        PlotFrame, PlotShare,
        interval_rows::{IntervalRow, IntervalRows},
    },
    report::{PartReport, PolicyReport},
};

pub(super) fn write(page: &mut Page, policies: &[PolicyReport], part: &PartReport, id: &PartId) {
    let of_part = policies
        .iter()
        .filter(|policy| policy.policy.part == part.name);
    let here: Vec<&PolicyReport> = of_part.collect();
    if here.is_empty() {
        return;
    }
    page.heading(
        3,
        &id.id("policies"),
        "Referral policies: coverage and risk",
    );
    page.guide(
        "A policy accepts the answers that are certain enough and refers all others to a \
        person. Left: the share of accepted cells. Right: its risk (dot, with interval) and the \
        promised bound (thick vertical line). A promise holds for most calibration sets, not all \
        of them, and the interval may cross the bound by chance. If no mistake occurred, \
        resampling gives no interval, and the exact interval for as many independent cells is \
        shown. “Refer all” means that no threshold could be certified.",
    );
    let rows = here.iter().map(|policy| IntervalRow {
        name: format!("{} · {}", policy.policy.name, policy.policy.method),
        coverage: share(&policy.coverage),
        risk: shown_risk(policy),
        promised: policy.policy.alpha,
    });
    let plot = IntervalRows {
        frame: PlotFrame {
            name: id.id("policies-plot"),
            title: "Referral policies".to_owned(),
            description: "Coverage and risk of each policy; the table below holds the numbers"
                .to_owned(),
        },
        rows: rows.collect(),
    };
    let caption = format!("Coverage and risk of every policy, {}", part.name);
    page.plots(&caption, PlotWidth::Full, vec![plot.draw()]);
    page.table(&table(&here, part));
}

fn table(policies: &[&PolicyReport], part: &PartReport) -> Table {
    let caption = format!("Referral policies, {}", part.name);
    let header = [
        "policy",
        "method",
        "promise",
        "threshold",
        "accepted",
        "coverage",
        "risk",
        "certified with",
    ];
    let mut table = Table::new(caption, &header);
    for policy in policies {
        let threshold = policy
            .policy
            .threshold
            .map_or_else(|| "refer all".to_owned(), decimal);
        let cells = [
            text(&policy.policy.method),
            html! { span.words { (policy.policy.promise) } },
            text(threshold),
            text(policy.accepted),
            estimate(&policy.coverage),
            risk(policy),
            certificate(policy),
        ];
        table.row(text(&policy.policy.name), cells);
    }
    table
}

fn risk(policy: &PolicyReport) -> Markup {
    html! {
        (estimate(&policy.risk)) " "
        span.interval {
            "(" (policy.harmed) " of " (policy.counted)
            @if let Some(exact) = policy.risk_exact {
                "; exact [" (decimal(exact.low)) ", " (decimal(exact.high)) "]"
            }
            ")"
        }
    }
}

fn shown_risk(policy: &PolicyReport) -> Option<PlotShare> {
    let risk = share(&policy.risk)?;
    let exact = policy.risk_exact.filter(|_| policy.harmed == 0);
    Some(PlotShare {
        interval: exact.map(|exact| (exact.low, exact.high)).or(risk.interval),
        ..risk
    })
}

fn certificate(policy: &PolicyReport) -> Markup {
    match (policy.policy.certificate, policy.policy.further_images) {
        (Some(certificate), _) => html! {
            span.words {
                (certificate.images) " images, " (certificate.cells) " cells, coverage "
                (decimal(certificate.coverage)) ", p = " (decimal(certificate.p_value))
            }
        },
        (None, Some(images)) => html! {
            span.words { "not certified: about " (images) " more labelled images are needed" }
        },
        (None, None) => text("–"),
    }
}
