//! `secondlook doctor`: what is found and what is missing, before or instead of a start.
//!
//! Every check is tried, whatever the ones before it found, and says on one line what there is or what to do.

mod finding;
mod machine;
mod models;

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use self::finding::{DoctorFinding, Status};
use super::{StartFailure, options::ServeOptions, say::tell};
use crate::{config::Config, telemetry};

#[derive(Clone, Debug, Args)]
pub(super) struct DoctorOptions {
    #[command(flatten)]
    serve: ServeOptions,
    /// Print JSON instead of lines
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct DoctorReport {
    ok: bool,
    findings: Vec<DoctorFinding>,
}

pub(super) fn run(options: &DoctorOptions) -> Result<ExitCode, StartFailure> {
    let (config, mut findings) = configuration(&options.serve);
    findings.extend(machine::findings(&config));
    findings.extend(models::findings(&config));
    let report = DoctorReport {
        ok: findings
            .iter()
            .all(|finding| finding.status != Status::Problem),
        findings,
    };
    if options.json {
        tell(serde_json::to_string_pretty(&report)? + "\n")?;
    } else {
        for finding in &report.findings {
            tell(format!("{finding}\n"))?;
        }
    }
    Ok(if report.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

/// Without a usable configuration the rest is checked with the defaults.
fn configuration(options: &ServeOptions) -> (Config, Vec<DoctorFinding>) {
    const CHECK: &str = "configuration";
    let config = match options.load() {
        Ok(config) => config,
        Err(error) => {
            let says = format!("{error}; what follows is checked with the defaults");
            return (
                options.over_defaults(),
                vec![DoctorFinding::problem(CHECK, says)],
            );
        }
    };
    let finding = match telemetry::log::check(&config.log) {
        Ok(()) => DoctorFinding::ok(CHECK, "every key is known and every value possible"),
        Err(error) => DoctorFinding::problem(CHECK, error.to_string()),
    };
    (config, vec![finding])
}
