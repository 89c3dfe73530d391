//! Which versions of a crop are shown to the trunk.

use serde::{Deserialize, Serialize};

use super::random;
use crate::{
    bundle::Input,
    imaging::{self, CellImage, ImageError, augment::{self, AugmentPolicy}},
};

/// The views of every cell, numbered from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ViewPlan {
    /// Quarter turns and their mirror images: a cell has no up or down. View 0 is the crop as it is.
    Dihedral {
        /// How many of the eight.
        count: usize,
    },
    /// Random views as test-time augmentation draws them.
    Policy {
        /// How a view is made.
        policy: AugmentPolicy,
        /// How many.
        count: usize,
        /// The cells' own seeds are derived from it.
        seed: u64,
    },
}

impl ViewPlan {
    /// Number of views of each cell.
    pub fn count(&self) -> usize {
        match self {
            Self::Dihedral { count } | Self::Policy { count, .. } => *count,
        }
    }

    /// View number `index` of a cell's crop, at the size that the model wants.
    ///
    /// # Errors
    /// Whatever imaging says of the crop or the policy.
    pub fn view(&self, crop: &CellImage, cell_id: &str, index: usize, input: &Input) -> Result<CellImage, ImageError> {
        match self {
            Self::Dihedral { .. } => {
                let turned = augment::dihedral(crop, u8::try_from(index % 8).unwrap_or(0));
                imaging::resize(&turned, input.size, input.size, input.resize)
            }
            Self::Policy { policy, seed, .. } => {
                let cell_seed = random::derived_seed(*seed, &format!("views of cell {cell_id}"));
                augment::view(crop, policy, cell_seed, index as u64, input.size, input.resize)
            }
        }
    }
}
