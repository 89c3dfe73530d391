//! p-values of the out-of-distribution model.

use uncertainty::ood::{Gaussian, OodError, OodModel};

fn gaussian() -> Gaussian {
    Gaussian {
        mean: vec![0.0],
        factor: vec![vec![1.0]],
    }
}

#[test]
fn cells_count_once_without_weights() {
    let rows: Vec<[f32; 1]> = (0u8..100).map(|row| [f32::from(row)]).collect();
    let rows: Vec<&[f32]> = rows.iter().map(|row| &row[..]).collect();
    let model = OodModel::fit(&rows[..1], &rows, 1.0).unwrap();
    let largest = model.score(rows[99]).unwrap();
    assert_eq!(model.p_value(largest), 2.0 / 101.0);
    assert_eq!(model.p_value(2.0 * largest), 1.0 / 101.0);
}

#[test]
fn images_count_once_with_weights() {
    let many = (0..98).map(|cell| (10.0 + f64::from(cell), 7));
    let model = OodModel::of_images(gaussian(), many.chain([(1.0, 3), (2.0, 3)]));
    assert!(model.check().is_ok());
    assert_eq!(model.calibration_scores[..3], [1.0, 2.0, 10.0]);
    // All cells of the first image and half of the second are at least as far away.
    let p_value = model.p_value(1.5);
    assert!((p_value - 2.5 / 3.0).abs() < 1e-12, "{p_value}");
    assert!((model.p_value(1e9) - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn left_out_image_does_not_count() {
    let model = OodModel::of_images(gaussian(), [(1.0, 0), (2.0, 0), (3.0, 1), (5.0, 2)]);
    let others = OodModel::of_images(gaussian(), [(3.0, 1), (5.0, 2)]);
    for score in [1.0, 2.0] {
        let left_out = model.p_value_left_out(score, &[2.0, 1.0]);
        assert!((left_out - others.p_value(score)).abs() < 1e-12);
    }
}

#[test]
fn invalid_weights_are_refused() {
    let good = OodModel::of_images(gaussian(), [(1.0, 0), (2.0, 1)]);
    for weights in [
        vec![1.0],
        vec![1.0, 0.0],
        vec![1.0, f64::NAN],
        vec![1.0, 2.0],
    ] {
        let bad = OodModel {
            calibration_weights: weights.clone(),
            ..good.clone()
        };
        assert_eq!(
            bad.check(),
            Err(OodError::CalibrationWeights),
            "{weights:?}"
        );
    }
}
