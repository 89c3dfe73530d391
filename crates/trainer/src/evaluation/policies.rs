//! What the bundle's policies did on cells that had no say in them.

use crate::{Study, evaluation::answers::Answers};
use bundle::{Calibration, Method};
use evaluation::report::{CertificateFigures, PolicyCell, PolicyOutcome, ReportPolicy};
use uncertainty::{Policy, Promise, Samples, Summary, risk_control::Outcome, summarise};

/// The outcomes of a method's policies; `eligible` says of each cell whether it is like the training cells.
pub(super) fn outcomes(
    study: &Study,
    part: &str,
    rows: &[usize],
    (method, answers): (Method, &Answers),
    calibration: &Calibration,
    eligible: &[bool],
) -> Vec<PolicyOutcome> {
    let flags = study.grouping.abnormal_flags();
    let summarised = |samples: &Samples| summarise(samples).with_abnormal(&flags);
    let summaries: Vec<Summary> = answers.samples.iter().map(summarised).collect();
    let labels = study.labels(rows);
    let outcome = |policy: &Policy| {
        let promise = policy.kind?;
        let cells = summaries.iter().zip(&labels).zip(eligible).enumerate();
        let cells = cells.map(|(number, ((summary, label), eligible))| {
            let cell = Outcome::of(number, summary, policy.measure, *label, &flags, *eligible);
            policy_cell(&cell, promise, policy.threshold)
        });
        let certificate = policy.certificate.as_ref();
        let policy = ReportPolicy {
            part: part.to_owned(),
            method: method.name().to_owned(),
            name: policy.name.clone(),
            promise: policy.promise.clone(),
            threshold: policy.threshold,
            alpha: policy.alpha,
            delta: policy.delta,
            certificate: certificate.and_then(|certificate| {
                Some(CertificateFigures {
                    images: usize::try_from(certificate.images).ok()?,
                    cells: usize::try_from(certificate.cells).ok()?,
                    coverage: certificate.coverage,
                    p_value: certificate.p_value?,
                })
            }),
            further_images: certificate
                .and_then(|certificate| usize::try_from(certificate.further_images?).ok()),
        };
        let cells = cells.collect();
        Some(PolicyOutcome { policy, cells })
    };
    calibration.policies.iter().filter_map(outcome).collect()
}

fn policy_cell(cell: &Outcome, promise: Promise, threshold: Option<f64>) -> PolicyCell {
    let sure = threshold.is_some_and(|threshold| cell.uncertainty <= threshold);
    let [referred, accepted] = cell.counts(promise);
    let counts = if cell.eligible && sure {
        accepted
    } else {
        referred
    };
    PolicyCell {
        accepted: counts.accepted > 0,
        counted: counts.trials > 0,
        harmed: counts.errors > 0,
    }
}
