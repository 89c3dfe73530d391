//! Checks of the runtime, of the execution providers, and of every bundle with a trial run.

use std::{fs, io, path::Path};

use prost::Message;

use super::finding::{DoctorFinding, Status, Verdict, note, ok, problem};
use crate::{cli::start, config::Config};
use bundle::{
    Bundle, BundleError,
    onnx::{Axis::Free, GraphProto, model, node, tensor_info},
};
use engine::{Runtime, SessionOptions, check_bundle};

pub(super) fn findings(config: &Config) -> Vec<DoctorFinding> {
    let loaded = Runtime::load(config.runtime.library());
    let verdict = match &loaded {
        Ok(runtime) => ok(format!(
            "ONNX Runtime{} at {}",
            version_of(runtime.library()),
            runtime.library().display()
        )),
        Err(error) => problem(error),
    };
    let mut findings = vec![DoctorFinding::new("runtime", verdict)];
    let mut usable = loaded.as_ref().ok();
    if let Some(runtime) = usable {
        let verdict = provider(config, runtime);
        usable = usable.filter(|_| verdict.0 == Status::Ok);
        findings.push(DoctorFinding::new("provider", verdict));
    }
    findings.extend(bundles(config, usable));
    findings
}

/// The version in the library's name, such as `libonnxruntime.so.1.31.1`.
fn version_of(library: &Path) -> String {
    let name = library.file_name().unwrap_or_default().to_string_lossy();
    let version = name.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let version = version.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    match version {
        "" => String::new(),
        version => format!(" {version}"),
    }
}

/// Opens a graph of one node, so that a provider that does not load is not reported as a broken
/// bundle.
fn provider(config: &Config, runtime: &Runtime) -> Verdict {
    let providers = &config.engine.execution_providers;
    let graph = GraphProto {
        name: "trial".to_owned(),
        node: vec![node("Identity", &["x"], "y")],
        initializer: Vec::new(),
        input: vec![tensor_info("x", &[Free("n")])],
        output: vec![tensor_info("y", &[Free("n")])],
        ..GraphProto::default()
    };
    let options = SessionOptions {
        providers,
        spinning: false,
        intra_threads: 1,
        keep_dropout: false,
    };
    let names: Vec<_> = providers.iter().map(ToString::to_string).collect();
    match runtime.session_from_memory(&model(graph).encode_to_vec(), "a trial graph", &options) {
        Ok(_) => ok(format!("{} works", names.join(", "))),
        Err(error) => problem(error),
    }
}

fn bundles(config: &Config, runtime: Option<&Runtime>) -> Vec<DoctorFinding> {
    const CHECK: &str = "models";
    let models = match start::models_directory(&config.models) {
        Ok(models) => models,
        Err(error) => return vec![DoctorFinding::new(CHECK, problem(error))],
    };
    let directories = match Bundle::directories(&models) {
        Ok(directories) => directories,
        Err(error) => return vec![DoctorFinding::new(CHECK, problem(explained(&error)))],
    };
    let verdicts = directories
        .iter()
        .map(|directory| bundle(config, runtime, directory));
    let findings = verdicts.map(|verdict| DoctorFinding::new("bundle", verdict));
    let mut findings: Vec<DoctorFinding> = findings.collect();
    if findings
        .iter()
        .any(|finding| finding.status == Status::Problem)
    {
        return findings;
    }
    // What concerns all bundles together: two with the same name, a default that does not exist.
    if let Err(error) = start::bundles(config) {
        findings.push(DoctorFinding::new(CHECK, problem(error)));
    }
    findings
}

fn bundle(config: &Config, runtime: Option<&Runtime>, directory: &Path) -> Verdict {
    let bundle = match Bundle::open(directory) {
        Ok(bundle) => bundle,
        Err(error) => return problem(explained(&error)),
    };
    let manifest = bundle.manifest();
    let name = format!(
        "{} {}, sha256 {}",
        manifest.name,
        manifest.version,
        bundle.digest()
    );
    let Some(runtime) = runtime else {
        return note(format!(
            "{name}: the files are sound; there was no trial run, because the runtime is not usable"
        ));
    };
    match check_bundle(&config.engine, runtime, &bundle) {
        Ok(()) => ok(format!("{name}: every method answered five test images")),
        Err(error) => problem(error),
    }
}

/// The error, with the user's id if permissions are the cause.
fn explained(error: &BundleError) -> String {
    let BundleError::Unreadable { source, .. } = error else {
        return error.to_string();
    };
    match (source.kind(), user()) {
        (io::ErrorKind::PermissionDenied, Some(user)) => {
            format!("{error}: make it readable for the user with id {user}, who runs this program")
        }
        _ => error.to_string(),
    }
}

/// The id of the user who runs this program.
fn user() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;

    fs::metadata("/proc/self").ok().map(|process| process.uid())
}
