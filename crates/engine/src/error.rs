//! What can go wrong: with the runtime, at the start, and between a request and its answer.

use std::{path::PathBuf, time::Duration};

use bundle::{BundleError, Method, Precision};
use imaging::ImageError;
use uncertainty::{SamplesError, calibration::TemperatureError, ood::OodError};

use crate::{config::ExecutionProvider, installed::listed};

/// Why the engine gave no answer. Every variant but [`EngineError::Runtime`] may be told to the client.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The upload is no image that we read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// No loaded bundle has this name.
    #[error("there is no model `{name}`: loaded are {known}")]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// The names that are loaded, for people.
        known: String,
    },
    /// The bundle does not offer this method.
    #[error("model `{model}` has no method `{method}`: it offers {offered}")]
    UnsupportedMethod {
        /// The bundle's name.
        model: String,
        /// The method asked for.
        method: Method,
        /// The methods that it offers, for people.
        offered: String,
    },
    /// The number of passes is impossible for the methods asked for.
    #[error("`passes` = {passes} is not possible: {reason}")]
    InvalidPasses {
        /// The number asked for.
        passes: u32,
        /// What would be possible.
        reason: String,
    },
    /// The bundle has no such referral policy for this method.
    #[error("model `{model}` has no policy `{policy}` for method `{method}`: {hint}")]
    UnknownPolicy {
        /// The bundle's name.
        model: String,
        /// The policy asked for.
        policy: String,
        /// The method that was to be judged by it.
        method: Method,
        /// What there is instead.
        hint: String,
    },
    /// The tensor is not one that the bundle's preparation of an image could have made.
    #[error("the tensor is no image as the model wants it: {reason}")]
    Tensor {
        /// What differs.
        reason: String,
    },
    /// Test-time augmentation was asked for on a tensor.
    #[error(
        "there are no augmented views of a tensor: send the encoded image, or choose another method"
    )]
    NoViewsOfTensor,
    /// The scale given for a field cannot be compared with the bundle's.
    #[error("`{field}` cannot be used: {reason}")]
    Scale {
        /// The parameter.
        field: &'static str,
        /// Why not, and what to do.
        reason: String,
    },
    /// Too much work is waiting already.
    #[error("too much work is waiting: try again later")]
    QueueFull {
        /// When to come back, estimated from how fast the queue drains.
        retry_after: Duration,
    },
    /// The work before it would not be done in time.
    #[error("too much work is waiting to answer before the deadline")]
    NotInTime {
        /// When the work that waits now will be done.
        retry_after: Duration,
    },
    /// The work itself takes longer than the deadline leaves, however little waits.
    #[error("the answer takes about {:.1} seconds, which is longer than the deadline leaves", needed.as_secs_f64())]
    DeadlineTooShort {
        /// What the passes take, estimated from how fast the queue drains.
        needed: Duration,
    },
    /// The deadline passed before the request's turn came.
    #[error("the deadline passed before the model was asked")]
    DeadlinePassed,
    /// The server is shutting down and takes no new work.
    #[error("the server is shutting down: try another instance")]
    Draining,
    /// The runtime or the model failed; the details are for the log only.
    #[error("the model could not answer")]
    Runtime(#[from] RunError),
}

/// A failure inside ONNX Runtime or of a model's outputs; logged, never shown to clients.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// ONNX Runtime returned an error.
    #[error("onnx runtime: {0}")]
    Runtime(#[from] ort::Error),
    /// The model's output is no set of class probabilities.
    #[error("model output: {0}")]
    Samples(#[from] SamplesError),
    /// The output's shape is not what the manifest promises.
    #[error("output `{output}` has shape {shape:?}, expected {expected}")]
    Shape {
        /// The output's name.
        output: String,
        /// Its shape.
        shape: Vec<i64>,
        /// What the manifest promises.
        expected: String,
    },
    /// The bundle has no graph for the method; requests are checked before, so this is a mistake of ours.
    #[error("no head is loaded for method `{method}`")]
    NoHead {
        /// The method.
        method: Method,
    },
    /// A calibration's temperature is no positive number.
    #[error("calibration: {0}")]
    Temperature(#[from] TemperatureError),
    /// The trunk's statistics, or their distance from those of training, are no finite numbers.
    #[error("statistics: {0}")]
    Statistics(#[from] OodError),
    /// The worker panicked on this job; it goes on with the next.
    #[error("the worker panicked")]
    Panicked,
    /// The worker went away before it answered.
    #[error("the worker stopped before it answered")]
    WorkerGone,
    /// A background task panicked or was cancelled.
    #[error("background task: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Why the engine could not start: one sentence that says what to do.
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
        /// What happened.
        source: RunError,
    },
    /// A graph's inputs or outputs are not what the manifest says, or its outputs are numbers that nothing can be answered by.
    #[error("bundle `{name}`, {}: {problem}", file)]
    Graph {
        /// The bundle's name.
        name: String,
        /// The name of the file that has to change.
        file: String,
        /// What differs.
        problem: String,
    },
    /// Two stochastic passes came out identical.
    #[error(
        "bundle `{name}`: two passes of `mc_dropout` with different draws came out identical, so its uncertainty would always be zero: export the graph with dropout active in inference, or with masks as inputs"
    )]
    NotStochastic {
        /// The bundle's name.
        name: String,
    },
    /// The configuration asks for a trunk that the bundle does not have.
    #[error(
        "bundle `{name}` has no {precision} trunk: make one with `secondlook bundles quantise`, or set `engine.trunk_precision` to \"float32\" or \"auto\""
    )]
    NoSuchTrunk {
        /// The bundle's name.
        name: String,
        /// The numbers in which its trunk should calculate.
        precision: Precision,
    },
    /// A lone request and one in a crowd would get different answers.
    #[error(
        "bundle `{name}` answers differently on one core and on several: set engine.intra_threads, so that all its sessions have the same number of threads"
    )]
    ThreadsDiffer {
        /// The bundle's name.
        name: String,
    },
    /// There was nothing to serve.
    #[error("no bundle was given to the engine")]
    NoBundle,
    /// The operating system refused a thread.
    #[error("a worker thread could not be started: {0}")]
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
    /// An execution provider that was asked for did not load.
    #[error(
        "execution provider `{provider}` did not load ({reason}): use a runtime library built for it, or take it out of `engine.execution_providers`"
    )]
    Provider {
        /// The provider.
        provider: ExecutionProvider,
        /// What the runtime says, on one line.
        reason: String,
    },
    /// The runtime does not know the memory of the device that models run on.
    #[error("features cannot be kept on the device: {0}")]
    Memory(#[source] ort::Error),
    /// The runtime refused the model.
    #[error("{} was refused by ONNX Runtime: {reason}", path.display())]
    Model {
        /// The model's file.
        path: PathBuf,
        /// What the runtime says, on one line.
        reason: String,
    },
}
