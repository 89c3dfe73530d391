//! Writing a bundle: trunk, heads, calibration and the manifest that names them all.

use std::{collections::BTreeMap, path::Path, process::Command};

use indicatif::ProgressBar;
use prost::Message;

use crate::training::{
    CellScores, Grouping, HeadWeights, Part, Recipe, Study, TrainingError,
    calibration::calibrate::calibrate,
    calibration::held_out::{
        CALIBRATION_FOLD, HEAD_METHODS, PASSES, augmented_features, augmented_scores, head_scores,
    },
    heads::graphs::{FEATURES, LOGITS, baseline_graph, ensemble_graph, mc_dropout_graph},
    workspace::{read_bytes, write_bytes},
};
use crate::{
    bundle::{
        Baseline, Bundle, Calibration, Ensemble, FORMAT, FileReference, Generator, Head, Manifest,
        McDropout, Method, Methods, Sampling, Scores, Training, Trunk, Tta, onnx::ModelProto,
        sha256_hex,
    },
    engine::Runtime,
    imaging::augment::AugmentPolicy,
};

/// Attribution of the training data, as its licence asks for.
pub const DATA: &str = "CRIC Cervix collection (Rezende et al., \"CRIC searchable image database as a public platform for \
                        conventional Pap smear cytology data\", Scientific Data 2021), CC BY 4.0";

/// The heads that a bundle holds, all with the calibration fold held out.
pub struct BundleHeads {
    /// One head per method with heads of its own.
    pub of_method: BTreeMap<Method, HeadWeights>,
}

impl BundleHeads {
    /// Reads the trained heads.
    ///
    /// # Errors
    /// [`TrainingError::Missing`] when a method was not trained.
    pub fn read(study: &Study) -> Result<Self, TrainingError> {
        let read = |method: Method| Ok((method, study.heads(method, CALIBRATION_FOLD)?));
        let of_method: Result<_, TrainingError> = HEAD_METHODS.into_iter().map(read).collect();
        Ok(Self {
            of_method: of_method?,
        })
    }

    fn get(&self, method: Method) -> Result<&HeadWeights, TrainingError> {
        let missing = || TrainingError::Missing {
            what: format!("the {method} head"),
            command: "train".to_owned(),
        };
        self.of_method.get(&method).ok_or_else(missing)
    }

    /// Scores of every method for the cells of one part; test-time augmentation computes its views here.
    ///
    /// # Errors
    /// See [`augmented_features`].
    pub fn scores(
        &self,
        study: &Study,
        runtime: &Runtime,
        part: Part,
        progress: &ProgressBar,
    ) -> Result<BTreeMap<Method, CellScores>, TrainingError> {
        let rows = study.rows_in(part);
        let mut scores = BTreeMap::new();
        for (method, heads) in &self.of_method {
            scores.insert(*method, head_scores(study, *method, heads, &rows)?);
        }
        let augmented = augmented_features(study, runtime, &rows, PASSES, progress)?;
        let baseline = self.get(Method::Baseline)?;
        scores.insert(
            Method::Tta,
            augmented_scores(baseline, &augmented, rows.len()),
        );
        Ok(scores)
    }

    /// Temperatures and ranges of every method, from the calibration fold.
    ///
    /// # Errors
    /// See [`Self::scores`].
    pub fn calibrations(
        &self,
        study: &Study,
        runtime: &Runtime,
        progress: &ProgressBar,
    ) -> Result<BTreeMap<Method, Calibration>, TrainingError> {
        let part = Part::Fold(CALIBRATION_FOLD);
        let rows = study.rows_in(part);
        let (labels, images) = (study.labels(&rows), study.image_count(&rows));
        let scores = self.scores(study, runtime, part, progress)?;
        let calibrated = |(method, scores): (Method, CellScores)| {
            Ok((method, calibrate(&scores, &labels, images)?))
        };
        scores.into_iter().map(calibrated).collect()
    }
}

/// Writes a bundle into `directory` and opens it again as the server would.
///
/// # Errors
/// When a method was not trained, a file cannot be written, or what was written is no bundle.
pub fn export(
    study: &Study,
    runtime: &Runtime,
    directory: &Path,
    progress: &ProgressBar,
) -> Result<Bundle, TrainingError> {
    let heads = BundleHeads::read(study)?;
    let calibration = heads.calibrations(study, runtime, progress)?;
    let trunk = write_file(directory, "trunk.onnx", &read_bytes(&study.trunk.path)?)?;
    let manifest = Manifest {
        format: FORMAT,
        name: bundle_name(directory)?,
        version: "1".to_owned(),
        licence: "CC-BY-4.0 AND Apache-2.0".to_owned(),
        description: description(study.grouping),
        training: provenance(study),
        input: study.input.clone(),
        labels: study.grouping.labels(),
        trunk: Some(Trunk {
            file: trunk,
            input: study.trunk.input.clone(),
            features: study.trunk.features.clone(),
            feature_count: study.trunk.dimension,
        }),
        methods: write_heads(study, &heads, directory)?,
        calibration,
    };
    let path = directory.join("bundle.toml");
    let text = toml::to_string(&manifest).map_err(TrainingError::malformed(&path))?;
    write_bytes(&path, text.as_bytes())?;
    Ok(Bundle::open(directory)?)
}

fn write_heads(
    study: &Study,
    heads: &BundleHeads,
    directory: &Path,
) -> Result<Methods, TrainingError> {
    let recipe = Recipe::compact(Method::McDropout)?;
    let masks = recipe.masks(study.trunk.dimension);
    let ensemble = heads.get(Method::Ensemble)?;
    let write = |name: &str, graph: ModelProto| {
        let file = write_file(directory, name, &graph.encode_to_vec())?;
        Ok::<Head, TrainingError>(Head {
            file,
            input: FEATURES.to_owned(),
            output: LOGITS.to_owned(),
            scores: Scores::Logits,
        })
    };
    Ok(Methods {
        baseline: Some(Baseline {
            head: write(
                "baseline.onnx",
                baseline_graph(heads.get(Method::Baseline)?),
            )?,
        }),
        mc_dropout: Some(McDropout {
            head: write(
                "mc_dropout.onnx",
                mc_dropout_graph(heads.get(Method::McDropout)?, &masks),
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
            passes: PASSES,
            policy: AugmentPolicy::paper(),
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

fn bundle_name(directory: &Path) -> Result<String, TrainingError> {
    let name = directory
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let nameless =
        || TrainingError::Impossible(format!("{} has no name for a bundle", directory.display()));
    name.ok_or_else(nameless)
}

fn description(grouping: Grouping) -> String {
    format!(
        "Heads on a frozen EfficientNet-Lite0 that tell {} apart in conventional Pap smears; a research model, not for \
         diagnosis.",
        grouping.names().join(", ")
    )
}

fn provenance(study: &Study) -> Training {
    let rows = study.training_rows(CALIBRATION_FOLD);
    Training {
        data: DATA.to_owned(),
        commit: revision(),
        seed: study.seed,
        cells: rows.len(),
        images: study.image_count(&rows),
    }
}

/// The revision of the working tree, where there is one.
fn revision() -> String {
    let output = Command::new("git").args(["rev-parse", "HEAD"]).output();
    let revision = output.ok().filter(|output| output.status.success());
    let text = revision.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|| "unknown".to_owned())
}
