//! Errors of the runtime, of the start, and of requests.

use std::{path::PathBuf, time::Duration};

use bundle::{BundleError, Method, Precision, plain::io_error};
use imaging::ImageError;
use uncertainty::{SamplesError, calibration::TemperatureError, ood::OodError};

use crate::{config::ExecutionProvider, failure, installed::listed};

/// Why the engine gave no answer. All messages may be shown to clients, except those inside
/// [`EngineError::Runtime`].
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The upload cannot be decoded.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// No loaded bundle has this name.
    #[error("unknown model `{name}`: choose one of the loaded models ({known})")]
    UnknownModel {
        /// The requested name.
        name: String,
        /// The names of the loaded bundles, separated by commas.
        known: String,
    },
    /// The bundle does not offer this method.
    #[error(
        "model `{model}` does not offer the method `{method}`: choose one of its methods ({offered})"
    )]
    UnsupportedMethod {
        /// The bundle's name.
        model: String,
        /// The requested method.
        method: Method,
        /// The offered methods, separated by commas.
        offered: String,
    },
    /// The number of passes is outside the range of the requested methods.
    #[error("`passes` = {passes} is not possible: {reason}")]
    InvalidPasses {
        /// The requested number.
        passes: u32,
        /// What is possible.
        reason: String,
    },
    /// The bundle has no such policy for this method.
    #[error("model `{model}` has no policy `{policy}` for the method `{method}`: {hint}")]
    UnknownPolicy {
        /// The bundle's name.
        model: String,
        /// The requested policy.
        policy: String,
        /// The method.
        method: Method,
        /// The policies that exist.
        hint: String,
    },
    /// The tensor cannot be a normalised image for this bundle.
    #[error("the tensor is not a normalised image for this model: {reason}")]
    Tensor {
        /// What differs.
        reason: String,
    },
    /// Test-time augmentation was requested for a tensor.
    #[error(
        "test-time augmentation needs an encoded image, and this request has a tensor: send the image, or choose another method"
    )]
    NoViewsOfTensor,
    /// The scale of a field cannot be compared with the bundle's.
    #[error("`{field}` cannot be used: {reason}")]
    Scale {
        /// The parameter.
        field: &'static str,
        /// Why, and what to do.
        reason: String,
    },
    /// The queue is full.
    #[error("the queue is full: try again later")]
    QueueFull {
        /// When to send the request again, estimated from the speed of the queue.
        retry_after: Duration,
    },
    /// The waiting work takes longer than the deadline leaves.
    #[error("the queue is too long to answer before the deadline")]
    NotInTime {
        /// When the waiting work will be done.
        retry_after: Duration,
    },
    /// The request itself takes longer than the deadline leaves, even with an empty queue.
    #[error("the answer takes about {:.1} seconds, longer than the deadline allows", needed.as_secs_f64())]
    DeadlineTooShort {
        /// Estimated duration of the request.
        needed: Duration,
    },
    /// The deadline passed while the request was in the queue.
    #[error("the deadline passed before the request's turn in the queue")]
    DeadlinePassed,
    /// The server is shutting down and accepts no new work.
    #[error("the server is shutting down: try another instance")]
    Draining,
    /// The runtime or the model failed. The details are for the log only.
    #[error("the model failed")]
    Runtime(#[from] RunError),
}

