//! `secondlook predict`: the server's answers for files, without a server.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use futures_util::{StreamExt, stream};
use tokio::runtime::Builder;
use ulid::Ulid;

use super::{
    StartFailure,
    files::{self, Found},
    options::ConfigFile,
    output::{AnswerOutput, OutputFormat},
    say::{complain, progress_bar},
    start,
};
use crate::{
    api::{
        answer::{AnswerOptions, PredictionAnswer, prediction_answer},
        query::SetConfidence,
    },
    config::{Config, LogConfig, Overrides},
    telemetry,
};
use bundle::Method;
use engine::{Engine, Priority, RequestOptions, RequestPlan};

/// Images in flight: enough to keep every worker busy, few enough to bound memory.
const IN_FLIGHT: usize = 16;

#[derive(Clone, Debug, Args)]
pub(super) struct PredictOptions {
    /// Image files, or folders that are searched for images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// The method that makes the answer [default: the model's first]
    #[arg(long)]
    method: Option<Method>,
    /// A further method; repeat it for more
    #[arg(long, value_name = "METHOD")]
    compare: Vec<Method>,
    /// Number of samples, for the methods that draw them
    #[arg(long)]
    passes: Option<u32>,
    /// Seed of every random choice [default: derived from the image's bytes]
    #[arg(long)]
    seed: Option<u64>,
    /// Name of the referral policy [default: the method's certified policy that accepts only cells called normal]
    #[arg(long)]
    policy: Option<String>,
    /// Take every augmented view, even when fewer settle the decision
    #[arg(long)]
    exact: bool,
    /// Name of the model
    #[arg(long)]
    model: Option<String>,
    /// Directory with one bundle per sub-directory [default: models, or
    /// /usr/share/secondlook/models]
    #[arg(long, value_name = "DIRECTORY")]
    models: Option<PathBuf>,
    /// A JSON object per line, or a table for people
    #[arg(long, value_enum, default_value_t = OutputFormat::Json)]
    format: OutputFormat,
    /// Write the samples too (JSON only)
    #[arg(long)]
    samples: bool,
    #[command(flatten)]
    file: ConfigFile,
}

pub(super) fn run(options: PredictOptions) -> Result<ExitCode, StartFailure> {
    let overrides = Overrides {
        file: options.file.config.clone(),
        models: options.models.clone(),
        listen: None,
    };
    let config = Config::load(&overrides)?;
    // Kept until the end: dropping it writes what waits.
    let _log = telemetry::log::start(&LogConfig {
        filter: "warn,ort=error".to_owned(),
        ..config.log.clone()
    })?;
    let images = files::images(&options.images);
    if images.is_empty() {
        return Err("there is no image in these folders".into());
    }
    let engine = start::engine(&config)?;
    let run = PredictRun {
        plan: engine.plan(options.asked())?,
        engine,
        format: options.format,
        with_samples: options.samples,
        max_image_bytes: config.limits.max_image_bytes,
    };
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run.answer_all(images))
}

impl PredictOptions {
    /// In the engine's words.
    fn asked(&self) -> RequestOptions {
        RequestOptions {
            model: self.model.clone(),
            method: self.method,
            compare: self.compare.clone(),
            passes: self.passes,
            seed: self.seed,
            policy: self.policy.clone(),
            exact: self.exact,
            priority: Priority::Bulk,
            ..RequestOptions::default()
        }
    }
}

struct PredictRun {
    engine: Engine,
    plan: RequestPlan,
    format: OutputFormat,
    with_samples: bool,
    max_image_bytes: usize,
}

impl PredictRun {
    /// Answers in the order of the files; a file that fails is named on standard error and the others go on.
    async fn answer_all(&self, images: Vec<Found>) -> Result<ExitCode, StartFailure> {
        let bar = progress_bar(images.len());
        let mut output = AnswerOutput::new(self.format);
        let mut outcome = ExitCode::SUCCESS;
        let answers = stream::iter(images).map(|found| self.answer_found(found));
        let mut answers = std::pin::pin!(answers.buffered(IN_FLIGHT));
        while let Some((path, answer)) = answers.next().await {
            let file = path.to_string_lossy();
            match answer {
                Ok(answer) => match bar.suspend(|| output.write(&file, &answer)) {
                    // Whoever reads has seen enough: `| head`.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(outcome),
                    written => written?,
                },
                Err(reason) => {
                    bar.suspend(|| complain(format!("{file}: {reason}")));
                    outcome = ExitCode::FAILURE;
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        output.finish()?;
        Ok(outcome)
    }

    async fn answer_found(&self, found: Found) -> (PathBuf, Result<PredictionAnswer, String>) {
        match found {
            Ok(path) => {
                let answer = self.answer(&path).await;
                (path, answer)
            }
            Err((path, error)) => (path, Err(error.to_string())),
        }
    }

    async fn answer(&self, path: &Path) -> Result<PredictionAnswer, String> {
        let image = self.read(path)?;
        // Nobody else is waiting, so a full queue is only a matter of time.
        let predicted = self.engine.predict_patiently(&self.plan, image.into());
        let prediction = predicted.await.map_err(|error| error.to_string())?;
        let options = AnswerOptions {
            request_id: Ulid::new().to_string(),
            accession: None,
            with_samples: self.with_samples,
            exact: self.plan.options().exact,
            confidence: SetConfidence::default().value(),
        };
        Ok(prediction_answer(&prediction, &options))
    }

    /// The size is looked at first: a folder may hold anything.
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let explain = |error: io::Error| error.to_string();
        let bytes = fs::metadata(path).map_err(explain)?.len();
        if usize::try_from(bytes).map_or(true, |bytes| bytes > self.max_image_bytes) {
            return Err(format!(
                "the image has {bytes} bytes and at most {} are accepted",
                self.max_image_bytes
            ));
        }
        fs::read(path).map_err(explain)
    }
}
