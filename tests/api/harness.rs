//! A server of its own for a story: the real executable on a free port and a new data
//! directory. When it is dropped it must end with code 0, leave a database that `check`
//! finds whole, and a log without errors and without any secret that it was told.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;

use serde_json::{Value, json};

use super::client::{Auth, Client};

/// Name and password of the account that [`Server::account`] makes.
pub const ADMIN: (&str, &str) = ("ada", "correct horse battery");

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_vulnzero");

/// A running server.
pub struct Server {
    directory: tempfile::TempDir,
    process: Child,
    pub url: String,
    /// The token for the first account, if the server printed one.
    pub setup_token: Option<String>,
    /// Errors in the log that the story is about.
    pub expected_errors: Vec<&'static str>,
    secrets: Mutex<Vec<String>>,
}

impl Server {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With options, as `section.key=value`.
    pub fn with(options: &[&str]) -> Self {
        Self::on(tempfile::tempdir().unwrap(), options, &[])
    }

    /// On an existing data directory, with environment variables.
    pub fn on(
        directory: tempfile::TempDir,
        options: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let log = std::fs::File::create(directory.path().join("test.log")).unwrap();
        let mut command = command(directory.path());
        command.args(["serve", "--listen", "127.0.0.1:0", "--set", "log.format=json"]);
        command.args(["--set", "rate_limit.auth_per_minute=1000"]);
        for option in options {
            command.args(["--set", option]);
        }
        command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(log);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut next = || lines.next().map(Result::unwrap);
        let address = next().unwrap_or_else(|| {
            panic!("{}", std::fs::read_to_string(directory.path().join("test.log")).unwrap())
        });
        let url = address.split_once(" is at ").unwrap().1.to_owned();
        let mut server = Self {
            directory,
            process,
            url,
            setup_token: None,
            expected_errors: Vec::new(),
            secrets: Mutex::default(),
        };
        if server.nobody().get("/setup").ok(200)["needed"] == true {
            let line = next().unwrap();
            server.setup_token = Some(line.split_once("/setup#token=").unwrap().1.to_owned());
        }
        server
    }

    pub fn data(&self) -> &Path {
        self.directory.path()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data().join("test.log")).unwrap()
    }

    /// A text that must never be in the log.
    pub fn keep_secret(&self, text: &str) -> String {
        self.secrets.lock().unwrap().push(text.to_owned());
        text.to_owned()
    }

    pub fn nobody(&self) -> Client {
        Client::new(&self.url, Auth::Nobody)
    }

    /// The command line on the same machine: an administrator without an account.
    pub fn admin(&self) -> Client {
        let token = std::fs::read_to_string(self.data().join("local.token")).unwrap();
        Client::new(&self.url, Auth::Token(self.keep_secret(&token)))
    }

    /// A token with this role.
    pub fn token(&self, role: &str) -> Client {
        let made = self.admin().post("/tokens", &json!({"name": role, "role": role})).ok(201);
        let token = self.keep_secret(made["token"].as_str().unwrap());
        self.nobody().with(Auth::Token(token))
    }

    /// Makes the first account with the set-up token; its session.
    pub fn account(&self) -> Client {
        let token = self.keep_secret(self.setup_token.as_ref().unwrap());
        let (username, password) = (ADMIN.0, self.keep_secret(ADMIN.1));
        let body = json!({"token": token, "username": username, "password": password});
        self.session(&self.nobody().post("/setup", &body), 201)
    }

    /// Makes an account and logs in.
    pub fn user(&self, name: &str, role: &str) -> Client {
        let password = self.keep_secret(&format!("password of {name}"));
        let body = json!({"username": name, "password": password, "role": role});
        self.admin().post("/users", &body).ok(201);
        self.log_in(name, &password)
    }

    pub fn log_in(&self, name: &str, password: &str) -> Client {
        let body = json!({"username": name, "password": password});
        self.session(&self.nobody().post("/auth/login", &body), 200)
    }

    /// The client of a session that has just begun.
    #[track_caller]
    pub fn session(&self, answer: &super::client::Answer, status: u16) -> Client {
        let csrf = answer.ok(status)["csrf_token"].as_str().unwrap().to_owned();
        let (cookie, _) = answer.cookie();
        let (cookie, csrf) = (self.keep_secret(&cookie), self.keep_secret(&csrf));
        self.nobody().with(Auth::Session { cookie, csrf })
    }

    /// Ends the server as a drop does, and gives the data directory back.
    pub fn stop(mut self) -> tempfile::TempDir {
        self.end();
        let left = tempfile::tempdir().unwrap();
        std::mem::replace(&mut self.directory, left)
    }

    fn end(&mut self) {
        if self.process.try_wait().unwrap().is_some() {
            return;
        }
        let id = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        let status = self.process.wait().unwrap();
        let log = self.log();
        assert!(status.success(), "the server ends with {status}:\n{log}");
        let checked = run(self.data(), &["check"]);
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        for line in log.lines().filter(|line| line.contains("\"level\":\"ERROR\"")) {
            assert!(self.expected_errors.iter().any(|e| line.contains(e)), "in the log: {line}");
        }
        for secret in self.secrets.lock().unwrap().iter() {
            assert!(!log.contains(secret.as_str()), "the log has the secret {secret}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What went wrong is on its way; the rest of the log helps to see why.
            let _ = std::io::stderr().write_all(self.log().as_bytes());
            let _ = self.process.kill();
            let _ = self.process.wait();
        } else {
            self.end();
        }
    }
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(EXECUTABLE);
    command.env_clear().arg("--data").arg(data);
    command
}

/// Runs a command on a data directory.
pub fn run(data: &Path, arguments: &[&str]) -> Output {
    command(data).args(arguments).output().unwrap()
}

/// A report of the importers' own tests.
pub fn report(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reports/trivy");
    std::fs::read(folder.join(name)).unwrap()
}

/// A Trivy report for one asset: CVE id and package of each finding.
pub fn trivy(asset: &str, findings: &[(&str, &str)]) -> Value {
    let findings: Vec<Value> = findings
        .iter()
        .map(|(id, package)| {
            json!({"VulnerabilityID": id, "PkgName": package, "InstalledVersion": "1.0",
                "FixedVersion": "1.1", "Severity": "HIGH", "Title": format!("{id} in {package}")})
        })
        .collect();
    json!({"SchemaVersion": 2, "ArtifactName": asset, "ArtifactType": "container_image",
        "Metadata": {"OS": {"Family": "alpine", "Name": "3.9.4"}},
        "Results": [{"Target": format!("{asset} (alpine 3.9.4)"), "Class": "os-pkgs", "Type": "alpine",
            "Vulnerabilities": findings}]})
}
