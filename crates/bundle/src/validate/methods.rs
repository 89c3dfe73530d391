//! Checks of the methods, the trunk and its variants.

use super::{Check, accept, require};
use crate::{Manifest, McDropout, Precision, Sampling, Trunk};

/// Largest number of passes and of ensemble members.
const MOST_PASSES: usize = 10_000;

pub(super) fn check_methods(manifest: &Manifest) -> Check {
    let methods = &manifest.methods;
    require(
        !manifest.offered_methods().is_empty(),
        "methods",
        "is empty: describe at least one method, such as [methods.baseline]",
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
            &format!("is {}, expected 2 to {MOST_PASSES}", ensemble.members),
        )?;
    }
    if let Some(tta) = &methods.tta {
        check_passes(tta.passes, "methods.tta.passes")?;
        accept(tta.policy.check(), "methods.tta.policy")?;
        require(
            methods.baseline.is_some() || tta.head.is_some(),
            "methods.tta",
            "needs a head: add `methods.tta.head`, or [methods.baseline] whose head it uses",
        )?;
    }
    Ok(())
}

fn check_trunk(trunk: &Trunk) -> Check {
    require(
        trunk.feature_count > 0,
        "trunk.feature_count",
        "is 0, expected a positive number: the D of the output `[N, D]`",
    )?;
    require(
        trunk.statistics.is_some() == trunk.statistic_count.is_some(),
        "trunk.statistics",
        "and `trunk.statistic_count` belong together: set both or neither",
    )?;
    require(
        trunk.statistic_count != Some(0),
        "trunk.statistic_count",
        "is 0, expected a positive number: the S of the output `[N, S]`",
    )
}

fn check_variants(trunk: &Trunk) -> Check {
    require(
        !trunk.variants.contains_key(&Precision::Float32),
        "trunk.variants",
        "has `float32`, which is `trunk.file` already: delete it",
    )?;
    for (precision, variant) in &trunk.variants {
        for (method, agreement) in &variant.agreement {
            let shares = [agreement.equal_labels, agreement.equal_decisions];
            require(
                shares.iter().all(|share| (0.0..=1.0).contains(share)),
                &format!("trunk.variants.{precision}.agreement.{method}"),
                "has a share outside its range, expected `equal_labels` and `equal_decisions` from 0 to 1",
            )?;
        }
    }
    Ok(())
}

fn check_passes(passes: usize, key: &str) -> Check {
    require(
        (1..=MOST_PASSES).contains(&passes),
        key,
        &format!("is {passes}, expected 1 to {MOST_PASSES}"),
    )
}

fn check_mc_dropout(mc_dropout: &McDropout) -> Check {
    check_passes(mc_dropout.passes, "methods.mc_dropout.passes")?;
    let Sampling::Masks { masks, .. } = &mc_dropout.sampling else {
        return Ok(());
    };
    let key = "methods.mc_dropout.sampling.masks";
    require(
        !masks.is_empty(),
        key,
        "is empty: name at least one mask input of the graph",
    )?;
    for mask in masks {
        require(
            mask.width > 0 && (0.0..1.0).contains(&mask.drop_probability),
            key,
            &format!(
                "has width {} and drop_probability {} for input `{}`, expected a width above 0 and a probability in [0, 1)",
                mask.width, mask.drop_probability, mask.input
            ),
        )?;
    }
    Ok(())
}
