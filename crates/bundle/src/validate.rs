//! Checks of a manifest's values that need neither the files nor a runtime.

mod methods;

use std::{collections::BTreeSet, path::Path};

use self::methods::check_methods;
use super::{
    BundleError, Calibration, FORMAT, FORMAT_1, Label, Manifest, Trunk, snomed_ct::is_snomed_ct,
};

/// No manifest may ask for a larger input than this, in pixels.
const LARGEST_INPUT: u32 = 4096;

/// Verifies every value of `manifest`; `path` is named in errors.
pub(super) fn validate(manifest: &Manifest, path: &Path) -> Result<(), BundleError> {
    let checks = [
        check_identity(manifest),
        check_input(manifest),
        check_labels(manifest),
        check_files(manifest),
        check_methods(manifest),
        check_calibration(manifest),
        check_out_of_distribution(manifest),
    ];
    match checks.into_iter().find_map(Result::err) {
        None => Ok(()),
        Some((key, problem)) => Err(BundleError::Value {
            path: path.to_owned(),
            key,
            problem,
        }),
    }
}

type Check = Result<(), (String, String)>;

fn require(holds: bool, key: &str, problem: &str) -> Check {
    if holds {
        Ok(())
    } else {
        Err((key.to_owned(), problem.to_owned()))
    }
}

/// Takes over another crate's verdict on its own settings.
fn accept<E: ToString>(verdict: Result<(), E>, key: &str) -> Check {
    verdict.map_err(|error| {
        (
            key.to_owned(),
            format!("is not possible: {}", error.to_string()),
        )
    })
}

/// What [`is_bundle_name`] asks for, in words.
pub const BUNDLE_NAME: &str = "1 to 64 lower-case letters, digits and hyphens";

/// Whether a bundle may have this name, which stands in addresses and logs as it is.
pub fn is_bundle_name(name: &str) -> bool {
    let plain = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
    };
    !name.is_empty() && name.len() <= 64 && name.chars().all(plain)
}

fn check_identity(manifest: &Manifest) -> Check {
    require(
        [FORMAT_1, FORMAT].contains(&manifest.format),
        "format",
        &format!("must be {FORMAT_1} or {FORMAT}, the versions that this program reads"),
    )?;
    require(
        is_bundle_name(&manifest.name),
        "name",
        &format!("must be {BUNDLE_NAME}"),
    )?;
    require(!manifest.version.is_empty(), "version", "must not be empty")?;
    require(!manifest.licence.is_empty(), "licence", "must not be empty")
}

fn check_input(manifest: &Manifest) -> Check {
    let input = &manifest.input;
    require(
        (1..=LARGEST_INPUT).contains(&input.size),
        "input.size",
        &format!("must lie in 1 to {LARGEST_INPUT}"),
    )?;
    require(
        (1..=LARGEST_INPUT).contains(&input.crop_edge_px),
        "input.crop_edge_px",
        &format!("must lie in 1 to {LARGEST_INPUT}"),
    )?;
    accept(input.normalisation.check(), "input.normalisation")?;
    require(
        input.source_width_px != Some(0),
        "input.source_width_px",
        "must be positive",
    )?;
    let scale_is_possible = input
        .micrometres_per_pixel
        .is_none_or(|size| size.is_finite() && size > 0.0);
    require(
        scale_is_possible,
        "input.micrometres_per_pixel",
        "must be positive",
    )
}

fn check_labels(manifest: &Manifest) -> Check {
    let mut names = BTreeSet::new();
    let distinct = manifest
        .labels
        .iter()
        .all(|label| !label.name.is_empty() && names.insert(&label.name));
    require(
        manifest.labels.len() >= 2,
        "labels",
        "must be two classes or more",
    )?;
    require(
        distinct,
        "labels",
        "must have names, each different from the others",
    )?;
    let unknown_to_1 = |label: &Label| label.high_grade.is_some() || label.severity.is_some();
    require(
        manifest.format != FORMAT_1 || !manifest.labels.iter().any(unknown_to_1),
        "labels",
        "must not have `high_grade` or `severity` in format 1: write `format = 2`",
    )?;
    let normal_and_high = |label: &Label| label.high_grade == Some(true) && !label.abnormal;
    require(
        !manifest.labels.iter().any(normal_and_high),
        "labels",
        "must be `abnormal` where they are `high_grade`",
    )?;
    let mut codes = manifest
        .labels
        .iter()
        .filter_map(|label| label.snomed_ct.as_deref());
    require(
        codes.all(is_snomed_ct),
        "labels.snomed_ct",
        "must be SNOMED CT codes: a digit is wrong",
    )
}

fn check_files(manifest: &Manifest) -> Check {
    for file in manifest.files() {
        let plain = Path::new(&file.name)
            .file_name()
            .is_some_and(|name| name == file.name.as_str());
        require(
            plain,
            "name",
            &format!(
                "of file `{}` must be a file name without a directory",
                file.name
            ),
        )?;
    }
    Ok(())
}

fn check_calibration(manifest: &Manifest) -> Check {
    for (method, calibration) in &manifest.calibration {
        let key = format!("calibration.{method}");
        require(
            manifest.offers(*method),
            &key,
            "is for a method that the bundle does not offer",
        )?;
        let temperature = calibration.temperature;
        require(
            temperature.is_finite() && temperature > 0.0,
            &key,
            "must have a positive temperature",
        )?;
        for range in calibration.ranges.values() {
            accept(range.check(), &key)?;
        }
        for policy in &calibration.policies {
            accept(policy.check(), &key)?;
        }
        check_of_format_2(manifest, calibration, &key)?;
        if let Some(stopping) = &calibration.stopping {
            accept(stopping.check(), &key)?;
        }
    }
    Ok(())
}

/// The default policy and the prediction sets of a method.
fn check_of_format_2(manifest: &Manifest, calibration: &Calibration, key: &str) -> Check {
    let has_none = calibration.default_policy.is_none() && calibration.prediction_sets.is_empty();
    require(
        manifest.format != FORMAT_1 || has_none,
        key,
        "must not have `default_policy` or `prediction_sets` in format 1: write `format = 2`",
    )?;
    if let Some(name) = &calibration.default_policy {
        let policy = calibration
            .policies
            .iter()
            .find(|policy| policy.name == *name);
        let any_abnormal = manifest.labels.iter().any(|label| label.abnormal);
        require(
            policy.is_some_and(|policy| !any_abnormal || policy.may_be_default()),
            key,
            "must have as `default_policy` one of its policies, which is certified and accepts only cells called normal",
        )?;
    }
    for sets in &calibration.prediction_sets {
        accept(sets.check(&manifest.labels), key)?;
    }
    Ok(())
}

fn check_out_of_distribution(manifest: &Manifest) -> Check {
    let Some(unlike) = &manifest.out_of_distribution else {
        return Ok(());
    };
    let statistics = manifest.trunk.as_ref().and_then(Trunk::statistics);
    require(
        statistics.is_some(),
        "out_of_distribution",
        "needs a trunk with `statistics` and `statistic_count`",
    )?;
    require(
        unlike.refer_below > 0.0 && unlike.refer_below < 1.0,
        "out_of_distribution.refer_below",
        "must be greater than 0 and less than 1",
    )
}
