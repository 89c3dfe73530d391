//! ONNX Runtime: finds and loads its library, and opens sessions with explicit options.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use ort::{
    environment::Environment,
    ep::{self, ExecutionProviderDispatch, cuda::ConvAlgorithmSearch},
    logging::LogLevel,
    session::{
        Session,
        builder::{GraphOptimizationLevel, SessionBuilder},
    },
};

use crate::{RuntimeError, SessionError, config::ExecutionProvider, failure, installed::places};

/// Folder in which a system package installs the library.
const SYSTEM_FOLDER: &str = "/usr/lib/secondlook";

/// The loaded library, from which sessions are opened. It lives as long as the process.
pub struct Runtime {
    environment: Environment,
    library: PathBuf,
}

/// Options of a session.
#[derive(Clone, Debug)]
pub struct SessionOptions<'a> {
    /// Execution providers in order of preference. The first runs every node that it supports.
    pub providers: &'a [ExecutionProvider],
    /// Number of threads inside one operator.
    pub intra_threads: usize,
    /// Whether threads spin between the operators of a run. It is faster, and it takes the cores
    /// from other work.
    pub spinning: bool,
    /// Whether to keep Dropout nodes, which ONNX Runtime's optimiser removes even when they are
    /// active.
    pub keep_dropout: bool,
}

impl Runtime {
    /// Loads the library, once in a process. The search order: the file that `ORT_DYLIB_PATH`
    /// names, `configured`, the folder `runtime/` at each of [`places`], `/usr/lib/secondlook`.
    ///
    /// # Errors
    /// When no library is found, or the one that is found does not load.
    pub fn load(configured: Option<&Path>) -> Result<Self, RuntimeError> {
        let library = find_library(configured)?;
        let unusable = |reason: String| RuntimeError::Unusable {
            path: library.clone(),
            reason: failure::of_library(&reason),
        };
        let builder = ort::init_from(&library).map_err(|error| unusable(error.to_string()))?;
        let environment = builder
            .with_name("secondlook")
            .build()
            .map_err(|error| unusable(error.to_string()))?;
        Ok(Self {
            environment,
            library,
        })
    }

    /// The library's file.
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// The environment, for sessions with other options than the server's, as in benchmarks.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Opens a session on a model file.
    ///
    /// # Errors
    /// [`SessionError`] if an execution provider does not load, or if the runtime cannot open the
    /// model.
    pub fn session(
        &self,
        model: &Path,
        options: &SessionOptions<'_>,
    ) -> Result<Session, SessionError> {
        let refused = refused(model);
        let mut builder = self.builder(options, &refused)?;
        builder.commit_from_file(model).map_err(refused)
    }

    /// Opens a session on a model in memory. Errors use `name` for its file.
    ///
    /// # Errors
    /// As [`Self::session`].
    pub fn session_from_memory(
        &self,
        model: &[u8],
        name: &str,
        options: &SessionOptions<'_>,
    ) -> Result<Session, SessionError> {
        let refused = refused(Path::new(name));
        let mut builder = self.builder(options, &refused)?;
        builder.commit_from_memory(model).map_err(refused)
    }

    /// Optimises a model as a session with these options would, and writes the result in the
    /// runtime's own format. The result is only for this machine, because weights are laid out for
    /// its processor.
    pub(crate) fn write_optimised(
        &self,
        model: &Path,
        to: &Path,
        options: &SessionOptions<'_>,
    ) -> Result<(), SessionError> {
        let refused = refused(model);
        let write = |builder: SessionBuilder| -> Result<(), ort::Error> {
            let builder = builder
                .with_optimized_model_path(to)?
                .with_config_entry("session.save_model_format", "ORT")?;
            // The runtime would warn that the file is only for this machine.
            let mut builder = builder.with_log_level(LogLevel::Error)?;
            builder.commit_from_file(model).map(drop)
        };
        write(self.builder(options, &refused)?).map_err(refused)
    }

