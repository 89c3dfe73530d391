//! The machine on which the figures were measured.

use std::{collections::BTreeMap, fs, process::Command};

pub(crate) use engine::available_cores as cores;

const UNKNOWN: &str = "unknown";

type Description = BTreeMap<&'static str, String>;

/// Processor, cores, memory, system and revision, as far as they are known.
pub(crate) fn describe() -> Description {
    let mut machine = BTreeMap::from([
        ("processor", value_in("/proc/cpuinfo", "model name")),
        ("cores", cores().to_string()),
        ("vector instructions", vector_instructions()),
        ("memory", value_in("/proc/meminfo", "MemTotal")),
        ("system", answer_of("uname", &["-srm"])),
        (
            "revision",
            answer_of("git", &["describe", "--always", "--dirty"]),
        ),
    ]);
    let gpu = answer_of(
        "nvidia-smi",
        &["--query-gpu=name,driver_version", "--format=csv,noheader"],
    );
    if gpu != UNKNOWN {
        machine.insert("gpu", gpu);
    }
    machine
}

/// All of it in one line.
pub(crate) fn in_words(machine: &Description) -> String {
    let parts: Vec<_> = machine
        .iter()
        .map(|(key, value)| format!("{key}: {value}"))
        .collect();
    parts.join("; ")
}

fn value_in(file: &str, key: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(key));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or_else(|| UNKNOWN.to_owned(), |(_, value)| value.trim().to_owned())
}

fn vector_instructions() -> String {
    let flags = value_in("/proc/cpuinfo", "flags");
    let has = |flag: &&str| flags.split_whitespace().any(|known| known == *flag);
    let known = ["avx2", "avx512f", "avx512_vnni", "amx_tile"];
    known.into_iter().filter(has).collect::<Vec<_>>().join(" ")
}

fn answer_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}
