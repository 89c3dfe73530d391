//! Checks of the methods, the trunk and its variants.

use super::{Check, accept, require};
use crate::{Manifest, McDropout, Precision, Sampling, Trunk};

/// No manifest may ask for more passes than this.
const MOST_PASSES: usize = 10_000;

pub(super) fn check_methods(manifest: &Manifest) -> Check {
    let methods = &manifest.methods;
    require(
        !manifest.offered_methods().is_empty(),
        "methods",
        "must hold at least one method",
    )?;
    if let Some(trunk) = &manifest.trunk {
        check_trunk(trunk)?;
        check_variants(trunk)?;
    }
    if let Some(mc_dropout) = &methods.mc_dropout {
        check_mc_dropout(mc_dropout)?;
    }
    if let Some(ensemble) = &methods.ensemble {
        require(
            (2..=MOST_PASSES).contains(&ensemble.members),
            "methods.ensemble.members",
            "must be two or more",
        )?;
    }
    if let Some(tta) = &methods.tta {
        check_passes(tta.passes, "methods.tta.passes")?;
        accept(tta.policy.check(), "methods.tta.policy")?;
        require(
            methods.baseline.is_some() || tta.head.is_some(),
            "methods.tta",
            "needs a head, its own or that of `methods.baseline`",
        )?;
    }
    Ok(())
}

fn check_trunk(trunk: &Trunk) -> Check {
    require(
        trunk.feature_count > 0,
        "trunk.feature_count",
        "must be positive",
    )?;
    require(
        trunk.statistics.is_some() == trunk.statistic_count.is_some(),
        "trunk.statistics",
        "and `trunk.statistic_count` belong together: give both or neither",
    )?;
    require(
        trunk.statistic_count != Some(0),
        "trunk.statistic_count",
        "must be positive",
    )
}

fn check_variants(trunk: &Trunk) -> Check {
    require(
        !trunk.variants.contains_key(&Precision::Float32),
        "trunk.variants",
        "must not hold `float32`: that is `trunk.file`",
    )?;
    let is_share = |share: f64| (0.0..=1.0).contains(&share);
    let mut measured = trunk
        .variants
        .values()
        .flat_map(|variant| variant.agreement.values());
    require(
        measured.all(|agreement| {
            is_share(agreement.equal_labels) && is_share(agreement.equal_decisions)
        }),
        "trunk.variants",
        "must have shares from 0 to 1",
    )
}

fn check_passes(passes: usize, key: &str) -> Check {
    require(
        (1..=MOST_PASSES).contains(&passes),
        key,
        &format!("must lie in 1 to {MOST_PASSES}"),
    )
}

fn check_mc_dropout(mc_dropout: &McDropout) -> Check {
    check_passes(mc_dropout.passes, "methods.mc_dropout.passes")?;
    let Sampling::Masks { masks, .. } = &mc_dropout.sampling else {
        return Ok(());
    };
    let key = "methods.mc_dropout.sampling.masks";
    require(!masks.is_empty(), key, "must name at least one input")?;
    let possible = |probability: f64| (0.0..1.0).contains(&probability);
    let all_possible = masks
        .iter()
        .all(|mask| mask.width > 0 && possible(mask.drop_probability));
    require(
        all_possible,
        key,
        "must have positive widths and drop probabilities in [0, 1)",
    )
}
