//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Compare the running server with a bare loop over the same ONNX sessions
#[derive(Clone, Debug, Parser)]
pub(crate) struct Options {
    /// Rounds; figures are medians over them
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Only these parts, separated by commas [default: all]
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<BenchPart>,
    /// Seconds of one measurement
    #[arg(long, default_value_t = 1.0)]
    pub seconds: f64,
    /// Seconds of the long overload in which memory is measured
    #[arg(long, default_value_t = 30.0)]
    pub overload_seconds: f64,
    /// Number of a GPU, to measure the server on it (`make runtime-cuda` fetches the library)
    #[arg(long)]
    pub gpu: Option<i32>,
    /// Folder of CRIC's fields, for one field and for the test cells of early stopping
    #[arg(long, default_value = "../shared/data/cric")]
    pub data: PathBuf,
    /// Folder for the results
    #[arg(long, default_value = "work/bench")]
    pub out: PathBuf,
}

/// The parts of the benchmark, each with a table of its own, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchPart {
    /// The cost of the load generator itself
    Generator,
    /// Every method at 1, 8, 32 and 128 clients, against the bare loop
    Limit,
    /// Start to first answer, and memory
    Start,
    /// Three times as many requests as the server can answer
    Overload,
    /// A single upload beside a large job
    Fairness,
    /// How soon the machine is free when clients disconnect
    Cancellation,
    /// A field with a hundred nuclei, and its first line
    Field,
    /// Test-time augmentation with early stopping, and whether it decides as all views do
    Stopping,
    /// With `--gpu`: whether answers from a GPU equal those of the processor, and repeat
    GpuAnswers,
    /// With `--gpu`: every method, against the processor
    GpuMethods,
    /// With `--gpu`: workers and batch sizes, against a bare loop
    GpuLayouts,
}

impl Options {
    /// Rounds of measurements of single requests, which noise disturbs more than a second of load.
    pub(crate) fn rounds_of_one_request(&self) -> usize {
        3 * self.rounds
    }

    /// Whether a part runs.
    pub(crate) fn wants(&self, part: BenchPart) -> bool {
        let on_gpu = matches!(
            part,
            BenchPart::GpuAnswers | BenchPart::GpuMethods | BenchPart::GpuLayouts
        );
        let runs_unasked = self.only.is_empty() && (!on_gpu || self.gpu.is_some());
        runs_unasked || self.only.contains(&part)
    }
}
