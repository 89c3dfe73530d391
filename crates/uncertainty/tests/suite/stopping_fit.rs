//! The choice of λ.

use uncertainty::{
    Measure, Policy, Promise, Samples, StoppingRule, Summary, decide,
    stopping::{Boundary, calibrate, settled},
    summarise,
};

use crate::random::Random;
use crate::stopping::policy;

const ABNORMAL: [bool; 3] = [false, true, true];

/// Cells from certain to uncertain, with 50 views each around the cell's own logits.
fn cells() -> Vec<Samples> {
    let mut random = Random::seeded(11);
    let cell = |number: usize| {
        let lean = 6.0 * random.unit() - 3.0;
        let view = |_| {
            [
                lean + random.unit(),
                2.0 * random.unit(),
                -2.0 - (number % 3) as f64,
            ]
        };
        let logits: Vec<f64> = (0..50).flat_map(view).collect();
        Samples::from_logits(&logits, 3).unwrap()
    };
    (0..400).map(cell).collect()
}

fn policies() -> [Option<Policy>; 4] {
    [
        None,
        Some(policy(
            Measure::PredictiveEntropy,
            0.5,
            Some(Promise::AcceptError),
        )),
        Some(policy(
            Measure::AbnormalEntropy,
            0.3,
            Some(Promise::AcceptError2Classes),
        )),
        Some(policy(
            Measure::AbnormalEntropy,
            0.3,
            Some(Promise::AutoClear),
        )),
    ]
}

fn boundaries(policies: &[Option<Policy>]) -> Vec<Boundary<'_>> {
    let policies = policies.iter().map(Option::as_ref);
    policies
        .map(|policy| Boundary::of(policy, &ABNORMAL))
        .collect()
}

/// The summary of the first `views` of a cell.
fn first(cell: &Samples, views: usize) -> Samples {
    let values = &cell.values()[..views * cell.classes()];
    Samples::from_probabilities(values.to_vec(), cell.classes()).unwrap()
}

/// The number of views that the rule takes, by the engine's function, view by view.
fn used(cell: &Samples, boundary: &Boundary<'_>, rule: &StoppingRule) -> usize {
    let stop = |views: &usize| settled(&first(cell, *views), 50, boundary, rule);
    rule.looks(50).find(stop).unwrap()
}

/// The parts of a decision that must not change: the call, and the class if the answer is accepted
/// or all are referred.
fn decided(summary: &Summary, policy: Option<&Policy>) -> (Option<bool>, Option<usize>) {
    let accepted = decide(summary, policy).reasons.is_empty();
    let counts = accepted || policy.is_none();
    (summary.called_abnormal, counts.then_some(summary.predicted))
}

/// The share of cells that the rule decides differently from all views.
fn disagreement(cells: &[Samples], policy: Option<&Policy>, rule: &StoppingRule) -> f64 {
    let boundary = Boundary::of(policy, &ABNORMAL);
    let of = |samples: &Samples| decided(&summarise(samples).with_abnormal(&ABNORMAL), policy);
    let differs = |cell: &&Samples| of(&first(cell, used(cell, &boundary, rule))) != of(cell);
    cells.iter().filter(differs).count() as f64 / cells.len() as f64
}

#[test]
fn chosen_rule_saves_views() {
    let (cells, policies) = (cells(), policies());
    let boundaries = boundaries(&policies);
    let fit = calibrate(&cells, &boundaries, 4, 2);
    let rule = fit.rule.unwrap();
    assert!(rule.lambda > 0.0, "{rule:?}");
    for ((boundary, policy), saving) in boundaries.iter().zip(&policies).zip(&fit.savings) {
        assert!(saving.disagreement <= 0.005, "{saving:?}");
        assert!(
            saving.mean_views < 25.0 && saving.median_views >= 4,
            "{saving:?}"
        );
        let found = disagreement(&cells, policy.as_ref(), &rule);
        assert_eq!(found, saving.disagreement);
        let views = cells.iter().map(|cell| used(cell, boundary, &rule));
        let mean = views.sum::<usize>() as f64 / cells.len() as f64;
        assert!((mean - saving.mean_views).abs() < 1e-9);
    }
}

#[test]
fn smaller_lambda_changes_decisions() {
    let (cells, policies) = (cells(), policies());
    let chosen = calibrate(&cells, &boundaries(&policies), 4, 2)
        .rule
        .unwrap();
    let smaller = StoppingRule {
        lambda: chosen.lambda - 0.1,
        ..chosen
    };
    let worst = |rule: &StoppingRule| {
        let of = |policy: &Option<Policy>| disagreement(&cells, policy.as_ref(), rule);
        policies.iter().map(of).fold(0.0, f64::max)
    };
    assert!(worst(&chosen) <= 0.005 && worst(&smaller) > 0.005);
}

#[test]
fn no_cells_give_no_rule() {
    assert_eq!(calibrate(&[], &boundaries(&policies()), 4, 2).rule, None);
}
