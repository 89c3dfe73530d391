//! How well scores rank events above the rest. Ties are averaged; every figure takes one pass over
//! the sorted scores.

use serde::Serialize;

use super::scored::Scored;

/// The area under the ROC curve: the probability that an event scores higher than a non-event; ties
/// count half. `None` unless there are both.
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

/// A point of the ROC curve, for calling every item of at least one score an event.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RocPoint {
    /// Share of the non-events called events: 1 − specificity.
    pub false_positive_rate: f64,
    /// Share of the events called events: sensitivity.
    pub true_positive_rate: f64,
}

/// The ROC curve from (0, 0) to (1, 1), one point per distinct score from the highest down. `None`
/// unless there are both events and non-events. The area under its chords is [`auroc`].
pub fn roc(scored: &Scored) -> Option<Vec<RocPoint>> {
    let events = scored.events();
    let others = scored.items() - events;
    if events == 0 || others == 0 {
        return None;
    }
    let (mut found, mut false_alarms) = (0, 0);
    let mut points = vec![RocPoint {
        false_positive_rate: 0.0,
        true_positive_rate: 0.0,
    }];
    for group in scored.tie_groups().rev() {
        found += group.events;
        false_alarms += group.items - group.events;
        points.push(RocPoint {
            false_positive_rate: false_alarms as f64 / others as f64,
            true_positive_rate: found as f64 / events as f64,
        });
    }
    Some(points)
}

/// The height of a ROC curve at a false-positive rate from 0 to 1, linear between its points and at
/// the top of a vertical step; `None` outside.
pub fn sensitivity_at(curve: &[RocPoint], false_positive_rate: f64) -> Option<f64> {
    let after = curve.partition_point(|point| point.false_positive_rate <= false_positive_rate);
    let left = curve.get(after.checked_sub(1)?)?;
    let Some(right) = curve.get(after) else {
        return (false_positive_rate <= left.false_positive_rate)
            .then_some(left.true_positive_rate);
    };
    let width = right.false_positive_rate - left.false_positive_rate;
    let along = (false_positive_rate - left.false_positive_rate) / width;
    Some(left.true_positive_rate + along * (right.true_positive_rate - left.true_positive_rate))
}

/// The mean of one figure per class; `None` if it is undefined for any of them.
pub fn macro_mean(per_class: &[Option<f64>]) -> Option<f64> {
    let defined: Option<Vec<f64>> = per_class.iter().copied().collect();
    let defined = defined.filter(|figures| !figures.is_empty())?;
    Some(defined.iter().sum::<f64>() / defined.len() as f64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn area_under_roc_chords_is_auroc() {
        let scores = [0.1, 0.4, 0.4, 0.4, 0.7, 0.9, 0.9];
        let events = [false, true, false, false, true, true, false];
        let scored = Scored::new(&scores, &events).unwrap();
        let curve = roc(&scored).unwrap();
        let area: f64 = curve
            .windows(2)
            .map(|pair| {
                let width = pair[1].false_positive_rate - pair[0].false_positive_rate;
                0.5 * width * (pair[0].true_positive_rate + pair[1].true_positive_rate)
            })
            .sum();
        assert!((area - auroc(&scored).unwrap()).abs() < 1e-12);
        assert_eq!(roc(&Scored::new(&scores, &[true; 7]).unwrap()), None);
    }

    #[test]
    fn roc_is_read_at_steps_and_between() {
        let scored = Scored::new(&[0.9, 0.5, 0.5, 0.1], &[true, true, false, false]).unwrap();
        let curve = roc(&scored).unwrap();
        let read = [0.0, 0.25, 0.5, 1.0].map(|rate| sensitivity_at(&curve, rate).unwrap());
        assert_eq!(read, [0.5, 0.75, 1.0, 1.0]);
        assert_eq!(sensitivity_at(&curve, 1.5), None);
    }
}