/// A failure of ONNX Runtime or of a model's outputs. It is logged, and never shown to clients.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// ONNX Runtime returned an error. Its message is in `source()`.
    #[error("{}", failure::of_run(&.0.to_string()))]
    Runtime(#[from] ort::Error),
    /// The model's output is not a set of class probabilities.
    #[error("model output: {0}")]
    Samples(#[from] SamplesError),
    /// The output's shape differs from the manifest.
    #[error("output `{output}` has the shape {shape:?}, expected {expected}")]
    Shape {
        /// The output's name.
        output: String,
        /// Its shape.
        shape: Vec<i64>,
        /// The shape by the manifest.
        expected: String,
    },
    /// The bundle has no graph for the method. Requests are checked before, so this is a bug.
    #[error("no head is loaded for method `{method}`")]
    NoHead {
        /// The method.
        method: Method,
    },
    /// The temperature of a calibration is not a finite number above 0.
    #[error("calibration: {0}")]
    Temperature(#[from] TemperatureError),
    /// The trunk's statistics, or their distance from the training cells, are not finite.
    #[error("statistics: {0}")]
    Statistics(#[from] OodError),
    /// The worker panicked on this job. It continues with the next one.
    #[error(
        "the work stopped because of a bug in this program: report the log line with `panicked`"
    )]
    Panicked,
    /// The worker stopped before it answered.
    #[error("the worker stopped before it answered")]
    WorkerGone,
    /// A background task panicked or was cancelled.
    #[error("a background task panicked or was cancelled")]
    Task(#[from] tokio::task::JoinError),
}

/// Why the engine cannot start: one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A bundle cannot be served.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A session cannot be opened.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A trial run of a bundle failed.
    #[error("bundle `{name}` failed its trial run: {source}")]
    Trial {
        /// The bundle's name.
        name: String,
        /// The failure.
        source: RunError,
    },
    /// A graph's inputs or outputs differ from the manifest, or its outputs are not usable.
    #[error("bundle `{name}`, {}: {problem}", file)]
    Graph {
        /// The bundle's name.
        name: String,
        /// Name of the file that has to change.
        file: String,
        /// What differs.
        problem: String,
    },
    /// Two stochastic passes gave identical results.
    #[error(
        "bundle `{name}`: two passes of `mc_dropout` with different random numbers came out identical, so its uncertainty would always be zero: export the graph with dropout active in inference, or with masks as inputs"
    )]
    NotStochastic {
        /// The bundle's name.
        name: String,
    },
    /// The configuration requires a trunk that the bundle does not have.
    #[error(
        "bundle `{name}` has no {precision} trunk: make one with `secondlook bundles quantise`, or set `engine.trunk_precision` to \"float32\" or \"auto\""
    )]
    NoSuchTrunk {
        /// The bundle's name.
        name: String,
        /// The required precision.
        precision: Precision,
    },
    /// Answers would depend on the load of the server.
    #[error(
        "bundle `{name}` gives different answers on one core and on several: set `engine.intra_threads`, for example to 1, so that all sessions have the same number of threads"
    )]
    ThreadsDiffer {
        /// The bundle's name.
        name: String,
    },
    /// There is no bundle to serve.
    #[error(
        "there is no bundle to serve: put a directory with a bundle.toml into the models directory"
    )]
    NoBundle,
    /// The operating system did not start a thread.
    #[error("a worker thread could not be started ({}): lower `engine.workers`", io_error(.0))]
    Thread(#[from] std::io::Error),
}

/// Why ONNX Runtime cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// `ORT_DYLIB_PATH` or the configuration names a file that does not exist.
    #[error("ONNX Runtime: {named_by} names {}, which does not exist: correct the path, or remove it and run `make runtime`", path.display())]
    Absent {
        /// What names the file: `ORT_DYLIB_PATH` or `runtime.library`.
        named_by: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// None of the folders that are searched holds a library.
    #[error(
        "ONNX Runtime was not found: no libonnxruntime in {}. In a clone, run `make runtime`; with a tarball or a package, install it again; or set ORT_DYLIB_PATH to the library's file",
        listed(searched)
    )]
    NotFound {
        /// The folders, in the order of the search.
        searched: Vec<PathBuf>,
    },
    /// The file is not a library of a version that works.
    #[error("{} is not a usable ONNX Runtime library ({reason}): run `make runtime`, install the package again, or correct ORT_DYLIB_PATH", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the loader says, on one line.
        reason: String,
    },
}

/// Why a session cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// A configured execution provider did not load.
    #[error(
        "execution provider `{provider}` did not load ({reason}): use a runtime library built for it, or remove it from `engine.execution_providers`"
    )]
    Provider {
        /// The provider.
        provider: ExecutionProvider,
        /// Why, on one line.
        reason: String,
    },
    /// The runtime cannot use the memory of the device.
    #[error(
        "ONNX Runtime cannot use the memory of the device: use `cpu` in `engine.execution_providers`, or a runtime library built for the device"
    )]
    Memory(#[source] ort::Error),
    /// The runtime cannot open the model.
    #[error("ONNX Runtime cannot open {}: {reason}", path.display())]
    Model {
        /// The model's file.
        path: PathBuf,
        /// Why, on one line.
        reason: String,
    },
}
