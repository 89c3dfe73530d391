//! Trunks: graphs from an image to features, what they say of views, and statistics of a middle layer as a second output.
//!
//! Any image classifier given as ONNX becomes a trunk. Such files come from anywhere, so nothing of them is believed before
//! ONNX Runtime has run it: [`import`] finds where to [`cut`], takes the part before it out of the [`source`], compares the
//! two and writes the trunk beside a description of what it wants to see ([`file`](mod@file)). Does not enter: heads.

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

use crate::TrainingError;
use engine::{ExecutionProvider, Runtime, SessionError, SessionOptions};

const OPTIONS: SessionOptions<'static> = SessionOptions {
    providers: &[ExecutionProvider::Cpu],
    intra_threads: 1,
    spinning: false,
    keep_dropout: false,
};

/// A graph of f32 tensors with one output that matters, on one thread.
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
    /// [`TrainingError::Runtime`] when the runtime refuses the file.
    pub fn open(runtime: &Runtime, model: &Path, output: &str) -> Result<Self, TrainingError> {
        Self::of_session(runtime.session(model, &OPTIONS), output)
    }

    /// Loads a graph that is in memory.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn of_model(
        runtime: &Runtime,
        model: &impl Message,
        output: &str,
    ) -> Result<Self, TrainingError> {
        let model = model.encode_to_vec();
        Self::of_session(
            runtime.session_from_memory(&model, output, &OPTIONS),
            output,
        )
    }

    fn of_session(
        session: Result<Session, SessionError>,
        output: &str,
    ) -> Result<Self, TrainingError> {
        Ok(Self {
            session: session.map_err(explain)?,
            output: output.to_owned(),
        })
    }

    /// Runs the graph and returns the output's values in row-major order.
    ///
    /// # Errors
    /// [`TrainingError::Runtime`] when a name or a shape is wrong.
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
            let tensor = TensorRef::from_array_view((shape.clone(), *values)).map_err(explain)?;
            tensors.push((*name, tensor));
        }
        let name = &self.output;
        let outputs = self.session.run(tensors).map_err(explain)?;
        let no_output = || TrainingError::Runtime(format!("the graph has no output `{name}`"));
        let output = outputs.get(name).ok_or_else(no_output)?;
        let (shape, values) = output.try_extract_tensor::<f32>().map_err(explain)?;
        Ok((shape.to_vec(), values.to_vec()))
    }
}

/// The same graph for several threads at once: a session of its own for each, opened when a thread finds none that is free.
pub(crate) struct GraphPool<'a> {
    runtime: &'a Runtime,
    model: &'a Path,
    output: &'a str,
    free: Mutex<Vec<OnnxGraph>>,
}

impl<'a> GraphPool<'a> {
    /// Of a model file, whose output `output` is read. Nothing is opened yet.
    pub(crate) fn new(runtime: &'a Runtime, model: &'a Path, output: &'a str) -> Self {
        Self {
            runtime,
            model,
            output,
            free: Mutex::default(),
        }
    }

    /// As [`OnnxGraph::run`].
    ///
    /// # Errors
    /// [`TrainingError::Runtime`] when the runtime refuses the file, or a name or a shape is wrong.
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

fn explain(error: impl std::fmt::Display) -> TrainingError {
    let words = error.to_string();
    TrainingError::Runtime(words.split_whitespace().collect::<Vec<_>>().join(" "))
}
