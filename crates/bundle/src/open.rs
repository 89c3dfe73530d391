//! Opening a model directory: everything that can be verified without a runtime.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use prost::Message;
use sha2::{Digest, Sha256};

use super::{
    BundleError, FileReference, Manifest, Precision, Trunk, onnx::ModelProto, validate::validate,
};
use uncertainty::ood::OodModel;

/// The oldest operator set that is accepted; ONNX Runtime promises nothing for older ones.
const OLDEST_OPSET: i64 = 7;

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
    /// Reads `directory/bundle.toml` and verifies it and every file that it names.
    ///
    /// # Errors
    /// The first thing that is wrong, as one sentence.
    pub fn open(directory: &Path) -> Result<Self, BundleError> {
        let path = directory.join("bundle.toml");
        let bytes = read(&path)?;
        let text = String::from_utf8_lossy(&bytes);
        let manifest: Manifest = toml::from_str(&text).map_err(|error| BundleError::Manifest {
            path: path.clone(),
            reason: one_line(&error, &text),
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

    /// Every sub-directory of `models` that holds a `bundle.toml`, in the order of their names.
    ///
    /// # Errors
    /// When there is none.
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

    /// Opens all [`Self::directories`] of `models`.
    ///
    /// # Errors
    /// When there is none, when one is wrong, or when two have the same name.
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

    /// What `bundle.toml` says.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of `bundle.toml`, which itself holds the digests of all files: 64 lower-case hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What images of training look like, when the bundle says.
    pub fn out_of_distribution(&self) -> Option<&OodModel> {
        self.out_of_distribution.as_deref()
    }

    /// The same bundle, whose trunk is run in these numbers; `None` where it has no such trunk.
    pub fn with_trunk_precision(mut self, precision: Precision) -> Option<Self> {
        self.manifest.trunk.as_ref()?.file_of(precision)?;
        self.trunk_precision = precision;
        Some(self)
    }

    /// The numbers in which the trunk is run; `None` for a bundle without a trunk.
    pub fn trunk_precision(&self) -> Option<Precision> {
        self.manifest.trunk.as_ref().map(|_| self.trunk_precision)
    }

    /// The trunk that is run, of those that the manifest names.
    pub fn trunk_file(&self) -> Option<&FileReference> {
        self.manifest.trunk.as_ref()?.file_of(self.trunk_precision)
    }

    /// Where a file of the bundle lies.
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

/// The bytes of a file, when they are those that the manifest was written for.
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
    let model: OodModel = serde_json::from_slice(bytes).map_err(|error| {
        // The parser quotes names as they are in the file.
        let words: Vec<_> = error
            .to_string()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        words.join(" ")
    })?;
    model.check().map_err(|error| error.to_string())?;
    match model.statistic_count() {
        found if found == statistic_count => Ok(model),
        found => Err(format!(
            "it is for {found} statistics, the trunk has {statistic_count}: fit it again"
        )),
    }
}

fn verify_model(bytes: &[u8]) -> Result<(), String> {
    let model = ModelProto::decode(bytes).map_err(|error| error.to_string())?;
    let opset = model.opset();
    let graph = model.graph.filter(|graph| !graph.node.is_empty());
    let graph = graph.ok_or("it has no graph")?;
    graph.check_whole()?;
    match opset {
        None => Err("it names no operator set".to_owned()),
        Some(version) if version < OLDEST_OPSET => Err(format!(
            "its operator set {version} is older than {OLDEST_OPSET}: export it again with a newer one"
        )),
        Some(_) => Ok(()),
    }
}

/// A parser's message without the drawing around it, with the line that it is about.
fn one_line(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().replace('\n', " ");
    match error.span() {
        Some(span) => {
            let line = 1 + text
                .bytes()
                .take(span.start)
                .filter(|byte| *byte == b'\n')
                .count();
            format!("line {line}: {message}")
        }
        None => message,
    }
}
