//! Opens a model directory and verifies everything that needs no runtime.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use prost::Message;
use sha2::{Digest, Sha256};

use super::{
    BundleError, FileReference, Manifest, Precision, Trunk,
    onnx::ModelProto,
    plain::{json_error, toml_error},
    validate::validate,
};
use uncertainty::ood::OodModel;

/// The oldest accepted operator set. ONNX Runtime does not guarantee support for older ones.
const OLDEST_OPSET: i64 = 7;

const NOT_ONNX: &str = "it is not an ONNX file, or a part of it is missing: export it again";

/// A model directory whose manifest and files have been verified.
#[derive(Clone, Debug)]
pub struct Bundle {
    directory: PathBuf,
    manifest: Manifest,
    digest: String,
    out_of_distribution: Option<Arc<OodModel>>,
    trunk_precision: Precision,
}

impl Bundle {
    /// Reads `directory/bundle.toml`, and verifies it and every file that it names.
    ///
    /// # Errors
    /// [`BundleError`] for the first problem found.
    pub fn open(directory: &Path) -> Result<Self, BundleError> {
        let path = directory.join("bundle.toml");
        let bytes = read(&path)?;
        let text = String::from_utf8_lossy(&bytes);
        let manifest: Manifest = toml::from_str(&text).map_err(|error| BundleError::Manifest {
            path: path.clone(),
            reason: toml_error(&error, &text),
        })?;
        validate(&manifest, &path)?;
        for file in manifest.graphs() {
            verify_graph(directory, file)?;
        }
        Ok(Self {
            out_of_distribution: read_out_of_distribution(directory, &manifest)?.map(Arc::new),
            directory: directory.to_owned(),
            manifest,
            digest: sha256_hex(&bytes),
            trunk_precision: Precision::Float32,
        })
    }

    /// Every subdirectory of `models` that contains a `bundle.toml`, ordered by name.
    ///
    /// # Errors
    /// [`BundleError::None`] if there is none, [`BundleError::Unreadable`] if `models` cannot be
    /// read.
    pub fn directories(models: &Path) -> Result<BTreeSet<PathBuf>, BundleError> {
        let unreadable = |source| BundleError::Unreadable {
            path: models.to_owned(),
            source,
        };
        let mut directories = BTreeSet::new();
        for entry in fs::read_dir(models).map_err(unreadable)? {
            let directory = entry.map_err(unreadable)?.path();
            if directory.join("bundle.toml").is_file() {
                directories.insert(directory);
            }
        }
        if directories.is_empty() {
            return Err(BundleError::None {
                path: models.to_owned(),
            });
        }
        Ok(directories)
    }

    /// Opens all bundles in [`Self::directories`] of `models`.
    ///
    /// # Errors
    /// When there is no bundle, when one is not valid, or when two have the same name.
    pub fn open_all(models: &Path) -> Result<Vec<Self>, BundleError> {
        let bundles: Vec<Self> = Self::directories(models)?
            .iter()
            .map(|directory| Self::open(directory))
            .collect::<Result<_, _>>()?;
        let mut names = BTreeSet::new();
        match bundles
            .iter()
            .find(|bundle| !names.insert(&bundle.manifest.name))
        {
            Some(twin) => Err(BundleError::DuplicateName {
                name: twin.manifest.name.clone(),
            }),
            None => Ok(bundles),
        }
    }

    /// The contents of `bundle.toml`.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of `bundle.toml`, which contains the digests of all files: 64 lower-case hexadecimal
    /// digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The out-of-distribution model; `None` if the bundle has none.
    pub fn out_of_distribution(&self) -> Option<&OodModel> {
        self.out_of_distribution.as_deref()
    }

    /// The same bundle with the trunk of this precision; `None` if it has no such trunk.
    pub fn with_trunk_precision(mut self, precision: Precision) -> Option<Self> {
        self.manifest.trunk.as_ref()?.file_of(precision)?;
        self.trunk_precision = precision;
        Some(self)
    }

    /// The precision of the trunk that runs; `None` for a bundle without a trunk.
    pub fn trunk_precision(&self) -> Option<Precision> {
        self.manifest.trunk.as_ref().map(|_| self.trunk_precision)
    }

    /// The file of the trunk that runs; `None` for a bundle without a trunk.
    pub fn trunk_file(&self) -> Option<&FileReference> {
        self.manifest.trunk.as_ref()?.file_of(self.trunk_precision)
    }

    /// The path of a file of the bundle.
    pub fn path_of(&self, file: &FileReference) -> PathBuf {
        self.directory.join(&file.name)
    }
}

/// SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Two lower-case hexadecimal digits per byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, BundleError> {
    fs::read(path).map_err(|source| BundleError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// Reads a file and compares its SHA-256 with the manifest's.
fn read_verified(path: &Path, file: &FileReference) -> Result<Vec<u8>, BundleError> {
    let bytes = read(path)?;
    let found = sha256_hex(&bytes);
    if found != file.sha256 {
        return Err(BundleError::Digest {
            path: path.to_owned(),
            found,
            expected: file.sha256.clone(),
        });
    }
    Ok(bytes)
}

fn verify_graph(directory: &Path, file: &FileReference) -> Result<(), BundleError> {
    let path = directory.join(&file.name);
    let bytes = read_verified(&path, file)?;
    verify_model(&bytes).map_err(|reason| BundleError::Model { path, reason })
}

fn read_out_of_distribution(
    directory: &Path,
    manifest: &Manifest,
) -> Result<Option<OodModel>, BundleError> {
    let Some(unlike) = &manifest.out_of_distribution else {
        return Ok(None);
    };
    let path = directory.join(&unlike.file.name);
    let bytes = read_verified(&path, &unlike.file)?;
    let statistics = manifest.trunk.as_ref().and_then(Trunk::statistics);
    let count = statistics.map_or(0, |(_, count)| count);
    match parse_out_of_distribution(&bytes, count) {
        Ok(model) => Ok(Some(model)),
        Err(reason) => Err(BundleError::OutOfDistribution { path, reason }),
    }
}

fn parse_out_of_distribution(bytes: &[u8], statistic_count: usize) -> Result<OodModel, String> {
    let model: OodModel = serde_json::from_slice(bytes).map_err(|error| json_error(&error))?;
    model.check().map_err(|error| error.to_string())?;
    match model.statistic_count() {
        found if found == statistic_count => Ok(model),
        found => Err(format!(
            "it is for {found} statistics, but the trunk has {statistic_count}: fit it again"
        )),
    }
}

fn verify_model(bytes: &[u8]) -> Result<(), String> {
    let model = ModelProto::decode(bytes).map_err(|_| NOT_ONNX)?;
    let opset = model.opset();
    let graph = model.graph.filter(|graph| !graph.node.is_empty());
    let graph = graph.ok_or("it contains no graph: export it again")?;
    graph.check_whole()?;
    match opset {
        None => {
            Err("it names no operator set: export it again, for example with opset 17".to_owned())
        }
        Some(version) if version < OLDEST_OPSET => Err(format!(
            "its operator set is {version}, expected {OLDEST_OPSET} or newer: export it again, for example with opset 17"
        )),
        Some(_) => Ok(()),
    }
}
