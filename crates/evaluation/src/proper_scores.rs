//! Proper scores: log-likelihood and Brier score.

use super::predictions::Predictions;

/// Mean negative log-likelihood of the true classes, in nats. Probabilities below the rounding of
/// `f64` count as that (2.2e-16, as in scikit-learn), so that one confident and wrong answer costs
/// 36 nats and not infinity.
pub fn negative_log_likelihood(predictions: &Predictions) -> f64 {
    let rows = predictions.rows().zip(predictions.labels());
    let of_truth = rows.filter_map(|(row, &label)| row.get(label).copied());
    let losses = of_truth.map(|p| -p.max(f64::EPSILON).ln());
    losses.sum::<f64>() / predictions.items() as f64
}

/// Brier score, 0 to 2: the mean squared distance of the probabilities from the truth, summed over
/// classes. With two classes it is twice the score of the positive class alone.
pub fn brier_score(predictions: &Predictions) -> f64 {
    let squares = predictions
        .rows()
        .zip(predictions.labels())
        .map(|(row, &label)| squared_distance(row, label));
    squares.sum::<f64>() / predictions.items() as f64
}

fn squared_distance(row: &[f64], label: usize) -> f64 {
    let truth = |class| f64::from(u8::from(class == label));
    row.iter()
        .enumerate()
        .map(|(class, p)| (p - truth(class)).powi(2))
        .sum()
}
