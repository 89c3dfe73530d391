//! `secondlook bundles quantise`.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use tokio::runtime::Builder;

use super::{
    StartFailure, files,
    options::ConfigFile,
    say::{progress_bar, tell},
    start,
};
use bundle::{Bundle, Method, Precision};
use engine::Runtime;
use quantise::{Quantisation, QuantisationReport, quantise, with_folder_labels, with_table_labels};

#[derive(Debug, Args)]
pub(super) struct QuantiseOptions {
    /// Directory of the bundle, with a bundle.toml
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Images of the kind that the model will see, or folders of them: they set the ranges for
    /// rounding
    #[arg(long, required = true, value_name = "IMAGE", num_args = 1..)]
    images: Vec<PathBuf>,
    /// Directory for the new bundle; it must not exist yet
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Numbers of the new trunk
    #[arg(long, value_enum, default_value_t = Numbers::Int8)]
    precision: Numbers,
    /// Images, or folders of them, to compare the answers on [default: those of --images]
    #[arg(long, value_name = "IMAGE", num_args = 1..)]
    compare_on: Vec<PathBuf>,
    /// CSV file with the columns `file` and `label` [default: an image's folder is its label]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// A method to compare; repeat the option for several [default: all of the bundle]
    #[arg(long)]
    method: Vec<Method>,
    /// Keep convolutions in 32-bit floats whose name starts like this; repeat the option for
    /// several
    #[arg(long, value_name = "NAME")]
    keep: Vec<String>,
    #[command(flatten)]
    file: ConfigFile,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Numbers {
    /// 8-bit integers, for processors
    Int8,
    /// 16-bit floats, for GPUs
    #[value(alias = "fp16")]
    Float16,
}

pub(super) fn run(options: &QuantiseOptions) -> Result<ExitCode, StartFailure> {
    let config = options.file.load()?;
    let bundle = Bundle::open(&options.directory)?;
    let runtime = Runtime::load(config.runtime.library())?;
    let range_images = found(&options.images)?;
    let compared = match options.compare_on.as_slice() {
        [] => range_images.clone(),
        others => found(others)?,
    };
    let images = match &options.labels {
        Some(table) => with_table_labels(&compared, bundle.manifest(), table)?,
        None => with_folder_labels(&compared, bundle.manifest()),
    };
    let work = Quantisation {
        directory: &options.directory,
        out: &options.out,
        precision: match options.precision {
            Numbers::Int8 => Precision::Int8,
            Numbers::Float16 => Precision::Float16,
        },
        kept: &options.keep,
        methods: &options.method,
        range_images: &range_images,
        images: &images,
        engine: &config.engine,
        limits: start::limits(&config),
        progress: &progress_bar(range_images.len() + images.len()),
    };
    let asynchronous = start::threads(&mut Builder::new_multi_thread())?;
    let report = asynchronous.block_on(quantise(&runtime, &bundle, &work))?;
    work.progress.finish_and_clear();
    tell(described(&report, &options.out.display().to_string()))?;
    Ok(ExitCode::SUCCESS)
}

/// All images of the arguments. One that cannot be read ends the command.
fn found(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, StartFailure> {
    let mut images = Vec::new();
    for image in files::images(arguments) {
        images.push(image.map_err(|(path, error)| format!("{}: {error}", path.display()))?);
    }
    if images.is_empty() {
        return Err(files::NO_IMAGE.into());
    }
    Ok(images)
}

fn described(report: &QuantisationReport, out: &str) -> String {
    let name = report.precision;
    let mut lines = vec![format!(
        "{out}: {} convolutions in {name}, {} in float32; ranges of {} images, answers of {}",
        report.convolutions, report.convolutions_in_float32, report.range_images, report.images
    )];
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    lines.push(format!(
        "trunk: {:.1} MB instead of {:.1}, {:.2} times as fast (one thread, {}, {} VNNI)",
        megabytes(report.bytes.quantised),
        megabytes(report.bytes.float32),
        report.speed.times_faster,
        report.execution_provider,
        if report.speed.vnni { "with" } else { "without" },
    ));
    lines.push(methods_table(report).to_string());
    if let Some(unlike) = &report.out_of_distribution {
        lines.push(format!(
            "p-values: largest difference {:.4}, mean {:.4}; referred as unlike {:.2}% instead of {:.2}%",
            unlike.largest_difference,
            unlike.mean_difference,
            100.0 * unlike.referred.quantised,
            100.0 * unlike.referred.float32,
        ));
    }
    let remarks = report
        .remarks
        .iter()
        .map(|remark| format!("note: {remark}"));
    lines.extend(remarks);
    lines.join("\n") + "\n"
}

fn methods_table(report: &QuantisationReport) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header([
        "method",
        "equal labels",
        "equal decisions",
        "accepted (float32)",
        "largest difference",
        "mean difference",
        "accuracy (float32)",
    ]);
    for (method, of) in &report.methods {
        let accuracy = of
            .accuracy
            .map(|of| format!("{:.4} ({:.4})", of.quantised, of.float32));
        table.add_row([
            method.to_string(),
            format!("{:.4}", of.agreement.equal_labels),
            format!("{:.4}", of.agreement.equal_decisions),
            format!("{:.4} ({:.4})", of.accepted.quantised, of.accepted.float32),
            format!("{:.4}", of.largest_difference),
            format!("{:.5}", of.mean_difference),
            accuracy.unwrap_or_else(|| "unknown".to_owned()),
        ]);
    }
    table
}
