//! What end-to-end tests stand on: child processes that die with the test,
//! waiting for a condition, plain HTTP to programs on this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::operator;

/// Long enough for two slow, busy cores; a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A child process whose output is collected and which is killed with the test.
pub(crate) struct Process {
    child: Child,
    name: String,
    output: Arc<(Mutex<String>, Condvar)>,
}

impl Process {
    /// Starts a program; stdout and stderr are collected together.
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        const FILE: &str = "M365MON_WEB_OPERATOR_FILE";
        // Unless the test says something about it.
        if !command.get_envs().any(|(name, _)| name == FILE) {
            command.env(FILE, operator::key_file());
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{name} is needed by the tests (scripts/test installs it): {error}")
            });
        let output = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let streams: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().unwrap()),
            Box::new(child.stderr.take().unwrap()),
        ];
        for stream in streams {
            let output = output.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let mut text = output.0.lock().unwrap();
                    text.push_str(&line);
                    text.push('\n');
                    output.1.notify_all();
                }
            });
        }
        Self {
            child,
            name: name.to_owned(),
            output,
        }
    }

    /// The exporter's own binary.
    pub(crate) fn m365mon(arguments: &[&str]) -> Self {
        Self::start(
            "m365mon",
            Command::new(env!("CARGO_BIN_EXE_m365mon")).args(arguments),
        )
    }

    /// `m365mon serve` with this configuration and a port of its own, and where
    /// it listens.
    pub(crate) fn serve(configuration: &Path, more: &[&str]) -> (Self, SocketAddr) {
        let own = [
            "serve",
            "--web.listen-address=127.0.0.1:0",
            "--config.file",
            configuration.to_str().unwrap(),
        ];
        let exporter = Self::m365mon(&[&own, more].concat());
        let address = exporter.listening();
        (exporter, address)
    }

    /// Where `m365mon serve` listens, once it does.
    pub(crate) fn listening(&self) -> SocketAddr {
        self.wait_for("listening", |text| address_after(text, "listening addr="))
    }

    /// Waits until `found` finds something in the output so far.
    pub(crate) fn wait_for<T>(&self, what: &str, found: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut text = self.output.0.lock().unwrap();
        loop {
            if let Some(value) = found(&text) {
                return value;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{}: no {what} in its output:\n{text}",
                self.name
            );
            text = self
                .output
                .1
                .wait_timeout(text, left.min(Duration::from_secs(1)))
                .unwrap()
                .0;
        }
    }

    /// All output so far.
    pub(crate) fn output(&self) -> String {
        self.output.0.lock().unwrap().clone()
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name (`TERM`, `INT`, `HUP`) and, for those that end a
    /// process, returns its exit code.
    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill")
            .args([&format!("-{name}"), &self.id().to_string()])
            .status()
            .unwrap();
        assert!(done.success());
    }

    /// Waits for the end and returns the exit code.
    pub(crate) fn exit_code(&mut self) -> i32 {
        let name = self.name.clone();
        let child = &mut self.child;
        eventually(&format!("{name} ends"), || child.try_wait().unwrap())
            .code()
            .unwrap_or(-1)
    }
}

impl Process {
    /// For whoever reads of a failure: whether it still ran, and its last words.
    #[expect(
        clippy::print_stderr,
        reason = "shown with the failed test, as its own words are"
    )]
    fn tell(&mut self) {
        const LINES: usize = 40;
        let ended = match self.child.try_wait() {
            Ok(None) => "still runs".to_owned(),
            Ok(Some(status)) => format!("had ended: {status}"),
            Err(error) => error.to_string(),
        };
        // Whoever waited for a line may have failed with the lock in hand.
        let text = self.output.0.lock();
        let text = text.unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(LINES)..].join("\n");
        eprintln!("{} {ended}; it said last:\n{last}\n", self.name);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell();
        }
        // Asked first, so that it can take its temporary files along.
        if matches!(self.child.try_wait(), Ok(None)) {
            let pid = self.id().to_string();
            _ = Command::new("kill").args(["-TERM", &pid]).status();
            let deadline = Instant::now() + Duration::from_secs(10);
            while Instant::now() < deadline && matches!(self.child.try_wait(), Ok(None)) {
                pause();
            }
        }
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(50);

#[expect(
    clippy::disallowed_methods,
    reason = "the interval between two looks at another process, which tells nobody"
)]
fn pause() {
    std::thread::sleep(LOOK);
}

/// Asks `condition` until it gives something; fails loudly after [`PATIENCE`].
pub(crate) fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        pause();
    }
}

