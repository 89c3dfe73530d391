//! Which versions of a crop are shown to the trunk.

use serde::{Deserialize, Serialize};

use crate::calibration::alterations::Alteration;
use bundle::Input;
use imaging::{
    self, CellImage, ImageError,
    augment::{self, AugmentPolicy},
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
    /// Random views, drawn as the server draws them for test-time augmentation of the same file.
    Policy {
        /// How a view is made.
        policy: AugmentPolicy,
        /// How many.
        count: usize,
    },
    /// The crop as other laboratories might show it, one view per alteration.
    Altered {
        /// What is changed.
        alterations: Vec<Alteration>,
    },
}

impl ViewPlan {
    /// Number of views of each cell.
    pub fn count(&self) -> usize {
        match self {
            Self::Dihedral { count } | Self::Policy { count, .. } => *count,
            Self::Altered { alterations } => alterations.len(),
        }
    }

    /// View number `index` of a crop, at the size that the model wants. `seed` is the crop's own: `engine::seed_of` its
    /// file.
    ///
    /// # Errors
    /// Whatever imaging says of the crop or the policy.
    pub fn view(
        &self,
        crop: &CellImage,
        seed: u64,
        index: usize,
        input: &Input,
    ) -> Result<CellImage, ImageError> {
        match self {
            Self::Dihedral { .. } => {
                let turned = augment::dihedral(crop, u8::try_from(index).unwrap_or(u8::MAX))?;
                imaging::resize(&turned, input.size, input.size, input.resize)
            }
            Self::Policy { policy, .. } => {
                augment::view(crop, policy, seed, index as u64, input.size, input.resize)
            }
            Self::Altered { alterations } => {
                let altered = match alterations.get(index) {
                    Some(alteration) => alteration.apply(crop)?,
                    None => crop.clone(),
                };
                imaging::resize(&altered, input.size, input.size, input.resize)
            }
        }
    }
}
