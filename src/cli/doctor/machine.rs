//! Checks of the machine: access, address, cores, memory, open files, temporary folder.

use std::{fs, io, net::TcpListener};

use super::finding::{DoctorFinding, Verdict, note, ok, problem};
use crate::{
    cli::start,
    config::{AccessConfig, Config},
};
use engine::{available_cores, workers};

/// The smallest number of open files and connections that a server needs.
const FEWEST_FILES: u64 = 1024;
/// Bytes per pixel of a decoded image: three, held twice while it is converted to RGB.
const BYTES_PER_PIXEL: u64 = 6;
const MEBIBYTE: u64 = 1 << 20;

pub(super) fn findings(config: &Config) -> Vec<DoctorFinding> {
    let found = [
        ("access", Some(access(config))),
        ("address", Some(address(config))),
        ("cores", Some(cores(config))),
        ("memory", memory(config)),
        ("open files", open_files()),
        ("temporary", Some(temporary_folder())),
    ];
    let found = found.into_iter();
    found
        .filter_map(|(check, verdict)| Some(DoctorFinding::new(check, verdict?)))
        .collect()
}

fn access(config: &Config) -> Verdict {
    let AccessConfig { open, keys, .. } = &config.access;
    if let Err(error) = config.access.check_exposure(config.listen) {
        return problem(error);
    }
    match (keys.len(), *open && !config.listen.ip().is_loopback()) {
        (0, true) => note(
            "every client that reaches the port may send requests without a key, because `access.open` is true",
        ),
        (0, false) => ok("no keys are needed, because only this machine can reach the port"),
        (1, _) => ok("1 API key is configured"),
        (count, _) => ok(format!("{count} API keys are configured")),
    }
}

fn address(config: &Config) -> Verdict {
    let listen = config.listen;
    let Err(error) = TcpListener::bind(listen) else {
        return ok(format!("{listen} is free"));
    };
    let says = match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "another program listens on {listen}: stop it, or set another port with --listen or the key `listen`"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "this user may not listen on {listen}: set a port of 1024 or above with --listen or the key `listen`"
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "this machine does not have the address {}: use one of its own, or 0.0.0.0 for all",
            listen.ip()
        ),
        _ => format!("cannot listen on {listen}: {error}"),
    };
    problem(says)
}

fn cores(config: &Config) -> Verdict {
    let (cores, workers) = (available_cores(), workers(&config.engine));
    let threads = workers.saturating_mul(config.engine.intra_threads.max(1));
    if threads > cores {
        return note(format!(
            "{workers} workers have {threads} threads for {cores} cores: set `engine.workers` and `engine.intra_threads` to 0"
        ));
    }
    ok(format!("{cores} cores for {workers} workers"))
}

/// Compares the available memory with two sums: the models and the largest allowed image in each
/// worker; and the same with everything that the limits let clients hold.
fn memory(config: &Config) -> Option<Verdict> {
    let available = available_memory()?;
    let picture = config.limits.max_pixels.saturating_mul(BYTES_PER_PIXEL);
    // The file's bytes, and the runtime's own copy.
    let directory = start::models_directory(&config.models).unwrap_or_default();
    let models = bytes_below(&directory).saturating_mul(2);
    let pictures = picture.saturating_mul(bytes(workers(&config.engine)));
    let least = models.saturating_add(pictures);
    let most = least.saturating_add(held_for_clients(config, picture));
    let sums = format!(
        "{} MiB are needed for the models and the largest allowed image in each worker, {} MiB if clients use all limits, {} MiB are available",
        least / MEBIBYTE,
        most / MEBIBYTE,
        available / MEBIBYTE
    );
    Some(if least > available {
        let advice = "lower `limits.max_pixels` or `engine.workers`, or add memory";
        problem(format!("{sums}: {advice}"))
    } else if most > available {
        let advice = "if you expect such uploads, lower `limits.max_pixels`, `limits.batches_at_once` or `limits.max_waiting_bytes`";
        note(format!("{sums}: {advice}"))
    } else {
        ok(sums)
    })
}

/// Bytes that clients can hold: for each batch or field an image, an upload and an answer; and the
/// images that wait.
fn held_for_clients(config: &Config, picture: u64) -> u64 {
    let limits = &config.limits;
    let turn = picture
        .saturating_add(bytes(limits.max_batch_bytes))
        .saturating_add(bytes(limits.max_answer_bytes));
    let turns = turn.saturating_mul(bytes(limits.batches_at_once));
    let waiting = bytes(limits.max_waiting_bytes);
    turns.saturating_add(waiting)
}

fn bytes(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// Bytes of all files of all bundles.
fn bytes_below(folder: &std::path::Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(size).fold(0, u64::saturating_add)
}

/// The memory that the system or the container still has; `None` if neither says.
fn available_memory() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    let system = kibibytes.saturating_mul(1024);
    Some(container_memory().map_or(system, |container| container.min(system)))
}

/// The memory that the container's limit leaves (cgroup v2).
fn container_memory() -> Option<u64> {
    let number = |file: &str| -> Option<u64> {
        let text = fs::read_to_string(format!("/sys/fs/cgroup/{file}")).ok()?;
        text.trim().parse().ok()
    };
    Some(number("memory.max")?.saturating_sub(number("memory.current")?))
}

fn open_files() -> Option<Verdict> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    let limit = line.split_whitespace().next()?;
    Some(match limit.parse::<u64>() {
        Ok(limit) if limit < FEWEST_FILES => problem(format!(
            "the limit of open files and connections is {limit}, the server needs {FEWEST_FILES} or more: raise it with `ulimit -n`, or with LimitNOFILE= in the systemd unit"
        )),
        _ => ok(format!(
            "the limit of open files and connections is {limit}"
        )),
    })
}

fn temporary_folder() -> Verdict {
    let folder = std::env::temp_dir();
    let written = tempfile::tempfile().and_then(|file| file.set_len(1));
    match written {
        Ok(()) => ok(format!("{} is writable", folder.display())),
        Err(error) => note(format!(
            "{} is not writable ({error}), so each worker holds its own copy of the weights: mount a folder there, or set TMPDIR",
            folder.display()
        )),
    }
}
