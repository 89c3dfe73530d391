//! Samples of class probabilities, the result of every method: T passes over C classes.

use thiserror::Error;

/// Largest distance of a row's sum from 1: enough for the rounding of a 32-bit softmax.
const ROW_SUM_TOLERANCE: f64 = 1e-4;

/// T probability vectors over C classes (`[T, C]`, row-major), T ≥ 1 and C ≥ 2.
///
/// Every value is finite and in [0, 1], and every row sums to 1 within 1e-4. Values are not
/// normalised; the entropies allow for rows that are off by the rounding of 32-bit floats.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    values: Vec<f64>,
    classes: usize,
}

/// Why numbers are not probabilities over classes. Rows and classes are counted from 0.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SamplesError {
    /// There are no rows.
    #[error("no samples were given: give at least one row of probabilities")]
    Empty,
    /// There are fewer than two classes.
    #[error("the samples have {classes} classes, expected 2 or more")]
    TooFewClasses {
        /// How many classes there were.
        classes: usize,
    },
    /// The values do not form whole rows of equal length.
    #[error(
        "row {row} (counted from 0) has {found} values, expected {classes}: give every row one value per class"
    )]
    Shape {
        /// The first row of the wrong length.
        row: usize,
        /// How many values it has.
        found: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A value is NaN or infinite.
    #[error(
        "the value at row {row}, class {class} (counted from 0) is not finite: check the model's output"
    )]
    NotFinite {
        /// Row of the first such value.
        row: usize,
        /// Class of the first such value.
        class: usize,
    },
    /// A row holds a value outside [0, 1] or does not sum to 1.
    #[error(
        "row {row} (counted from 0) is not a probability distribution: it sums to {sum}, expected values from 0 to 1 that sum to 1"
    )]
    NotADistribution {
        /// The first such row.
        row: usize,
        /// Its sum.
        sum: f64,
    },
}

impl Samples {
    /// Samples from probabilities `[T, C]`, row-major, with `classes` = C.
    ///
    /// ```
    /// let samples = uncertainty::Samples::from_probabilities(vec![0.7, 0.3, 0.9, 0.1], 2)?;
    /// assert_eq!((samples.passes(), samples.classes()), (2, 2));
    /// # Ok::<(), uncertainty::SamplesError>(())
    /// ```
    ///
    /// # Errors
    /// Every variant of [`SamplesError`].
    pub fn from_probabilities(values: Vec<f64>, classes: usize) -> Result<Samples, SamplesError> {
        check_rows(&values, classes)?;
        Ok(Samples { values, classes })
    }

    /// Samples from one vector of C probabilities per pass.
    ///
    /// ```
    /// let samples = uncertainty::Samples::from_rows(&[vec![0.7, 0.3], vec![0.9, 0.1]])?;
    /// assert_eq!(samples.values(), [0.7, 0.3, 0.9, 0.1]);
    /// # Ok::<(), uncertainty::SamplesError>(())
    /// ```
    ///
    /// # Errors
    /// Every variant of [`SamplesError`]; `Shape` if the rows differ in length.
    pub fn from_rows(rows: &[Vec<f64>]) -> Result<Samples, SamplesError> {
        let classes = rows.first().ok_or(SamplesError::Empty)?.len();
        check_lengths(rows, classes)?;
        Samples::from_probabilities(rows.concat(), classes)
    }

    /// Samples from logits `[T, C]`, row-major, 32-bit or 64-bit. Each row goes through a softmax
    /// in `f64`.
    ///
    /// ```
    /// let samples = uncertainty::Samples::from_logits(&[0.0_f32, 0.0], 2)?;
    /// assert_eq!(samples.values(), [0.5, 0.5]);
    /// # Ok::<(), uncertainty::SamplesError>(())
    /// ```
    ///
    /// # Errors
    /// [`SamplesError`] `Empty`, `TooFewClasses`, `Shape` or `NotFinite`.
    pub fn from_logits<L: Copy + Into<f64>>(
        logits: &[L],
        classes: usize,
    ) -> Result<Samples, SamplesError> {
        let mut values: Vec<f64> = logits.iter().map(|&logit| logit.into()).collect();
        check_shape(&values, classes)?;
        check_finite(&values, classes)?;
        values.chunks_exact_mut(classes).for_each(softmax_in_place);
        Ok(Samples { values, classes })
    }