    /// Opens a session on the bytes of a model that [`Self::write_optimised`] wrote. Nothing is
    /// copied: the session points into the bytes, so the caller must keep them as long as the
    /// session.
    pub(crate) fn session_over(
        &self,
        optimised: &Arc<[u8]>,
        name: &Path,
        options: &SessionOptions<'_>,
    ) -> Result<Session, SessionError> {
        let refused = refused(name);
        let open = |builder: SessionBuilder| -> Result<Session, ort::Error> {
            builder
                .with_optimization_level(GraphOptimizationLevel::Disable)?
                .with_config_entry("session.load_model_format", "ORT")?
                .with_config_entry("session.use_ort_model_bytes_directly", "1")?
                .with_config_entry("session.use_ort_model_bytes_for_initializers", "1")?
                .commit_from_memory(optimised)
        };
        open(self.builder(options, &refused)?).map_err(refused)
    }

    fn builder(
        &self,
        options: &SessionOptions<'_>,
        refused: impl Fn(ort::Error) -> SessionError,
    ) -> Result<SessionBuilder, SessionError> {
        let mut builder = self.plain_builder(options).map_err(refused)?;
        for provider in options.providers {
            builder = builder
                .with_execution_providers([dispatch(*provider)])
                .map_err(|error| SessionError::Provider {
                    provider: *provider,
                    reason: failure::of_provider(&error.to_string()),
                })?;
        }
        Ok(builder)
    }

    fn plain_builder(&self, options: &SessionOptions<'_>) -> Result<SessionBuilder, ort::Error> {
        let builder = Session::builder(&self.environment)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(options.intra_threads)?
            .with_inter_threads(1)?
            .with_intra_op_spinning(options.spinning)?
            // Threads sleep when the run ends, instead of spinning until the next one.
            .with_config_entry("session.force_spinning_stop", "1")?;
        if options.keep_dropout {
            return Ok(builder.with_disabled_optimizers("EliminateDropout")?);
        }
        Ok(builder)
    }
}

fn refused(model: &Path) -> impl Fn(ort::Error) -> SessionError {
    move |error| SessionError::Model {
        path: model.to_owned(),
        reason: failure::of_model(&error.to_string()),
    }
}

/// A configured provider that does not load is an error. There is no silent fallback to the CPU.
fn dispatch(provider: ExecutionProvider) -> ExecutionProviderDispatch {
    match provider {
        // An arena keeps memory pages between runs; without it every run has to fault them in.
        ExecutionProvider::Cpu => ep::CPU::default()
            .with_arena_allocator(true)
            .build()
            .error_on_failure(),
        // Exhaustive search costs up to a second for each batch size.
        ExecutionProvider::Cuda(device) => ep::CUDA::default()
            .with_device_id(device)
            .with_conv_algorithm_search(ConvAlgorithmSearch::Heuristic)
            // TF32 rounds factors to 10 bits, but policies were certified with full 32-bit floats.
            .with_tf32(false)
            .build()
            .error_on_failure(),
    }
}

fn find_library(configured: Option<&Path>) -> Result<PathBuf, RuntimeError> {
    let from_environment = env::var_os("ORT_DYLIB_PATH")
        .filter(|path| !path.is_empty())
        .map(|path| ("ORT_DYLIB_PATH", PathBuf::from(path)));
    let named =
        from_environment.or_else(|| configured.map(|path| ("`runtime.library`", path.to_owned())));
    if let Some((named_by, path)) = named {
        // The loader takes a relative path as relative to the program; people mean the working
        // directory.
        return path
            .canonicalize()
            .map_err(|_| RuntimeError::Absent { named_by, path });
    }
    let searched = places("runtime", SYSTEM_FOLDER);
    let found = searched.iter().find_map(|folder| newest_library(folder));
    found.ok_or(RuntimeError::NotFound { searched })
}

/// The last library of a folder by name, as an absolute path.
fn newest_library(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let libraries = entries
        .map(|entry| entry.path())
        .filter(|path| is_library(path));
    libraries.max()?.canonicalize().ok()
}

fn is_library(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("libonnxruntime.") || name == "onnxruntime.dll"
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::LazyLock;

    use super::Runtime;

    /// The runtime that `make runtime` puts into the repository. A process can load it only once.
    pub(crate) fn runtime() -> &'static Runtime {
        static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
            testkit::enter_repository();
            Runtime::load(None).unwrap()
        });
        &RUNTIME
    }
}
