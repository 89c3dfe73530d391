//! Reads and compares the numbers of the reference files, by the rules of their README.

use serde_json::Value;

use crate::path;

/// The tolerance of a reference file: absolute, plus relative to the expected number.
#[derive(Clone, Copy)]
pub struct Tolerance {
    /// Absolute tolerance.
    pub absolute: f64,
    /// Tolerance relative to the expected number.
    pub relative: f64,
}

impl Tolerance {
    /// The tolerance of a case, or else of the file.
    pub fn of(file: &Value, case: &Value) -> Tolerance {
        let get = |key| case[key].as_f64().or(file[key].as_f64()).unwrap();
        Tolerance {
            absolute: get("tolerance_abs"),
            relative: get("tolerance_rel"),
        }
    }

    fn allows(self, got: f64, wanted: f64) -> bool {
        got == wanted || (got - wanted).abs() <= self.absolute + self.relative * wanted.abs()
    }
}

/// Reads `tests/fixtures/<name>`.
pub fn load(name: &str) -> Value {
    let path = path("tests/fixtures").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The elements of a JSON array.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// The name of a case.
pub fn id(case: &Value) -> &str {
    case["id"].as_str().unwrap()
}

/// A number, or a string for a number that JSON lacks, such as NaN.
pub fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

/// An array of numbers.
pub fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

/// An array of arrays of numbers.
pub fn matrix(value: &Value) -> Vec<Vec<f64>> {
    list(value).iter().map(numbers).collect()
}

/// A count or an index. A negative one becomes an index outside any range.
pub fn index(value: &Value) -> usize {
    usize::try_from(value.as_i64().unwrap()).unwrap_or(usize::MAX)
}

/// An array of counts or indices.
pub fn indices(value: &Value) -> Vec<usize> {
    list(value).iter().map(index).collect()
}

/// Compares a number, or none, with the reference.
#[track_caller]
pub fn assert_number(
    case: &str,
    field: &str,
    got: impl Into<Option<f64>>,
    wanted: &Value,
    tolerance: Tolerance,
) {
    let got = got.into();
    match got {
        None => assert!(
            wanted.is_null(),
            "{case}: {field} is undefined, wanted {wanted}"
        ),
        Some(got) => {
            assert!(
                !wanted.is_null(),
                "{case}: {field} is {got}, wanted undefined"
            );
            assert!(
                tolerance.allows(got, number(wanted)),
                "{case}: {field} is {got}, wanted {wanted}"
            );
        }
    }
}

/// Compares numbers with an array of the reference.
#[track_caller]
pub fn assert_numbers(case: &str, field: &str, got: &[f64], wanted: &Value, tolerance: Tolerance) {
    assert_eq!(got.len(), list(wanted).len(), "{case}: length of {field}");
    for (got, wanted) in got.iter().zip(list(wanted)) {
        assert_number(case, field, *got, wanted, tolerance);
    }
}

/// The reference files' name of an error: that of its variant, such as `not_finite` for `NotFinite
/// { row: 0 }`.
pub fn error_name(error: &impl std::fmt::Debug) -> String {
    let written = format!("{error:?}");
    let variant = written
        .chars()
        .take_while(|letter| letter.is_alphanumeric());
    let mut name = String::new();
    for letter in variant {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}
