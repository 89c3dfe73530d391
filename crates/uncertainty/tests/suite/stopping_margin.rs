//! The standard error of the entropy so far. It is private, so it is tested through the margin.

use uncertainty::{
    Measure, Samples,
    stopping::{Boundary, margin},
    summarise,
};

use crate::random::Random;
use crate::stopping::policy;

const VIEWS: usize = 50;

/// 50 views of a cell between three classes.
fn population(random: &mut Random) -> Vec<Vec<f64>> {
    let row = |_| {
        let weights = [
            1.0 + random.unit(),
            0.2 + random.unit(),
            0.3 * random.unit(),
        ];
        let sum: f64 = weights.iter().sum();
        weights.map(|weight| weight / sum).to_vec()
    };
    (0..VIEWS).map(row).collect()
}

fn shuffle(random: &mut Random, order: &mut [usize]) {
    for last in (1..order.len()).rev() {
        let other = random.below(last + 1);
        order.swap(last, other);
    }
}

/// The entropy of the mean of some views and its standard error as an estimate of all views' value.
/// At a threshold of 0, the margin is their ratio. No class is abnormal, so no call has a margin.
fn entropy_of_mean(rows: &[Vec<f64>], total: usize) -> (f64, f64) {
    let samples = Samples::from_rows(rows).unwrap();
    let policy = policy(Measure::PredictiveEntropy, 0.0, None);
    let boundary = Boundary::of(Some(&policy), &[]);
    let margin = margin(&samples, rows.len(), total, &boundary).unwrap();
    let entropy = summarise(&samples).predictive_entropy;
    (entropy, entropy / margin)
}

#[test]
fn standard_error_matches_the_deviation() {
    let mut random = Random::seeded(7);
    let all = population(&mut random);
    let truth = summarise(&Samples::from_rows(&all).unwrap()).predictive_entropy;
    let mut order: Vec<usize> = (0..VIEWS).collect();
    for views in [10, 30] {
        let (mut squares, mut errors) = (0.0, 0.0);
        for _ in 0..4_000 {
            shuffle(&mut random, &mut order);
            let some: Vec<Vec<f64>> = order[..views]
                .iter()
                .map(|&view| all[view].clone())
                .collect();
            let (entropy, error) = entropy_of_mean(&some, VIEWS);
            squares += (entropy - truth).powi(2);
            errors += error.powi(2);
        }
        let ratio = (errors / squares).sqrt();
        assert!((0.95..1.05).contains(&ratio), "{views} views: {ratio}");
    }
}

#[test]
fn class_of_probability_zero_is_harmless() {
    let rows = [vec![0.7, 0.3, 0.0], vec![0.6, 0.4, 0.0]];
    let without = [vec![0.7, 0.3], vec![0.6, 0.4]];
    assert_eq!(entropy_of_mean(&rows, 9), entropy_of_mean(&without, 9));
}
