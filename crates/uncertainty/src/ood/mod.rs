//! How unlike the cells of training an image is, from features or statistics of a layer.
//!
//! [`OodModel`] is the Mahalanobis distance to one Gaussian over all training cells, with a conformal p-value.

mod conformal;
mod error;
mod gaussian;
mod model;

pub use conformal::conformal_p;
pub use error::OodError;
pub use gaussian::Gaussian;
pub use model::{OodModel, OodScore};

/// Checks that there is a row and that all rows are finite and of one length, and returns that length.
fn check_rows(rows: &[Vec<f64>]) -> Result<usize, OodError> {
    let expected = rows.first().ok_or(OodError::Empty)?.len();
    if expected == 0 {
        return Err(OodError::Empty);
    }
    for (row, values) in rows.iter().enumerate() {
        check_row(row, values, expected)?;
    }
    Ok(expected)
}

fn check_row(row: usize, values: &[f64], expected: usize) -> Result<(), OodError> {
    if values.len() != expected {
        return Err(OodError::Shape {
            row,
            found: values.len(),
            expected,
        });
    }
    if values.iter().any(|value| !value.is_finite()) {
        return Err(OodError::NotFinite { row });
    }
    Ok(())
}
