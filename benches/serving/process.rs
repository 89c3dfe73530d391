//! CPU time and memory of a process, from `/proc` (Linux).

use std::fs;

use crate::BenchResult;

/// `USER_HZ`, the unit of times in `/proc`; 100 on every Linux that this project runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds, user and system, of all threads so far, including ended ones.
pub(crate) fn cpu_seconds(id: u32) -> BenchResult<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name in parentheses may hold spaces; the fields after it are numbered from 3.
    let (_, fields) = stat
        .rsplit_once(')')
        .ok_or("an unknown form of /proc/PID/stat")?;
    let ticks = |field: usize| {
        fields
            .split_whitespace()
            .nth(field - 3)?
            .parse::<f64>()
            .ok()
    };
    let (user, system) = (ticks(14), ticks(15));
    let ticks = user.zip(system).map(|(user, system)| user + system);
    Ok(ticks.ok_or("no CPU times in /proc/PID/stat")? / TICKS_PER_SECOND)
}

/// CPU seconds of the running threads, to the nanosecond.
pub(crate) fn cpu_seconds_of_threads(id: u32) -> BenchResult<f64> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{id}/task"))? {
        // A thread may end while the others are read.
        let Ok(stat) = fs::read_to_string(thread?.path().join("schedstat")) else {
            continue;
        };
        let on_cpu = stat.split_whitespace().next();
        nanoseconds += on_cpu
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(0);
    }
    Ok(nanoseconds as f64 * 1e-9)
}

/// Resident memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResidentMemory {
    /// Now, in megabytes (10⁶ bytes).
    pub now_mb: f64,
    /// The most so far.
    pub most_mb: f64,
}

/// Resident memory of a process, including the pages of its libraries.
pub(crate) fn memory(id: u32) -> BenchResult<ResidentMemory> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let megabytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        number.map(|kibibytes| kibibytes * 1024.0 / 1e6)
    };
    let (now, most) = (megabytes("VmRSS:"), megabytes("VmHWM:"));
    let (now_mb, most_mb) = now.zip(most).ok_or("no memory in /proc/PID/status")?;
    Ok(ResidentMemory { now_mb, most_mb })
}
