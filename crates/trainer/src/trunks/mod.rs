//! Trunks: graphs from an image to features, and statistics of a middle layer as a second output.
//!
//! Any image classifier in ONNX format can become a trunk. The files come from anywhere, so ONNX
//! Runtime checks each of them: [`import`] finds where to [`cut`], takes the part before it out of
//! the [`source`], compares both and writes the trunk and its description ([`file`](mod@file)).
//! Heads are not part of this module.

pub(crate) mod batch;
pub(crate) mod check;
pub(crate) mod cut;
pub(crate) mod features;
pub(crate) mod file;
pub(crate) mod import;
pub(crate) mod part;
pub(crate) mod source;
pub(crate) mod statistics;

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use ort::{session::Session, value::TensorRef};
use prost::Message;

use crate::{TrainingError, plain};
use engine::{ExecutionProvider, Runtime, SessionError, SessionOptions};

const OPTIONS: SessionOptions<'static> = SessionOptions {
    providers: &[ExecutionProvider::Cpu],
    intra_threads: 1,
    spinning: false,
    keep_dropout: false,
};

/// A graph of f32 tensors, run on one thread, of which one output is read.
pub struct OnnxGraph {
    session: Session,
    output: String,
}

/// A named input: its shape and its values in row-major order.
pub(crate) type NamedInput<'a> = (&'a str, Vec<i64>, &'a [f32]);

impl OnnxGraph {
    /// Loads a model file; `output` is the output to read.
    ///
    /// # Errors
    /// [`TrainingError::Runtime`] if the runtime refuses the file.
    pub fn open(runtime: &Runtime, model: &Path, output: &str) -> Result<Self, TrainingError> {
        let session = runtime.session(model, &OPTIONS);
        Self::of_session(session, &model.display().to_string(), output)
    }

    /// Loads a graph from memory.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of_model(
        runtime: &Runtime,
        model: &impl Message,
        output: &str,
    ) -> Result<Self, TrainingError> {
        let model = model.encode_to_vec();
        let session = runtime.session_from_memory(&model, output, &OPTIONS);
        Self::of_session(session, &format!("the graph up to `{output}`"), output)
    }

    fn of_session(
        session: Result<Session, SessionError>,
        what: &str,
        output: &str,
    ) -> Result<Self, TrainingError> {
        Ok(Self {
            session: session.map_err(|error| not_loaded(what, &error))?,
            output: output.to_owned(),
        })
    }

    /// Runs the graph and returns the output's values in row-major order.
    ///
    /// # Errors
    /// [`TrainingError::Runtime`] if a name or a shape is wrong.
    pub fn run(&mut self, inputs: &[NamedInput<'_>]) -> Result<Vec<f32>, TrainingError> {
        Ok(self.run_with_shape(inputs)?.1)
    }

    /// Runs the graph and returns the output's shape and its values in row-major order.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_with_shape(
        &mut self,
        inputs: &[NamedInput<'_>],
    ) -> Result<(Vec<i64>, Vec<f32>), TrainingError> {
        let mut tensors = Vec::with_capacity(inputs.len());
        for (name, shape, values) in inputs {
            let tensor = TensorRef::from_array_view((shape.clone(), *values))
                .map_err(|error| not_run(&error))?;
            tensors.push((*name, tensor));
        }
        let name = &self.output;
        let outputs = self.session.run(tensors).map_err(|error| not_run(&error))?;
        let no_output = || {
            TrainingError::Runtime(format!(
                "expected an output `{name}` of the graph, found none"
            ))
        };
        let output = outputs.get(name).ok_or_else(no_output)?;
        let (shape, values) = output
            .try_extract_tensor::<f32>()
            .map_err(|error| not_run(&error))?;
        Ok((shape.to_vec(), values.to_vec()))
    }
}

/// The same graph for several threads: each takes a free session or opens another.
pub(crate) struct GraphPool<'a> {
    runtime: &'a Runtime,
    model: &'a Path,
    output: &'a str,
    free: Mutex<Vec<OnnxGraph>>,
}

impl<'a> GraphPool<'a> {
    /// For a model file and one of its outputs. Opens nothing yet.
    pub(crate) fn new(runtime: &'a Runtime, model: &'a Path, output: &'a str) -> Self {
        Self {
            runtime,
            model,
            output,
            free: Mutex::default(),
        }
    }

    /// Runs the graph as [`OnnxGraph::run`].
    ///
    /// # Errors
    /// [`TrainingError::Runtime`] if the runtime refuses the file, or a name or a shape is wrong.
    pub(crate) fn run(&self, inputs: &[NamedInput<'_>]) -> Result<Vec<f32>, TrainingError> {
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = free().pop();
        let mut graph = match taken {
            Some(graph) => graph,
            None => OnnxGraph::open(self.runtime, self.model, self.output)?,
        };
        let values = graph.run(inputs);
        free().push(graph);
        values
    }
}

fn not_loaded(what: &str, error: &SessionError) -> TrainingError {
    TrainingError::Runtime(match error {
        SessionError::Model { reason, .. } => format!(
            "{what}: ONNX Runtime cannot load the model{}; check it with `onnx.checker` and export it \
             again",
            plain::node_of(reason)
        ),
        other => format!("{what}: {other}"),
    })
}

fn not_run(error: &ort::Error) -> TrainingError {
    let reason = match error.code() {
        ort::ErrorCode::InvalidArgument => "the name, type or shape of an input does not fit",
        ort::ErrorCode::NotImplemented => "it does not support an operator",
        _ => "the computation failed",
    };
    let node = plain::node_of(error.message());
    TrainingError::Runtime(format!("ONNX Runtime cannot run the graph{node}: {reason}"))
}
