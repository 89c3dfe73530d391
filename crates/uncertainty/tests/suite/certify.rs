//! Certified thresholds from labelled cells.

use uncertainty::{
    Measure, Promise,
    risk_control::{Certificate, Grid, Outcome, Tally, certify},
};

/// `images` images with 20 cells each. The uncertainty of a cell is its place, .05 to 1, and half
/// of the cells are abnormal. In every `every`th image, the cells at the places in `wrong` are
/// called wrongly.
fn cells(images: usize, every: usize, wrong: &[usize]) -> Vec<Outcome> {
    let cell = |image: usize, place: usize| {
        let mistaken = image.is_multiple_of(every) && wrong.contains(&place);
        let abnormal = place.is_multiple_of(2);
        Outcome {
            image,
            uncertainty: (place + 1) as f64 / 20.0,
            eligible: true,
            abnormal,
            high_grade: abnormal,
            called_abnormal: abnormal != mistaken,
            right_class: !mistaken,
        }
    };
    let of_image = |image| (0..20).map(move |place| cell(image, place));
    (0..images).flat_map(of_image).collect()
}

fn tally(promise: Promise, cells: &[Outcome]) -> Tally {
    let grid = Grid::new((1..=20).map(|step| f64::from(step) / 20.0).collect()).unwrap();
    Tally::of(promise, cells, &grid).unwrap()
}

#[test]
fn threshold_precedes_the_first_failure() {
    let tally = tally(Promise::AcceptError, &cells(60, 1, &[12, 13, 14]));
    let certified = certify(&tally, 0.05, 0.05).unwrap();
    assert_eq!(certified.threshold, Some(0.6));
    let wanted = Certificate {
        images: 60,
        cells: 1_200,
        coverage: 0.6,
        trials: 720,
        errors: 0,
        p_value: Some(certified.steps[11].p_value.judged()),
        further_images: None,
        abnormal_below_half: true,
    };
    assert_eq!(certified.certificate, wanted);
    let passed: Vec<usize> = (0..20)
        .filter(|&step| certified.steps[step].certified)
        .collect();
    // The tests start at a quarter of the cells.
    assert_eq!(passed, (4..12).collect::<Vec<_>>());
    let policy = certified.into_policy(&tally, Measure::PredictiveEntropy);
    assert_eq!(policy.check(), Ok(()));
    assert_eq!(
        (policy.name.as_str(), policy.threshold, policy.kind),
        ("accept_error_5", Some(0.6), Some(Promise::AcceptError))
    );
}

#[test]
fn missed_abnormal_counts_all_abnormal_cells() {
    // 1 of the 10 abnormal cells of every fourth image is called normal: 2.5% of the abnormal
    // cells, and more of the accepted ones.
    let cells = cells(160, 4, &[8]);
    let threshold = |promise| {
        certify(&tally(promise, &cells), 0.05, 0.05)
            .unwrap()
            .threshold
    };
    assert_eq!(threshold(Promise::MissedAbnormal), Some(1.0));
    assert_eq!(
        certify(&tally(Promise::MissedAbnormal, &cells), 0.02, 0.05)
            .unwrap()
            .threshold,
        Some(0.4)
    );
}

#[test]
fn auto_clear_counts_only_called_normal() {
    let certified = certify(&tally(Promise::AutoClear, &cells(60, 1, &[])), 0.05, 0.05).unwrap();
    let certificate = &certified.certificate;
    assert_eq!((certificate.coverage, certificate.trials), (0.5, 600));
}

#[test]
fn further_images_are_enough_for_a_promise() {
    // Without a mistake, 10% needs 29 cells at the first tested threshold, which accepts a quarter,
    // from 20 images.
    let few = tally(Promise::AcceptError, &cells(30, 1, &[19]));
    let certified = certify(&few, 0.1, 0.05).unwrap();
    assert!(certified.threshold.is_some(), "30 images are enough");
    let fewer = tally(Promise::AcceptError, &cells(12, 1, &[19]));
    let certified = certify(&fewer, 0.1, 0.05).unwrap();
    assert_eq!(
        (certified.threshold, certified.certificate.p_value),
        (None, None)
    );
    assert_eq!(certified.certificate.coverage, 0.0);
    let further = certified.certificate.further_images.unwrap();
    let enough = tally(
        Promise::AcceptError,
        &cells(12 + further as usize, 1, &[19]),
    );
    assert!(certify(&enough, 0.1, 0.05).unwrap().threshold.is_some());
    assert_eq!(
        further, 9,
        "21 images: 20 leave too much room for those unseen"
    );
}

#[test]
fn high_risk_needs_no_further_images() {
    let places: Vec<usize> = (0..20).collect();
    let certified = certify(
        &tally(Promise::AcceptError, &cells(60, 5, &places)),
        0.05,
        0.05,
    );
    let certified = certified.unwrap();
    assert_eq!(certified.threshold, None);
    assert_eq!(certified.certificate.further_images, None);
    assert!(certified.certificate.p_value.unwrap() > 0.9);
    assert!(certified.steps.iter().all(|step| !step.certified));
}

#[test]
fn nothing_is_promised_without_cells() {
    let certified = certify(&tally(Promise::AutoClear, &[]), 0.05, 0.05).unwrap();
    assert_eq!(
        (certified.threshold, certified.certificate.cells),
        (None, 0)
    );
    assert_eq!(certified.certificate.further_images, None);
}
