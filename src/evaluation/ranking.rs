//! Whether events score higher than the rest. Ties are averaged; every figure takes one walk over the sorted scores.

use super::predictions::Predictions;
use super::scored::Scored;

/// The area under the ROC curve: the probability that an event scores higher than a non-event, ties counting half.
/// `None` unless there are both.
pub fn auroc(scored: &Scored) -> Option<f64> {
    let events = scored.events() as f64;
    let others = scored.items() as f64 - events;
    if events == 0.0 || others == 0.0 {
        return None;
    }
    let mut others_below = 0.0;
    let mut won = 0.0;
    for group in scored.tie_groups() {
        let (tied_events, tied_others) = (group.events as f64, (group.items - group.events) as f64);
        won += tied_events * (others_below + 0.5 * tied_others);
        others_below += tied_others;
    }
    Some(won / (events * others))
}

/// The average precision, Σ precision · Δrecall down the ranking (stepwise, as scikit-learn's): the area under the
/// precision–recall curve. `None` without events.
pub fn average_precision(scored: &Scored) -> Option<f64> {
    let events = scored.events();
    if events == 0 {
        return None;
    }
    let (mut found, mut accepted) = (0, 0);
    let mut area = 0.0;
    for group in scored.tie_groups().rev() {
        found += group.events;
        accepted += group.items;
        area += group.events as f64 * found as f64 / accepted as f64;
    }
    Some(area / events as f64)
}

/// A figure of each class' probability against the rest, in the order of the classes.
pub fn per_class(
    predictions: &Predictions,
    figure: fn(&Scored) -> Option<f64>,
) -> Vec<Option<f64>> {
    (0..predictions.classes())
        .map(|class| figure(&predictions.against_rest(class)))
        .collect()
}

/// The mean of one figure per class; `None` when it is undefined for any of them.
pub fn macro_mean(per_class: &[Option<f64>]) -> Option<f64> {
    if per_class.iter().any(Option::is_none) {
        None
    } else {
        macro_mean_of_defined(per_class)
    }
}

/// The mean of one figure per class over the classes for which it is defined; `None` when there are none.
pub fn macro_mean_of_defined(per_class: &[Option<f64>]) -> Option<f64> {
    let defined: Vec<f64> = per_class.iter().flatten().copied().collect();
    if defined.is_empty() {
        return None;
    }
    Some(defined.iter().sum::<f64>() / defined.len() as f64)
}
