//! The range of a measure over a calibration set.

use uncertainty::{Range, RangeError};

#[test]
fn values_outside_the_range_are_clipped() {
    let range = Range {
        minimum: -1.0,
        maximum: 3.0,
    };
    let normalised = [-9.0, -1.0, 0.0, 3.0, 9.0].map(|value| range.normalise(value));
    assert_eq!(normalised, [0.0, 0.0, 0.25, 1.0, 1.0]);
}

#[test]
fn range_of_one_value_is_a_step() {
    let range = Range {
        minimum: 2.0,
        maximum: 2.0,
    };
    assert_eq!(
        [1.0, 2.0, 2.5].map(|value| range.normalise(value)),
        [0.0, 0.0, 1.0]
    );
}

#[test]
fn invalid_range_is_an_error() {
    assert_eq!(Range::over(&[]), Err(RangeError::Empty));
    assert_eq!(Range::over(&[1.0, f64::NAN]), Err(RangeError::NotFinite));
    assert_eq!(
        Range::over(&[2.0, -1.0, 0.5]),
        Ok(Range {
            minimum: -1.0,
            maximum: 2.0
        })
    );
    assert_eq!(
        Range {
            minimum: 0.0,
            maximum: f64::NAN
        }
        .check(),
        Err(RangeError::NotFinite)
    );
    assert!(matches!(
        Range {
            minimum: 1.0,
            maximum: 0.0
        }
        .check(),
        Err(RangeError::Reversed { .. })
    ));
}
