//! The server under test: a process of its own, killed when its value is dropped.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::BenchResult;

pub(crate) struct RunningServer {
    child: Child,
    pub address: SocketAddr,
}

impl RunningServer {
    /// Starts it with its default settings, whatever the environment has.
    pub(crate) fn start() -> BenchResult<Self> {
        Self::start_with("[\"cpu\"]", (0, 0))
    }

    /// Starts it with these execution providers, workers and batch size (0 is the default).
    pub(crate) fn start_with(
        providers: &str,
        (workers, max_batch): (usize, usize),
    ) -> BenchResult<Self> {
        let mut command = Command::new(program()?);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SECONDLOOK_")) {
            command.env_remove(name);
        }
        command.env("SECONDLOOK_ENGINE__EXECUTION_PROVIDERS", providers);
        command.env("SECONDLOOK_ENGINE__WORKERS", workers.to_string());
        command.env("SECONDLOOK_ENGINE__MAX_BATCH", max_batch.to_string());
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let mut ready = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut ready)?;
        }
        let address = ready.trim().strip_prefix("secondlook is ready at http://");
        let address = address.and_then(|address| address.parse().ok());
        let address = address.ok_or("the server did not start: run `make run` to see why")?;
        Ok(Self { child, address })
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

/// The server that was built beside this program.
fn program() -> BenchResult<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("secondlook");
    if !program.exists() {
        return Err("no server beside the benchmark: run `make bench-serving`".into());
    }
    Ok(program)
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
