//! Certified thresholds by fixed-sequence testing (Angelopoulos et al., *Learn then Test*, 2021),
//! for cells that come in images.
//!
//! The steps: [`Outcome`]s of calibration cells → a [`Tally`] over a [`Grid`] of thresholds, fixed
//! beforehand → [`Moments`] per threshold → [`PValue`]s → the loosest threshold that [`certify`]
//! can promise. Cells of the same image depend on each other. So every threshold has to pass three
//! tests: the exact binomial test over cells, Student's t over images, and the same t with a few
//! more images of an unseen kind.

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
