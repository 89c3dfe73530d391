//! Grids of thresholds.

use uncertainty::{
    Measure, Promise,
    risk_control::{Grid, Outcome, RiskError, Tally},
};

/// Whether each threshold of the grid accepts a cell with this uncertainty.
fn accepting(grid: &Grid, uncertainty: f64) -> Vec<bool> {
    let cell = Outcome {
        image: 0,
        uncertainty,
        eligible: true,
        abnormal: false,
        high_grade: false,
        called_abnormal: false,
        right_class: true,
    };
    let tally = Tally::of(Promise::AcceptError, &[cell], grid).unwrap();
    tally
        .moments()
        .iter()
        .map(|step| step.accepted == 1)
        .collect()
}

fn first_accepting(grid: &Grid, uncertainty: f64) -> usize {
    let steps = accepting(grid, uncertainty);
    steps
        .iter()
        .position(|accepts| *accepts)
        .unwrap_or(steps.len())
}

#[test]
fn measure_grid_ends_at_its_maximum() {
    let grid = Grid::of_measure(Measure::PredictiveEntropy, 6).unwrap();
    assert_eq!(grid.thresholds().len(), 100);
    assert_eq!(first_accepting(&grid, 0.0), 0);
    assert_eq!(first_accepting(&grid, 6.0f64.ln()), 99);
    assert_eq!(Grid::of_measure(Measure::PaperEntropy, 6), None);
}

#[test]
fn value_on_a_threshold_is_accepted() {
    let grid = Grid::new(vec![0.3, 0.6]).unwrap();
    let first = [0.1, 0.3, 0.30001, 0.6, 0.7].map(|value| first_accepting(&grid, value));
    assert_eq!(first, [0, 0, 1, 1, 2]);
}

#[test]
fn infinite_threshold_is_named_by_index() {
    let grid = Grid::new(vec![0.1, f64::NAN]);
    assert_eq!(grid, Err(RiskError::Threshold(1)));
}
