//! The counts of promises.

use uncertainty::{
    Action, ClassGroups, Measure, Promise, Samples, decide,
    risk_control::{Grid, Outcome, Tally},
    summarise,
};

use crate::random::Random;
use crate::stopping::policy;

const ABNORMAL: [bool; 3] = [false, true, true];
const GROUPS: ClassGroups<'_> = ClassGroups {
    abnormal: &ABNORMAL,
    high_grade: &[false, false, true],
};

#[test]
fn counted_as_accepted_is_accepted() {
    let mut random = Random::seeded(1);
    for _ in 0..256 {
        let logits = [(); 3].map(|()| random.between(-4.0, 4.0));
        let (threshold, truth) = (random.between(0.0, 1.1), random.below(3));
        let promise = Promise::ALL[random.below(Promise::ALL.len())];
        let measure = Measure::ALL[random.below(Measure::ALL.len())];
        let samples = Samples::from_logits(&logits, 3).unwrap();
        let summary = summarise(&samples).with_abnormal(&ABNORMAL);
        let policy = policy(measure, threshold, Some(promise));
        let outcome = Outcome::of(0, &summary, measure, truth, GROUPS, true);
        let grid = Grid::new(vec![threshold]).unwrap();
        let tally = Tally::of(promise, &[outcome], &grid).unwrap();
        let accepted = decide(&summary, Some(&policy)).action == Action::Accept;
        assert_eq!(
            tally.moments()[0].accepted,
            u64::from(accepted),
            "{logits:?} {policy:?}"
        );
    }
}

/// Three cells: an abnormal cell of image 0 called normal at .2, one called abnormal at .4, and a
/// normal cell of image 7 called normal at .1.
fn cells() -> Vec<Outcome> {
    let cell = |image, uncertainty, abnormal: bool, called_abnormal: bool| Outcome {
        image,
        uncertainty,
        eligible: true,
        abnormal,
        high_grade: abnormal && image == 0_usize && !called_abnormal,
        called_abnormal,
        right_class: !abnormal && !called_abnormal,
    };
    vec![
        cell(0, 0.2, true, false),
        cell(0, 0.4, true, true),
        cell(7, 0.1, false, false),
    ]
}

/// (accepted, trials, errors) over all images, per threshold.
fn totals(promise: Promise, cells: &[Outcome]) -> Vec<(u64, u64, u64)> {
    let grid = Grid::new(vec![0.1, 0.3, 0.5]).unwrap();
    let tally = Tally::of(promise, cells, &grid).unwrap();
    let moments = tally.moments();
    moments
        .iter()
        .map(|step| (step.accepted, step.trials, step.errors))
        .collect()
}

#[test]
fn promises_have_their_own_denominator() {
    let of = |promise| totals(promise, &cells());
    assert_eq!(
        of(Promise::AcceptError2Classes),
        [(1, 1, 0), (2, 2, 1), (3, 3, 1)]
    );
    assert_eq!(of(Promise::AcceptError), [(1, 1, 0), (2, 2, 1), (3, 3, 2)]);
    assert_eq!(
        of(Promise::MissedAbnormal),
        [(1, 2, 0), (2, 2, 1), (3, 2, 1)]
    );
    assert_eq!(of(Promise::AutoClear), [(1, 1, 0), (2, 2, 1), (2, 2, 1)]);
    assert_eq!(
        of(Promise::ClearMissedAbnormal),
        [(1, 2, 0), (2, 2, 1), (2, 2, 1)]
    );
    assert_eq!(
        of(Promise::ClearMissedHighGrade),
        [(1, 1, 0), (2, 1, 1), (2, 1, 1)]
    );
}

#[test]
fn ood_cell_is_never_accepted() {
    let mut cells = cells();
    cells.iter_mut().for_each(|cell| cell.eligible = false);
    cells[0].uncertainty = f64::NAN;
    for promise in Promise::ALL {
        let trials = match promise {
            Promise::MissedAbnormal | Promise::ClearMissedAbnormal => 2,
            Promise::ClearMissedHighGrade => 1,
            _ => 0,
        };
        assert_eq!(totals(promise, &cells), [(0, trials, 0); 3], "{promise}");
    }
}

#[test]
fn images_without_cases_are_left_out() {
    let grid = Grid::new(vec![0.5]).unwrap();
    let images = |promise| Tally::of(promise, &cells(), &grid).unwrap().moments()[0].images;
    assert_eq!(images(Promise::AcceptError), 2);
    assert_eq!(images(Promise::MissedAbnormal), 1);
}
