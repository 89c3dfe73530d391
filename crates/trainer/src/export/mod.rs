//! Writes a bundle: trunk, heads, calibration and manifest.
//!
//! Input: a model and its calibration. Output: a bundle that was opened again as the server opens
//! it and compared with the trainer's model.

pub(crate) mod graphs;
pub(crate) mod verify;

use std::{collections::BTreeMap, path::Path};

use clap::Args;
use prost::Message;

use self::graphs::{FEATURES, LOGITS, baseline_graph, ensemble_graph, mc_dropout_graph};
use crate::{
    TrainingError,
    calibrate::{Calibrated, REFER_BELOW, unlike::Unlike},
    error::ensure,
    fit::FoldModel,
    score::{PASSES, ServedViews},
    session::TrainingSession,
    study::Study,
    trunks::file::TrunkFile,
    workspace::{no_form, read_bytes, write_bytes},
};
use bundle::{
    BUNDLE_NAME, Baseline, Bundle, Ensemble, FORMAT, FileReference, Generator, Head, Manifest,
    McDropout, Method, Methods, OutOfDistribution, Sampling, Scores, Training, Trunk, Tta,
    is_bundle_name, onnx::ModelProto, sha256_hex,
};

/// Facts that a bundle states about itself: version, origin of the data and licence.
#[derive(Clone, Debug, Args)]
pub struct About {
    /// The data and their authors, as their licence wants them to be named; goes into the manifest
    /// and the model card
    #[arg(
        long = "about-data",
        default_value = "data that were not described",
        value_name = "TEXT"
    )]
    pub provenance: String,
    /// Licence of the data as an SPDX expression, for example CC-BY-4.0; it applies to the heads
    #[arg(
        long = "data-licence",
        default_value = "LicenseRef-not-stated",
        value_name = "SPDX"
    )]
    pub licence: String,
    /// Version of the bundle; raise it when a bundle of the same name gives other answers
    #[arg(long = "bundle-version", default_value = "1", value_name = "TEXT")]
    pub version: String,
}

/// Writes a bundle into `directory` and opens it again as the server does.
///
/// # Errors
/// If a method was not trained, a file cannot be written, or the result is not a valid bundle.
pub(crate) fn export(
    session: &TrainingSession,
    model: &FoldModel,
    calibrated: &Calibrated,
    views: &ServedViews,
    about: &About,
    directory: &Path,
) -> Result<Bundle, TrainingError> {
    let study = &session.study;
    let served = calibrated.unlike.as_ref();
    let trunk = served.map_or(&model.trunk, |unlike| &unlike.trunk);
    let statistics = served.map(|unlike| &unlike.statistics);
    let out_of_distribution = served
        .map(|unlike| write_unlike(unlike, directory))
        .transpose()?;
    let file = write_file(directory, "trunk.onnx", &read_bytes(&trunk.path)?)?;
    let manifest = Manifest {
        format: FORMAT,
        name: bundle_name(directory)?,
        version: about.version.clone(),
        licence: licence(about, trunk),
        description: description(study, model, trunk),
        training: provenance(session, model, about),
        input: study.input.clone(),
        labels: study.grouping.outputs.clone(),
        trunk: Some(Trunk {
            file,
            input: trunk.input.clone(),
            features: trunk.features.clone(),
            feature_count: trunk.dimension,
            statistics: statistics.map(|statistics| statistics.features.clone()),
            statistic_count: statistics.map(|statistics| statistics.dimension),
            variants: BTreeMap::new(),
        }),
        methods: write_heads(model, views, directory)?,
        out_of_distribution,
        calibration: calibrated.methods.clone(),
    };
    let path = directory.join("bundle.toml");
    let text = toml::to_string(&manifest).map_err(|_| no_form(&path, "TOML"))?;
    write_bytes(&path, text.as_bytes())?;
    Ok(Bundle::open(directory)?)
}

/// Writes the model of the out-of-distribution score.
fn write_unlike(unlike: &Unlike, directory: &Path) -> Result<OutOfDistribution, TrainingError> {
    let name = "out_of_distribution.json";
    let json = serde_json::to_vec(&unlike.model);
    let bytes = json.map_err(|_| no_form(&directory.join(name), "JSON"))?;
    Ok(OutOfDistribution {
        file: write_file(directory, name, &bytes)?,
        refer_below: REFER_BELOW,
        layer: unlike.layer.describe(unlike.statistics.dimension),
    })
}

