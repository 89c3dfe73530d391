//! What a running server takes: seconds from start to ready, and resident memory idle and after a load of every method.
//!
//! Part of `make bench`. Absolute figures of one machine, printed beside the limits that the project sets itself.

use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Instant,
};

use reqwest::Client;

const CLIENTS: usize = 32;
const REQUESTS_PER_CLIENT: usize = 8;
const CELL: &str = "examples/cells/hsil.png";

fn main() -> Result<(), Box<dyn Error>> {
    // The first start reads the files from the disk; the limit is for a warm one.
    drop(Server::start()?);
    let started = Instant::now();
    let server = Server::start()?;
    println!(
        "start to ready: {:.2} s (limit 2 s)",
        started.elapsed().as_secs_f64()
    );
    println!(
        "resident memory, idle: {} (limit 400 MB)",
        server.resident_memory()
    );
    let asynchronous = tokio::runtime::Runtime::new()?;
    for method in ["baseline", "mc_dropout", "ensemble", "tta"] {
        asynchronous.block_on(load(&server, method))?;
        println!(
            "resident memory after {CLIENTS} clients of {method}: {} (limit 400 MB)",
            server.resident_memory()
        );
    }
    Ok(())
}

/// Every client sends its requests one after the other.
async fn load(server: &Server, method: &str) -> Result<(), Box<dyn Error>> {
    let url = format!("{}/v1/predictions?method={method}", server.address);
    let (client, cell) = (Client::new(), fs::read(CELL)?);
    let requests = if method == "tta" {
        1
    } else {
        REQUESTS_PER_CLIENT
    };
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (client, cell, url) = (client.clone(), cell.clone(), url.clone());
            tokio::spawn(async move {
                for _ in 0..requests {
                    client
                        .post(&url)
                        .body(cell.clone())
                        .send()
                        .await?
                        .error_for_status()?;
                }
                Ok::<_, reqwest::Error>(())
            })
        })
        .collect();
    for client in clients {
        client.await??;
    }
    Ok(())
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start() -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_secondlook"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut ready = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut ready)?;
        }
        let address = ready
            .trim()
            .strip_prefix("secondlook is ready at ")
            .unwrap_or_default()
            .to_owned();
        let server = Self { child, address };
        if server.address.is_empty() {
            return Err("the server did not start: run `make run` to see why".into());
        }
        Ok(server)
    }

    /// Where the system tells it; Linux does.
    fn resident_memory(&self) -> String {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes =
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kilobytes.map_or_else(
            || "unknown".to_owned(),
            |kilobytes| format!("{} MB", kilobytes / 1000),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have stopped by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
