//! Writes the new bundle's directory.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{QuantisationReport, QuantiseError};
use bundle::{
    Agreement, Bundle, FileReference, Method, Precision, TrunkVariant, plain::json_error,
    sha256_hex,
};

/// Name of the report's file.
const REPORT: &str = "quantisation.json";

/// A partial directory that becomes the new bundle when it is complete. It is removed otherwise.
pub(super) struct Draft {
    partial: PathBuf,
    out: PathBuf,
}

impl Draft {
    /// Copies all files of a bundle.
    ///
    /// # Errors
    /// [`QuantiseError`] `Occupied` if `out` is not empty, `File` if a file cannot be copied.
    pub(super) fn copy_of(directory: &Path, out: &Path) -> Result<Self, QuantiseError> {
        let taken = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
        if taken || out.is_file() {
            return Err(QuantiseError::Occupied(out.to_owned()));
        }
        // Next to `out`, not inside it, even if the path ends with a slash.
        let mut partial = out.file_name().unwrap_or(out.as_os_str()).to_owned();
        partial.push(".partial");
        let draft = Self {
            partial: out.with_file_name(partial),
            out: out.to_owned(),
        };
        if draft.partial.is_dir() {
            // It is left from a run that was killed.
            fs::remove_dir_all(&draft.partial).map_err(QuantiseError::file(&draft.partial))?;
        }
        fs::create_dir_all(&draft.partial).map_err(QuantiseError::file(&draft.partial))?;
        for entry in fs::read_dir(directory).map_err(QuantiseError::file(directory))? {
            let from = entry.map_err(QuantiseError::file(directory))?.path();
            if let (true, Some(name)) = (from.is_file(), from.file_name()) {
                fs::copy(&from, draft.partial.join(name)).map_err(QuantiseError::file(&from))?;
            }
        }
        Ok(draft)
    }

    /// Writes a trunk and adds it to the manifest. Then opens and verifies the bundle.
    pub(super) fn add_trunk(
        &self,
        bundle: &Bundle,
        precision: Precision,
        model: &[u8],
        agreement: BTreeMap<Method, Agreement>,
    ) -> Result<Bundle, QuantiseError> {
        let name = format!("trunk.{precision}.onnx");
        self.write(&name, model)?;
        let mut manifest = bundle.manifest().clone();
        if let Some(trunk) = &mut manifest.trunk {
            let file = FileReference {
                name,
                sha256: sha256_hex(model),
            };
            let variant = TrunkVariant { file, agreement };
            trunk.variants.insert(precision, variant);
        }
        let path = self.partial.join("bundle.toml");
        let text = toml::to_string(&manifest)
            .map_err(|_| "the new manifest cannot be written as TOML")
            .map_err(QuantiseError::malformed(&path))?;
        self.write("bundle.toml", text.as_bytes())?;
        Ok(Bundle::open(&self.partial)?)
    }

    /// Adds the report to the file with those of other trunks.
    pub(super) fn add_report(&self, report: &QuantisationReport) -> Result<(), QuantiseError> {
        let path = self.partial.join(REPORT);
        let malformed = || QuantiseError::malformed(&path);
        let mut reports: BTreeMap<String, Value> = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| json_error(&error))
                .map_err(malformed())?,
            Err(_) => BTreeMap::new(),
        };
        let unwritable = |_: serde_json::Error| "the report cannot be written as JSON".to_owned();
        let value = serde_json::to_value(report)
            .map_err(unwritable)
            .map_err(malformed())?;
        reports.insert(report.precision.to_string(), value);
        let mut text = serde_json::to_string_pretty(&reports)
            .map_err(unwritable)
            .map_err(malformed())?;
        text.push('\n');
        self.write(REPORT, text.as_bytes())
    }

    /// Renames the directory to its final name.
    pub(super) fn finish(self) -> Result<(), QuantiseError> {
        fs::rename(&self.partial, &self.out).map_err(QuantiseError::file(&self.out))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), QuantiseError> {
        let path = self.partial.join(name);
        fs::write(&path, bytes).map_err(QuantiseError::file(&path))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After `finish` the directory no longer exists.
        drop(fs::remove_dir_all(&self.partial));
    }
}