fn write_heads(
    model: &FoldModel,
    views: &ServedViews,
    directory: &Path,
) -> Result<Methods, TrainingError> {
    let masks = model.masks.clone();
    let ensemble = model.head(Method::Ensemble)?;
    let write = |name: &str, graph: ModelProto| {
        let file = write_file(directory, name, &graph.encode_to_vec())?;
        Ok::<Head, TrainingError>(Head {
            file,
            input: FEATURES.to_owned(),
            output: LOGITS.to_owned(),
            scores: Scores::Logits,
        })
    };
    let own_tta = model.heads.get(&Method::Tta);
    let own_tta = own_tta.map(|head| write("tta.onnx", baseline_graph(head)));
    Ok(Methods {
        baseline: Some(Baseline {
            head: write(
                "baseline.onnx",
                baseline_graph(model.head(Method::Baseline)?),
            )?,
        }),
        mc_dropout: Some(McDropout {
            head: write(
                "mc_dropout.onnx",
                mc_dropout_graph(model.head(Method::McDropout)?, &masks),
            )?,
            passes: PASSES,
            sampling: Sampling::Masks {
                generator: Generator::Chacha8,
                masks,
            },
        }),
        ensemble: Some(Ensemble {
            head: write("ensemble.onnx", ensemble_graph(ensemble))?,
            members: ensemble.shape.members,
        }),
        tta: Some(Tta {
            passes: views.count,
            head: own_tta.transpose()?,
            policy: views.policy.clone(),
        }),
    })
}

fn write_file(directory: &Path, name: &str, bytes: &[u8]) -> Result<FileReference, TrainingError> {
    write_bytes(&directory.join(name), bytes)?;
    Ok(FileReference {
        name: name.to_owned(),
        sha256: sha256_hex(bytes),
    })
}

/// The name of a bundle, which is that of its directory.
///
/// # Errors
/// [`TrainingError::Impossible`] if it is not a valid name.
pub(crate) fn bundle_name(directory: &Path) -> Result<String, TrainingError> {
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    ensure!(
        is_bundle_name(&name),
        "the bundle gets the name of its folder, and `{name}` is not a valid name: end --out with \
         {BUNDLE_NAME}"
    );
    Ok(name.into_owned())
}

/// The licences of the data and of the trunk's weights; EfficientNet-Lite0's are Apache-2.0.
fn licence(about: &About, trunk: &TrunkFile) -> String {
    let weights = trunk.licence.as_deref().unwrap_or("Apache-2.0");
    format!("{} AND {}", as_operand(&about.licence), as_operand(weights))
}

/// An SPDX expression as an operand of AND, which binds more tightly than OR.
fn as_operand(expression: &str) -> String {
    let mut depth = 0_i32;
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let has_or = spaced.split_whitespace().any(|word| {
        depth += i32::from(word == "(") - i32::from(word == ")");
        depth == 0 && word == "OR"
    });
    match has_or {
        true => format!("({expression})"),
        false => expression.to_owned(),
    }
}

fn description(study: &Study, model: &FoldModel, trunk: &TrunkFile) -> String {
    let how = match model.fine_tuned {
        true => "fine-tuned",
        false => "frozen",
    };
    format!(
        "Heads on a {how} {} that tell {} apart; a research model, not for diagnosis.",
        trunk.name,
        study.grouping.names().join(", ")
    )
}

fn provenance(session: &TrainingSession, model: &FoldModel, about: &About) -> Training {
    let study = &session.study;
    let rows = study.training_rows(&model.held_out);
    Training {
        data: about.provenance.clone(),
        commit: session.revision.to_owned(),
        seed: study.seed,
        cells: rows.len(),
        images: study.image_count(&rows),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn invalid_bundle_name_is_refused() {
        assert_eq!(
            bundle_name(Path::new("models/my-cells/")).unwrap(),
            "my-cells"
        );
        let long = "a".repeat(65);
        for wrong in ["models/My_Cells", "models/..", "/", &long] {
            let refusal = bundle_name(Path::new(wrong)).unwrap_err().to_string();
            assert!(refusal.contains("--out"), "{refusal}");
        }
    }

    #[test]
    fn or_expression_gets_parentheses() {
        let joined = |expression: &str| as_operand(expression);
        assert_eq!(joined("CC-BY-4.0"), "CC-BY-4.0");
        assert_eq!(joined("MIT OR Apache-2.0"), "(MIT OR Apache-2.0)");
        assert_eq!(joined("(MIT OR Apache-2.0)"), "(MIT OR Apache-2.0)");
        assert_eq!(joined("(A OR B) AND (C OR D)"), "(A OR B) AND (C OR D)");
        assert_eq!(joined("(A OR B) OR C"), "((A OR B) OR C)");
    }
}
