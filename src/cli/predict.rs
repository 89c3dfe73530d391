//! `secondlook predict`: the answers of the server for files, without a server.

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
    options::{ConfigFile, whole_number},
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
    /// Image files, or folders to search for images
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Method: baseline, mc_dropout, ensemble or tta [default: the model's first]
    #[arg(long, value_name = "METHOD")]
    method: Option<Method>,
    /// A further method to compare with; repeat the option for several
    #[arg(long, value_name = "METHOD")]
    compare: Vec<Method>,
    /// Number of samples, for mc_dropout and tta [default: the model's]
    #[arg(long, value_name = "NUMBER", value_parser = whole_number::<u32>)]
    passes: Option<u32>,
    /// Seed of every random choice [default: derived from the image's bytes]
    #[arg(long, value_name = "NUMBER", value_parser = whole_number::<u64>)]
    seed: Option<u64>,
    /// Referral policy [default: the method's certified policy that accepts only cells called
    /// normal]
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Run every augmented view, even if fewer settle the decision
    #[arg(long)]
    exact: bool,
    /// Name of the model [default: `models.default` of the configuration]
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Directory with one bundle per sub-directory [default: `models.directory` of the
    /// configuration, else models, else /usr/share/secondlook/models]
    #[arg(long, value_name = "DIRECTORY")]
    models: Option<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value_t = OutputFormat::Json)]
    format: OutputFormat,
    /// Include the class probabilities of every sample (JSON only)
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
    // Kept until the end: dropping it writes the lines that wait.
    let _log = telemetry::log::start(&LogConfig {
        filter: "warn,ort=error".to_owned(),
        ..config.log.clone()
    })?;
    let images = files::images(&options.images);
    if images.is_empty() {
        return Err(files::NO_IMAGE.into());
    }
    let engine = start::engine(&config)?;
    let run = PredictRun {
        plan: engine.plan(options.request())?,
        engine,
        format: options.format,
        with_samples: options.samples,
        max_image_bytes: config.limits.max_image_bytes,
    };
    let runtime = start::threads(&mut Builder::new_multi_thread())?;
    runtime.block_on(run.answer_all(images))
}

impl PredictOptions {
    /// As the engine takes them.
    fn request(&self) -> RequestOptions {
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
    /// Writes answers in the order of the files. A file that fails is named on standard error, and
    /// the others continue.
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
                    // The reader has closed its end, as `| head` does.
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
        // No other client uses this engine, so a full queue only means waiting.
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

    /// Checks the size before it reads: a folder may hold files of any size.
    fn read(&self, path: &Path) -> Result<Vec<u8>, String> {
        let explain = |error: io::Error| error.to_string();
        let bytes = fs::metadata(path).map_err(explain)?.len();
        if usize::try_from(bytes).map_or(true, |bytes| bytes > self.max_image_bytes) {
            return Err(format!(
                "the image has {bytes} bytes, at most {} are accepted (`limits.max_image_bytes`)",
                self.max_image_bytes
            ));
        }
        fs::read(path).map_err(explain)
    }
}