    /// T, the number of passes (or heads, or views).
    pub fn passes(&self) -> usize {
        self.values.len() / self.classes
    }

    /// C, the number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The probabilities pass by pass, C values each.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.classes)
    }

    /// All T × C values, row-major.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The T probabilities of one class; empty if `class` ≥ C.
    pub fn of_class(&self, class: usize) -> impl Iterator<Item = f64> + '_ {
        self.rows().filter_map(move |row| row.get(class).copied())
    }
}

/// Checks that `values` are one or more rows of probabilities over `classes` classes.
///
/// ```
/// assert!(uncertainty::check_rows(&[0.7, 0.3, 1.0, 0.0], 2).is_ok());
/// assert!(uncertainty::check_rows(&[0.7, 0.7], 2).is_err());
/// ```
///
/// # Errors
/// [`SamplesError`] for the first row that is not a distribution.
pub fn check_rows(values: &[f64], classes: usize) -> Result<(), SamplesError> {
    check_shape(values, classes)?;
    check_finite(values, classes)?;
    for (row, probabilities) in values.chunks_exact(classes).enumerate() {
        let sum: f64 = probabilities.iter().sum();
        let outside = probabilities.iter().any(|p| !(0.0..=1.0).contains(p));
        if outside || (sum - 1.0).abs() > ROW_SUM_TOLERANCE {
            return Err(SamplesError::NotADistribution { row, sum });
        }
    }
    Ok(())
}

/// Checks that every row has `classes` values.
///
/// ```
/// assert!(uncertainty::check_lengths(&[vec![0.7, 0.3], vec![1.0]], 2).is_err());
/// ```
///
/// # Errors
/// [`SamplesError::Shape`] for the first row of another length.
pub fn check_lengths(rows: &[Vec<f64>], classes: usize) -> Result<(), SamplesError> {
    match rows
        .iter()
        .enumerate()
        .find(|(_, row)| row.len() != classes)
    {
        Some((row, values)) => Err(SamplesError::Shape {
            row,
            found: values.len(),
            classes,
        }),
        None => Ok(()),
    }
}

/// Checks that `values` are one or more whole rows of `classes` ≥ 2 values.
fn check_shape(values: &[f64], classes: usize) -> Result<(), SamplesError> {
    if classes < 2 {
        return Err(SamplesError::TooFewClasses { classes });
    }
    if values.is_empty() {
        return Err(SamplesError::Empty);
    }
    match values.len() % classes {
        0 => Ok(()),
        found => Err(SamplesError::Shape {
            row: values.len() / classes,
            found,
            classes,
        }),
    }
}

/// Checks that no value is NaN or infinite. `classes` ≥ 1 gives row and class of the first such
/// value.
fn check_finite(values: &[f64], classes: usize) -> Result<(), SamplesError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(SamplesError::NotFinite {
            row: at / classes,
            class: at % classes,
        }),
        None => Ok(()),
    }
}

/// Index of the largest value; the lowest index if several are equal.
///
/// ```
/// assert_eq!(uncertainty::argmax(&[0.2, 0.4, 0.4]), 1);
/// ```
pub fn argmax(values: &[f64]) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (index, &value) in values.iter().enumerate() {
        if value > best.1 {
            best = (index, value);
        }
    }
    best.0
}

/// Replaces finite logits by their softmax. Subtracts the largest first to avoid overflow.
fn softmax_in_place(logits: &mut [f64]) {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    logits
        .iter_mut()
        .for_each(|logit| *logit = (*logit - largest).exp());
    let sum: f64 = logits.iter().sum();
    logits.iter_mut().for_each(|value| *value /= sum);
}
