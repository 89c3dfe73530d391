//! What holds for any samples, whatever the model.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::measures::{class_variances, predictive_entropy};
use super::{Measure, Samples, SamplesError, summarise};

/// What rounding may add to a bound.
const SLACK: f64 = 1e-12;

/// Rows of non-negative weights with zeros and extremes among them, made to sum to 1.
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

proptest! {
    #[test]
    fn information_lies_between_zero_and_the_entropy_which_is_at_most_that_of_the_uniform(rows in any_rows()) {
        let samples = Samples::from_rows(&rows).unwrap();
        let summary = summarise(&samples);
        prop_assert!(summary.mutual_information >= 0.0);
        prop_assert!(summary.mutual_information <= summary.predictive_entropy);
        prop_assert!(summary.predictive_entropy <= (samples.classes() as f64).ln() + SLACK);
        let difference = summary.predictive_entropy - summary.expected_entropy;
        prop_assert!((difference - summary.mutual_information).abs() <= SLACK);
    }

    #[test]
    fn rows_off_by_the_rounding_of_small_floats_do_not_exceed_the_bounds(rows in any_rows(), factor in 0.99995..1.0f64) {
        let scaled: Vec<Vec<f64>> = rows.iter().map(|row| row.iter().map(|p| p * factor).collect()).collect();
        let samples = Samples::from_rows(&scaled).unwrap();
        prop_assert!(predictive_entropy(&samples) <= (samples.classes() as f64).ln() + SLACK);
    }

    #[test]
    fn every_number_is_finite_and_never_negative(rows in any_rows()) {
        let summary = summarise(&Samples::from_rows(&rows).unwrap());
        for measure in Measure::ALL {
            let value = measure.of(&summary).unwrap_or_default();
            prop_assert!(value.is_finite() && value.is_sign_positive(), "{measure} is {value}");
        }
    }

    #[test]
    fn the_order_of_the_passes_does_not_matter(
        (rows, shuffled) in any_rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
    ) {
        let (one, other) = (Samples::from_rows(&rows).unwrap(), Samples::from_rows(&shuffled).unwrap());
        let (before, after) = (summarise(&one), summarise(&other));
        // The order of a sum may break an exact tie between two classes, and the predicted class with it.
        prop_assume!(before.predicted == after.predicted);
        for measure in Measure::ALL {
            prop_assert!(close(measure.of(&before), measure.of(&after)), "{measure}");
        }
        let pairs = before.mean.iter().zip(&after.mean);
        prop_assert!(pairs.clone().all(|(left, right)| close(Some(*left), Some(*right))));
    }

    #[test]
    fn a_single_pass_has_no_variance_and_nothing_to_disagree_about(rows in any_rows()) {
        let summary = summarise(&Samples::from_rows(&rows[..1]).unwrap());
        prop_assert_eq!((summary.std, summary.variance, summary.paper.variance), (None, None, None));
        prop_assert!(summary.mutual_information <= SLACK && summary.variation_ratio == 0.0);
        prop_assert!((summary.expected_entropy - summary.predictive_entropy).abs() <= SLACK);
    }

    #[test]
    fn a_value_that_is_not_a_number_is_an_error(
        rows in any_rows(),
        at in any::<prop::sample::Index>(),
        bad in prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
    ) {
        let classes = rows[0].len();
        let mut values = rows.concat();
        let at = at.index(values.len());
        values[at] = bad;
        let expected = SamplesError::NotFinite { row: at / classes, class: at % classes };
        prop_assert_eq!(Samples::from_logits(&values, classes), Err(expected.clone()));
        prop_assert_eq!(Samples::from_probabilities(values, classes), Err(expected));
    }

    #[test]
    fn any_finite_logits_have_a_softmax(logits in prop::collection::vec(any::<f32>().prop_filter("finite", |x| x.is_finite()), 12)) {
        let samples = Samples::from_logits(&logits, 3).unwrap();
        prop_assert!(samples.rows().all(|row| (row.iter().sum::<f64>() - 1.0).abs() < SLACK));
        prop_assert!(class_variances(&samples).is_some());
    }
}
