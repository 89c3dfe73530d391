//! Properties of all samples.

use proptest::prelude::*;
use proptest::test_runner::{TestCaseResult, TestRunner};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use uncertainty::{Measure, Samples, SamplesError, summarise};

/// Tolerance for rounding.
const SLACK: f64 = 1e-12;

/// Rows of non-negative weights, including zeros and extremes, normalised to sum to 1.
fn any_rows() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let weight = prop_oneof![2 => Just(0.0), 6 => 0.0..1.0f64, 1 => Just(1e-300), 1 => Just(1e-12)];
    let sizes = (1..20usize, 2..8usize, any::<prop::sample::Index>());
    sizes.prop_flat_map(move |(passes, classes, sure)| {
        let row = prop::collection::vec(weight.clone(), classes)
            .prop_map(move |row| to_distribution(row, sure));
        prop::collection::vec(row, passes)
    })
}

fn to_distribution(mut row: Vec<f64>, sure: prop::sample::Index) -> Vec<f64> {
    let sum: f64 = row.iter().sum();
    if sum < 1e-6 {
        let sure = sure.index(row.len());
        return (0..row.len())
            .map(|class| f64::from(u8::from(class == sure)))
            .collect();
    }
    row.iter_mut().for_each(|weight| *weight /= sum);
    row
}

fn close(left: Option<f64>, right: Option<f64>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => (left - right).abs() <= SLACK * left.abs().max(1.0) * 1000.0,
        (left, right) => left == right,
    }
}

/// Tests a property on random rows, with a random stream for other draws. All properties share this
/// function, because each expansion of proptest's macro takes a second to compile.
fn for_any_rows(property: fn(&[Vec<f64>], ChaCha8Rng) -> TestCaseResult) {
    let strategy = (any_rows(), any::<u64>());
    let tried = TestRunner::default().run(&strategy, |(rows, seed)| {
        property(&rows, ChaCha8Rng::seed_from_u64(seed))
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
}

fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    random.next_u32() as usize % bound
}

#[test]
fn entropies_stay_within_their_bounds() {
    for_any_rows(|rows, _| {
        let samples = Samples::from_rows(rows).unwrap();
        let summary = summarise(&samples);
        prop_assert!(summary.mutual_information >= 0.0);
        prop_assert!(summary.mutual_information <= summary.predictive_entropy);
        prop_assert!(summary.predictive_entropy <= (samples.classes() as f64).ln() + SLACK);
        let difference = summary.predictive_entropy - summary.expected_entropy;
        prop_assert!((difference - summary.mutual_information).abs() <= SLACK);
        Ok(())
    });
}

#[test]
fn rounded_rows_stay_within_bounds() {
    for_any_rows(|rows, mut random| {
        let factor = 1.0 - 5e-5 * f64::from(random.next_u32()) / f64::from(u32::MAX);
        let scale = |row: &Vec<f64>| row.iter().map(|p| p * factor).collect();
        let scaled: Vec<Vec<f64>> = rows.iter().map(scale).collect();
        let samples = Samples::from_rows(&scaled).unwrap();
        let entropy = summarise(&samples).predictive_entropy;
        prop_assert!(entropy <= (samples.classes() as f64).ln() + SLACK);
        Ok(())
    });
}

#[test]
fn measures_are_finite_and_not_negative() {
    for_any_rows(|rows, _| {
        let summary = summarise(&Samples::from_rows(rows).unwrap());
        for measure in Measure::ALL {
            let value = measure.of(&summary).unwrap_or_default();
            let possible = value.is_finite() && value.is_sign_positive();
            prop_assert!(possible, "{measure} is {value}");
        }
        Ok(())
    });
}

#[test]
fn order_of_passes_does_not_matter() {
    for_any_rows(|rows, mut random| {
        let mut shuffled = rows.to_vec();
        shuffled.sort_by_cached_key(|_| random.next_u64());
        let before = summarise(&Samples::from_rows(rows).unwrap());
        let after = summarise(&Samples::from_rows(&shuffled).unwrap());
        // The order of summation may break an exact tie between two classes, and change the
        // predicted class.
        prop_assume!(before.predicted == after.predicted);
        for measure in Measure::ALL {
            prop_assert!(close(measure.of(&before), measure.of(&after)), "{measure}");
        }
        for (left, right) in before.mean.iter().zip(&after.mean) {
            prop_assert!(close(Some(*left), Some(*right)));
        }
        Ok(())
    });
}

#[test]
fn single_pass_has_no_variance() {
    for_any_rows(|rows, _| {
        let summary = summarise(&Samples::from_rows(&rows[..1]).unwrap());
        let variances = (summary.variance, summary.paper.variance);
        prop_assert!(summary.std.is_none() && variances == (None, None));
        prop_assert!(summary.mutual_information <= SLACK && summary.variation_ratio == 0.0);
        let difference = summary.expected_entropy - summary.predictive_entropy;
        prop_assert!(difference.abs() <= SLACK);
        Ok(())
    });
}

#[test]
fn nan_is_an_error() {
    for_any_rows(|rows, mut random| {
        let classes = rows[0].len();
        let mut values = rows.concat();
        let at = below(&mut random, values.len());
        values[at] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][below(&mut random, 3)];
        let (row, class) = (at / classes, at % classes);
        let expected = Some(SamplesError::NotFinite { row, class });
        prop_assert!(Samples::from_logits(&values, classes).err() == expected);
        prop_assert!(Samples::from_probabilities(values, classes).err() == expected);
        Ok(())
    });
}

#[test]
fn finite_logits_have_a_softmax() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..256 {
        let any = std::iter::repeat_with(|| f32::from_bits(random.next_u32()));
        let logits: Vec<f32> = any.filter(|logit| logit.is_finite()).take(12).collect();
        let samples = Samples::from_logits(&logits, 3).unwrap();
        for row in samples.rows() {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < SLACK, "{logits:?}");
        }
        assert!(summarise(&samples).std.is_some());
    }
}
