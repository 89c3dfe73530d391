//! `secondlook doctor`: checks configuration, machine, runtime and bundles.
//!
//! Every check runs, whatever the earlier ones found, and prints one line: what it found, or what
//! to do.

mod finding;
mod machine;
mod models;

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use self::finding::{DoctorFinding, Status, ok, problem};
use super::{StartFailure, say::tell};
use crate::{
    config::{Config, Overrides},
    telemetry,
};

#[derive(Clone, Debug, Args)]
pub(super) struct DoctorOptions {
    #[command(flatten)]
    serve: Overrides,
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

/// Loads the configuration. If it is not usable, the other checks use the defaults.
fn configuration(options: &Overrides) -> (Config, Vec<DoctorFinding>) {
    let (config, verdict) = match Config::load(options) {
        Ok(config) => {
            let verdict = match telemetry::log::check(&config.log) {
                Ok(()) => ok("all keys and values are valid"),
                Err(error) => problem(error),
            };
            (config, verdict)
        }
        Err(error) => {
            let mut config = Config::default();
            options.put_over(&mut config);
            let says = format!("{error}; the other checks use the defaults");
            (config, problem(says))
        }
    };
    (config, vec![DoctorFinding::new("configuration", verdict)])
}
