//! Thresholds that keep a promise: fixed-sequence testing (Angelopoulos et al., *Learn then Test*, 2021) on cells that come in
//! images.
//!
//! The way of the numbers: [`Outcome`]s of calibration cells → a [`Tally`] over a [`Grid`] of thresholds, fixed beforehand →
//! [`Moments`] per step → [`PValue`]s → the loosest threshold that [`certify`] can promise. Cells of one image depend on each
//! other, so every step has to pass the exact binomial over cells, Student's t over images, and the
//! same t with a few images more, of a kind that was not seen.

mod certify;
mod error;
mod further;
mod grid;
mod moments;
mod p_value;
mod sequence;
mod tally;

pub use certify::{Certificate, Certified, Step, certify};
pub use error::RiskError;
pub use grid::Grid;
pub use moments::Moments;
pub use p_value::{
    PValue, UNSEEN_IMAGES, UNSEEN_MISTAKEN, binomial_p, cells_without_error, clopper_pearson_upper,
};
pub use sequence::{Sequence, Test, certified_steps};
pub use tally::{Counts, ImageTally, Outcome, Tally};
