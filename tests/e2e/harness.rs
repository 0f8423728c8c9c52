//! Starts and stops the real executable, and reads what it leaves. Nothing here knows what
//! the program is for.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::http::{Answer, Connection};

/// Options of every server: a port that is free, and no limits for the load of the tests.
const SERVE: &[&str] = &[
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--set",
    "rate_limit.read_per_minute=10000000",
    "--set",
    "rate_limit.write_per_minute=10000000",
    "--set",
    "storage.min_free_bytes=1MiB",
    "--set",
    "log.level=warn",
];

/// The executable, without the variables of whoever runs the tests.
pub fn program() -> Command {
    let mut command = Command::new(super::executable());
    command.env_clear();
    command
}

/// A running server.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// Token of an administrator.
    pub token: String,
    /// From the start of the process to the line that says where it is.
    pub took: Duration,
    log: PathBuf,
    /// Kept open: the server may say more.
    _stdout: BufReader<std::process::ChildStdout>,
}

impl Server {
    /// Starts a server on a data directory.
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[], |c| c)
    }

    /// The same with further arguments and whatever `prepare` does.
    pub fn start_with(
        data: &Path,
        more: &[&str],
        prepare: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let log = data.with_extension("log");
        let mut command = program();
        command.args(SERVE).args(more).arg("--data").arg(data);
        command.stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        prepare(&mut command);
        let started = Instant::now();
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let took = started.elapsed();
        let address = line.trim().rsplit_once("http://").and_then(|(_, a)| a.parse().ok());
        let Some(address) = address else {
            panic!("no address in '{line}': {}", fs::read_to_string(&log).unwrap())
        };
        let token = fs::read_to_string(data.join("local.token")).unwrap();
        Self { child, address, token, took, log, _stdout: stdout }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A new connection as an administrator.
    pub fn connect(&self) -> Connection {
        Connection::open(self.address, &self.token).unwrap()
    }

    /// One request on a connection of its own.
    pub fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        self.connect().send(method, path, body).unwrap()
    }

    /// The answer of a request that must be granted.
    pub fn get(&self, path: &str) -> Value {
        let answer = self.send("GET", path, "");
        assert!(answer.ok(), "GET {path}: {} {}", answer.status, answer.json());
        answer.json()
    }

    /// Uploads a report; `query` begins with `?` or is empty.
    pub fn upload(&self, query: &str, report: &[u8]) -> Answer {
        let mut connection = self.connect();
        let path = format!("/api/v1/imports{query}");
        connection.begin("POST", &path, report.len() as u64, "").unwrap();
        connection.more(report).unwrap();
        connection.answer().unwrap()
    }

    /// All records of a resource, in the order of their numbers.
    pub fn dump(&self, resource: &str) -> Vec<Value> {
        let (mut connection, mut rows, mut cursor) = (self.connect(), Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/{resource}?sort=id&page_size=1000{cursor}");
            let answer = connection.send("GET", &path, "").unwrap();
            let mut page = answer.json();
            assert!(answer.ok(), "{path}: {page}");
            rows.append(page["items"].as_array_mut().unwrap());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// `kill -9`: no code of the program runs any more.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end, which must come within `limit`.
    pub fn wait(mut self, limit: Duration) -> (ExitStatus, String) {
        let asked = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(asked.elapsed() < limit, "it still runs after {limit:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        };
        (status, self.log())
    }

    /// Ends it as a service manager does. It must end well, and must not have logged errors.
    pub fn stop(self) {
        self.signal(Signal::TERM);
        let (status, log) = self.wait(Duration::from_mins(1));
        assert!(status.success(), "{status}: {log}");
        assert!(!log.contains("\"ERROR\""), "{log}");
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// A number of `/proc/PID/status`, in bytes: `VmRSS`, or `VmHWM`, the most it ever was.
    pub fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix(&format!("{name}:"))).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a failed assertion; otherwise it has ended and this does nothing.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The one JSON value on standard output.
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(e) => panic!("{e}: {self:?}"),
        }
    }

    /// The one problem on standard error.
    pub fn problem(&self) -> Value {
        match serde_json::from_str(&self.stderr) {
            Ok(value) => value,
            Err(e) => panic!("{e}: {self:?}"),
        }
    }

    /// Itself, if this is how it ended.
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// Runs a command over a data directory.
pub fn run<A: AsRef<OsStr>>(data: &Path, args: &[A]) -> Ran {
    run_with(data, args, b"", |c| c)
}

/// The same with standard input and whatever `prepare` does.
pub fn run_with<A: AsRef<OsStr>>(
    data: &Path,
    args: &[A],
    input: &[u8],
    prepare: impl FnOnce(&mut Command) -> &mut Command,
) -> Ran {
    let mut command = program();
    command.args(args).arg("--data").arg(data);
    command.args(["--set", "storage.min_free_bytes=1MiB"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    prepare(&mut command);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A command that refuses does not read to the end.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Copies a data directory that no process holds.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
