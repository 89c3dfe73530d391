//! Checks of a manifest's values that need neither its files nor a runtime.

mod methods;

use std::{collections::BTreeSet, path::Path};

use self::methods::check_methods;
use super::{
    BundleError, Calibration, FORMAT, FORMAT_1, Label, Manifest, Trunk, snomed_ct::is_snomed_ct,
};

/// Largest edge of the input and of crops, in pixels.
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

/// The result of a check: the key that is wrong, and the rest of the sentence that begins with it.
type Check = Result<(), (String, String)>;

fn require(holds: bool, key: &str, problem: &str) -> Check {
    if holds {
        Ok(())
    } else {
        Err((key.to_owned(), problem.to_owned()))
    }
}

/// Reports what another crate's check of its own settings found.
fn accept<E: ToString>(verdict: Result<(), E>, key: &str) -> Check {
    verdict.map_err(|error| {
        (
            key.to_owned(),
            format!("is not valid: {}", error.to_string()),
        )
    })
}

/// What [`is_bundle_name`] allows, for messages.
pub const BUNDLE_NAME: &str = "1 to 64 lower-case letters, digits and hyphens";

/// Whether a bundle may have this name. Names appear unescaped in URLs and logs.
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
        &format!("is {}, expected {FORMAT_1} or {FORMAT}", manifest.format),
    )?;
    require(
        is_bundle_name(&manifest.name),
        "name",
        &format!(
            "is \"{}\", expected {BUNDLE_NAME}, such as my-model-2",
            manifest.name
        ),
    )?;
    require(
        !manifest.version.is_empty(),
        "version",
        "is empty: write a version, such as \"1\"",
    )?;
    require(
        !manifest.licence.is_empty(),
        "licence",
        "is empty: write an SPDX expression, such as \"Apache-2.0\"",
    )
}

fn check_input(manifest: &Manifest) -> Check {
    let input = &manifest.input;
    for (key, pixels) in [
        ("input.size", input.size),
        ("input.crop_edge_px", input.crop_edge_px),
    ] {
        let problem = format!("is {pixels}, expected 1 to {LARGEST_INPUT} pixels");
        require((1..=LARGEST_INPUT).contains(&pixels), key, &problem)?;
    }
    accept(input.normalisation.check(), "input.normalisation")?;
    require(
        input.source_width_px != Some(0),
        "input.source_width_px",
        "is 0, expected a width above 0, such as 1376",
    )?;
    let scale_is_possible = input
        .micrometres_per_pixel
        .is_none_or(|size| size.is_finite() && size > 0.0);
    require(
        scale_is_possible,
        "input.micrometres_per_pixel",
        "must be a finite number above 0, such as 0.25",
    )
}

fn check_labels(manifest: &Manifest) -> Check {
    let labels = &manifest.labels;
    require(
        labels.len() >= 2,
        "labels",
        &format!("must list two or more classes, found {}", labels.len()),
    )?;
    let mut names = BTreeSet::new();
    for label in labels {
        require(
            !label.name.is_empty(),
            "labels",
            "must give every class a name, found an empty one",
        )?;
        require(
            names.insert(&label.name),
            "labels",
            &format!(
                "must have names that are different from each other, found `{}` twice",
                label.name
            ),
        )?;
    }
    labels
        .iter()
        .try_for_each(|label| check_label(manifest, label))
}

fn check_label(manifest: &Manifest, label: &Label) -> Check {
    let name = &label.name;
    let unknown_to_1 = label.high_grade.is_some() || label.severity.is_some();
    require(
        manifest.format != FORMAT_1 || !unknown_to_1,
        "labels",
        &format!(
            "has `high_grade` or `severity` for `{name}`, which format 1 does not know: write `format = 2`"
        ),
    )?;
    require(
        label.abnormal || label.high_grade != Some(true),
        "labels",
        &format!("has `high_grade = true` for `{name}`: write `abnormal = true` for it, too"),
    )?;
    let code = label.snomed_ct.as_deref();
    require(
        code.is_none_or(is_snomed_ct),
        "labels.snomed_ct",
        &format!(
            "of `{name}` is \"{}\", which is not a SNOMED CT code (6 to 18 digits; the last checks the others): correct it, or delete the key",
            code.unwrap_or_default()
        ),
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
                "is \"{}\", expected a file name without a directory, such as model.onnx",
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
            &format!(
                "is for a method that the bundle does not offer: add [methods.{method}], or delete it"
            ),
        )?;
        let temperature = calibration.temperature;
        require(
            temperature.is_finite() && temperature > 0.0,
            &format!("{key}.temperature"),
            &format!("is {temperature}, expected a finite number above 0, such as 1.0"),
        )?;
        for (measure, range) in &calibration.ranges {
            accept(range.check(), &format!("{key}.ranges.{measure}"))?;
        }
        for policy in &calibration.policies {
            accept(policy.check(), &format!("{key}.policies"))?;
        }
        check_of_format_2(manifest, calibration, &key)?;
        if let Some(stopping) = &calibration.stopping {
            accept(stopping.check(), &format!("{key}.stopping"))?;
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
        "has `default_policy` or `prediction_sets`, which format 1 does not know: write `format = 2`",
    )?;
    if let Some(name) = &calibration.default_policy {
        let policy = calibration
            .policies
            .iter()
            .find(|policy| policy.name == *name);
        let any_abnormal = manifest.labels.iter().any(|label| label.abnormal);
        require(
            policy.is_some_and(|policy| !any_abnormal || policy.may_be_default()),
            &format!("{key}.default_policy"),
            &format!(
                "is \"{name}\", expected the name of one of `{key}.policies` that is certified and accepts only cells called normal: name another policy, or delete the key"
            ),
        )?;
    }
    for sets in &calibration.prediction_sets {
        accept(
            sets.check(&manifest.labels),
            &format!("{key}.prediction_sets"),
        )?;
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
        "needs a trunk with `statistics` and `statistic_count`: add both to [trunk], or delete the section",
    )?;
    require(
        unlike.refer_below > 0.0 && unlike.refer_below < 1.0,
        "out_of_distribution.refer_below",
        &format!(
            "is {}, expected a number greater than 0 and less than 1, such as 0.01",
            unlike.refer_below
        ),
    )
}
