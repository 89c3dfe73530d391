//! What a bundle says of its training data.

use clap::Args;

/// Where the data come from and what may be done with them.
#[derive(Clone, Debug, Args)]
pub struct About {
    /// What the data are and who made them, as their licence asks it to be said; goes into the manifest and the card
    #[arg(
        long = "about-data",
        default_value = "data that were not described",
        value_name = "TEXT"
    )]
    pub provenance: String,
    /// Licence of the data as an SPDX expression; the heads carry it
    #[arg(
        long = "data-licence",
        default_value = "LicenseRef-not-stated",
        value_name = "SPDX"
    )]
    pub licence: String,
}