/// [`eventually`] for what has to be awaited; `condition` says what is still
/// wrong, and in vain that is told.
pub(crate) async fn until<T, E: std::fmt::Debug>(
    what: &str,
    mut condition: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match condition().await {
            Ok(value) => return value,
            Err(last) => assert!(
                Instant::now() < deadline,
                "waited in vain: {what}: {last:?}"
            ),
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The address in a log that follows `mark`.
pub(crate) fn address_after(text: &str, mark: &str) -> Option<SocketAddr> {
    let rest = &text[text.find(mark)? + mark.len()..];
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':')
        .unwrap_or(rest.len());
    // A line that is still being written has no end.
    if end == rest.len() {
        None
    } else {
        rest[..end].parse().ok()
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// One HTTP/1.0 request to a program on this machine: status, head and body.
pub(crate) fn http(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<(u16, String, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut request = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\n");
    let says = |name: &str| {
        headers
            .iter()
            .any(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    if !says(operator::HEADER) {
        request.push_str(&format!("{}\r\n", operator::line()));
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, head.to_owned(), body.to_owned()))
}

/// GET, which must answer 200.
pub(crate) fn get(address: SocketAddr, path: &str) -> String {
    let (status, _, body) = eventually(&format!("GET http://{address}{path} answers"), || {
        http(address, "GET", path, &[], "")
    });
    assert_eq!(status, 200, "GET {path}: {body}");
    body
}

/// A real Prometheus and its data, in a folder that goes with it.
pub(crate) struct Prometheus {
    _process: Process,
    address: SocketAddr,
}

impl Prometheus {
    /// Starts Debian's Prometheus with a configuration and waits until it is ready.
    pub(crate) fn start(folder: &Path, configuration: &str) -> Self {
        Self::start_with(folder, configuration, &[])
    }

    /// One that asks each of these exporters every second, by the name of its job.
    pub(crate) fn scraping(folder: &Path, jobs: &[(&str, SocketAddr)]) -> Self {
        let mut text = String::from("global: {scrape_interval: 1s}\nscrape_configs:\n");
        for (job, address) in jobs {
            text +=
                &format!("- {{job_name: {job}, static_configs: [{{targets: ['{address}']}}]}}\n");
        }
        Self::start(folder, &text)
    }

    /// The same with further flags. Data are in `data` of the folder.
    pub(crate) fn start_with(folder: &Path, configuration: &str, flags: &[&str]) -> Self {
        let address = free_address();
        let file = folder.join("prometheus.yml");
        std::fs::write(&file, configuration).unwrap();
        let process = Process::start(
            "prometheus",
            Command::new("prometheus")
                .arg(format!("--config.file={}", file.display()))
                .arg(format!(
                    "--storage.tsdb.path={}",
                    folder.join("data").display()
                ))
                .arg(format!("--web.listen-address={address}"))
                .arg("--enable-feature=exemplar-storage")
                .arg("--log.level=warn")
                .args(flags),
        );
        eventually("Prometheus is ready", || {
            http(address, "GET", "/-/ready", &[], "").filter(|answer| answer.0 == 200)
        });
        Self {
            _process: process,
            address,
        }
    }

    /// Its address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What Prometheus said so far; warnings and errors only.
    pub(crate) fn complaints(&self) -> String {
        self._process.output()
    }

    /// An instant query: labels and value of each series.
    pub(crate) fn query(&self, expression: &str) -> Vec<(serde_json::Value, f64)> {
        let query: String = url::form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        let body = get(self.address, &format!("/api/v1/query?query={query}"));
        let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["status"], "success", "{expression}: {body}");
        let one = |sample: &serde_json::Value| {
            (
                sample["metric"].clone(),
                sample["value"][1].as_str().unwrap().parse().unwrap(),
            )
        };
        answer["data"]["result"]
            .as_array()
            .unwrap()
            .iter()
            .map(one)
            .collect()
    }

    /// Waits until a query that gives one series gives a value that pleases.
    pub(crate) fn wait_for(&self, expression: &str, pleases: impl Fn(f64) -> bool) -> f64 {
        eventually(&format!("{expression} in Prometheus"), || {
            match &self.query(expression)[..] {
                [(_, value)] if pleases(*value) => Some(*value),
                _ => None,
            }
        })
    }

    /// Waits until a query gives nothing.
    pub(crate) fn wait_for_none(&self, expression: &str) {
        eventually(&format!("{expression} gone from Prometheus"), || {
            self.query(expression).is_empty().then_some(())
        });
    }
}
