//! Properties that hold for any answers.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::Scored;
use super::bootstrap::{BootstrapPlan, Groups, percentile_interval};
use super::ranking::auroc;
use super::selective::{augrc, aurc, aurc_of_oracle};

/// Few distinct scores, so that ties are common.
fn any_pairs() -> impl Strategy<Value = Vec<(i8, bool)>> {
    prop::collection::vec((-8..8i8, any::<bool>()), 1..60)
}

fn scored(pairs: &[(i8, bool)]) -> Scored {
    let (scores, events): (Vec<f64>, Vec<bool>) = pairs
        .iter()
        .map(|&(score, event)| (f64::from(score), event))
        .unzip();
    Scored::new(&scores, &events).unwrap()
}

/// The share of correctly ranked pairs of an event and a non-event, counted one by one.
fn auroc_by_pairs(pairs: &[(i8, bool)]) -> Option<f64> {
    let of = |wanted| pairs.iter().filter(move |&&(_, event)| event == wanted);
    let won = |event: i8, other: i8| {
        if event > other {
            1.0
        } else if event == other {
            0.5
        } else {
            0.0
        }
    };
    let contests: Vec<f64> = of(true)
        .flat_map(|event| of(false).map(|other| won(event.0, other.0)))
        .collect();
    if contests.is_empty() {
        None
    } else {
        Some(contests.iter().sum::<f64>() / contests.len() as f64)
    }
}

proptest! {
    #[test]
    fn auroc_is_share_of_ranked_pairs(pairs in any_pairs()) {
        match (auroc(&scored(&pairs)), auroc_by_pairs(&pairs)) {
            (Some(area), Some(wanted)) => prop_assert!((area - wanted).abs() < 1e-12),
            (area, wanted) => prop_assert_eq!(area, wanted),
        }
    }

    #[test]
    fn input_order_does_not_matter(
        (pairs, shuffled) in any_pairs().prop_flat_map(|pairs| (Just(pairs.clone()), Just(pairs).prop_shuffle()))
    ) {
        let (one, other) = (scored(&pairs), scored(&shuffled));
        prop_assert_eq!(auroc(&one), auroc(&other));
        prop_assert_eq!(aurc(&one), aurc(&other));
        prop_assert_eq!(augrc(&one), augrc(&other));
    }

    #[test]
    fn oracle_has_lowest_aurc(pairs in any_pairs()) {
        let scored = scored(&pairs);
        prop_assert!(aurc(&scored) >= aurc_of_oracle(&scored) - 1e-12);
    }

    /// Traub et al., 2024: AUGRC = (1 − AUROC) · accuracy · (1 − accuracy) + (1 − accuracy)² / 2.
    #[test]
    fn augrc_follows_from_auroc_and_accuracy(pairs in any_pairs()) {
        let scored = scored(&pairs);
        let risk = scored.events() as f64 / scored.items() as f64;
        let misranked = auroc(&scored).map_or(0.0, |area| (1.0 - area) * risk * (1.0 - risk));
        prop_assert!((augrc(&scored) - (misranked + 0.5 * risk * risk)).abs() < 1e-12);
    }
}

#[test]
fn auroc_has_interval_by_image() {
    let pairs: Vec<(i8, bool)> = (0..4_500i32)
        .map(|cell| ((cell * 37 % 101) as i8, cell * 37 % 101 + cell % 40 > 70))
        .collect();
    let images: Vec<i32> = (0..4_500).map(|cell| cell / 24).collect();
    let scored = scored(&pairs);
    let figure = |items: &[usize]| auroc(&scored.resampled(items)?);
    let estimate =
        percentile_interval(&Groups::of(&images), &BootstrapPlan::default(), figure).unwrap();
    let (area, interval) = (estimate.value.unwrap(), estimate.interval.unwrap());
    assert!((area - auroc(&scored).unwrap()).abs() < 1e-12);
    assert!(
        interval.low < area && area < interval.high && interval.high - interval.low < 0.05,
        "{estimate:?}"
    );
}
