//! A server for one test, killed at its end.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Client, RequestBuilder, Response, StatusCode, header::CONTENT_TYPE};
use serde_json::Value;
use tempfile::TempDir;

/// The models of the tests. The first one is the default.
pub const MODELS: &str = "models";

/// A crop of a real cell.
pub const CELL: &str = "imaging/crop00.png";

/// The bytes of a fixture.
pub fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from("tests/fixtures").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The program, without arguments and without settings from the environment.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secondlook"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SECONDLOOK_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// The line of `/metrics` when the queue is empty.
const IDLE: &str = "secondlook_queue_depth 0";

pub struct Server {
    child: Child,
    address: String,
    log: PathBuf,
    pub client: Client,
    _directory: TempDir,
}

impl Server {
    /// The default bundle, two workers, and a queue with a long maximum wait.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same with settings such as `("LIMITS__MAX_PIXELS", "5")`.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        Self::of(Path::new(MODELS), settings)
    }

    /// Other models.
    pub fn of(models: &Path, settings: &[(&str, &str)]) -> Self {
        Self::launch("127.0.0.1:0", models, settings)
    }

    /// Another address.
    pub fn listening(address: &str, settings: &[(&str, &str)]) -> Self {
        Self::launch(address, Path::new(MODELS), settings)
    }

    /// With another standard error than a file. [`Server::log`] does not work then.
    pub fn with_stderr(stderr: impl Into<Stdio>, settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let place = ("127.0.0.1:0", Path::new(MODELS));
        Self::run(place, settings, stderr.into(), directory)
    }

    fn launch(address: &str, models: &Path, settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let log = File::create(directory.path().join("log")).unwrap();
        Self::run((address, models), settings, log.into(), directory)
    }

    fn run(
        (address, models): (&str, &Path),
        settings: &[(&str, &str)],
        stderr: Stdio,
        directory: TempDir,
    ) -> Self {
        let log = directory.path().join("log");
        let mut command = program();
        command
            .args(["serve", "--listen", address, "--models"])
            .arg(models);
        command.env("SECONDLOOK_ENGINE__WORKERS", "2");
        // Slow machines must not refuse requests because of the length of the queue.
        command.env("SECONDLOOK_ENGINE__MAX_WAIT_SECONDS", "600");
        for (key, value) in settings {
            command.env(format!("SECONDLOOK_{key}"), value);
        }
        command.stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().unwrap();
        let mut ready = String::new();
        let read = BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready);
        let address = ready.trim().strip_prefix("secondlook is ready at http://");
        let address =
            address.unwrap_or_else(|| panic!("{read:?} {ready} {:?}", fs::read_to_string(&log)));
        Self {
            child,
            address: address.to_owned(),
            log,
            client: Client::new(),
            _directory: directory,
        }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.address))
    }

    /// The text at a path.
    pub async fn text(&self, path: &str) -> String {
        let response = self.get(path).send().await.unwrap();
        response.text().await.unwrap()
    }

    /// Number of cells that were answered so far.
    pub async fn decisions(&self) -> u64 {
        let metrics = self.text("/metrics").await;
        let lines = metrics.lines();
        let counts = lines.filter(|line| line.starts_with("secondlook_decisions_total{"));
        let count = |line: &str| line.rsplit(' ').next()?.parse::<u64>().ok();
        counts.map(|line| count(line).unwrap()).sum()
    }

    /// Waits until the queue is empty.
    pub async fn until_idle(&self) {
        self.until(true).await;
    }

    /// Waits until the queue is not empty.
    pub async fn until_busy(&self) {
        self.until(false).await;
    }

    async fn until(&self, is_idle: bool) {
        while self.text("/metrics").await.contains(IDLE) != is_idle {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("http://{}{path}", self.address))
    }

    /// A cell sent as raw bytes; `query` such as `?method=tta`.
    pub fn predict(&self, query: &str, image: Vec<u8>) -> RequestBuilder {
        self.post(&format!("/v1/predictions{query}"))
            .header(CONTENT_TYPE, "image/png")
            .body(image)
    }

    /// The answer for the standard cell.
    pub async fn answer(&self, query: &str) -> Value {
        answer(self.predict(query, fixture(CELL))).await
    }

    /// Everything logged so far. Lines are written with a short delay, so this waits until no more
    /// come.
    pub fn log(&self) -> String {
        let mut before = String::new();
        loop {
            std::thread::sleep(Duration::from_millis(50));
            let log = fs::read_to_string(&self.log).unwrap();
            if log == before {
                return log;
            }
            before = log;
        }
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for the end of the process.
    pub fn wait(&mut self, longest: Duration) -> ExitStatus {
        let deadline = Instant::now() + longest;
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return status,
                None if Instant::now() > deadline => {
                    panic!("still running after {longest:?}: {}", self.log())
                }
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The test may have ended it already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The JSON of an answer with status 200.
pub async fn answer(request: RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The problem of a response, after checking what every problem has to have.
pub async fn problem(response: Response) -> Value {
    let status = response.status();
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let (content_type, id) = (header("content-type"), header("x-request-id"));
    let problem: Value = response.json().await.unwrap();
    assert_eq!(
        content_type.as_deref(),
        Some("application/problem+json"),
        "{problem}"
    );
    assert_eq!(problem["status"], status.as_u16(), "{problem}");
    assert_eq!(problem["request_id"].as_str(), id.as_deref(), "{problem}");
    let kind = problem["type"].as_str().unwrap();
    assert!(kind.starts_with("urn:secondlook:problem:"), "{problem}");
    assert!(
        !problem["title"].as_str().unwrap().is_empty()
            && !problem["detail"].as_str().unwrap().is_empty()
    );
    problem
}
