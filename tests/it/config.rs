//! The configuration as its user meets it: which layer wins, what messages say, and that
//! the committed reference and the README table are what the program generates.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use vulnzero::base::error::Code;
use vulnzero::config::{self, Flag, LogFormat, OPTIONS, Origin, SecureCookies, Sources, show};

/// A disk in memory.
#[derive(Default)]
struct World {
    files: HashMap<PathBuf, String>,
    sources: Sources,
}

impl World {
    fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(PathBuf::from(path), text.to_owned());
        self
    }

    fn config(self, text: &str) -> Self {
        self.file(config::DEFAULT_FILE, text)
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.sources.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn flag(mut self, shown: &str, name: &str, value: &str) -> Self {
        let (name, value, shown) = (name.to_owned(), value.to_owned(), shown.to_owned());
        self.sources.flags.push(Flag { name, value, shown });
        self
    }

    fn load(&self) -> vulnzero::base::Result<config::Loaded> {
        config::load(&self.sources, &|path: &Path| {
            let missing = || io::Error::new(io::ErrorKind::NotFound, "no such file");
            self.files.get(path).cloned().ok_or_else(missing)
        })
    }

    fn complaint(&self) -> String {
        let error = self.load().expect_err("this configuration is wrong");
        assert_eq!(error.code(), Code::Invalid);
        error.detail().to_owned()
    }
}

fn origin(loaded: &config::Loaded, name: &str) -> Origin {
    loaded.effective.iter().find(|e| e.spec.name == name).unwrap().origin.clone()
}

#[test]
fn nothing_at_all_is_a_working_configuration() {
    let loaded = World::default().load().unwrap();
    let config = &loaded.config;
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.storage.data_dir, PathBuf::from("./vulnzero-data"));
    assert_eq!(config.storage.cache_bytes.0, 64 << 20);
    assert_eq!(config.server.secure_cookies, SecureCookies::Auto);
    assert_eq!(config.log.format, LogFormat::Auto);
    assert!(config.auth.admin_password.is_none());
    assert_eq!(loaded.effective.len(), OPTIONS.len());
    assert!(loaded.effective.iter().all(|e| e.origin == Origin::Default));
    assert_eq!(loaded.file, None);
}

#[test]
fn flags_beat_environment_beats_file_beats_default() {
    let world =
        World::default().config("[server]\nlisten = \"127.0.0.1:1\"\n[jobs]\nworkers = 3\n");
    let loaded = world.load().unwrap();
    assert_eq!(loaded.config.server.listen.port(), 1);
    assert_eq!(
        origin(&loaded, "server.listen"),
        Origin::File(PathBuf::from(config::DEFAULT_FILE), 2)
    );
    let world = world.env("VULNZERO_SERVER_LISTEN", "127.0.0.1:2");
    let loaded = world.load().unwrap();
    assert_eq!(loaded.config.server.listen.port(), 2);
    assert_eq!(origin(&loaded, "server.listen").to_string(), "environment VULNZERO_SERVER_LISTEN");
    let world = world.flag("--listen", "server.listen", "127.0.0.1:3");
    let loaded = world.load().unwrap();
    assert_eq!(loaded.config.server.listen.port(), 3);
    assert_eq!(origin(&loaded, "server.listen").to_string(), "flag --listen");
    assert_eq!(loaded.config.jobs.workers, 3, "other values keep their layer");
}

#[test]
fn every_option_can_be_set_in_every_layer_with_its_example() {
    for spec in OPTIONS {
        let in_env = World::default().env(&spec.env(), spec.example).load().unwrap();
        let in_flag = World::default().flag("--set", spec.name, spec.example).load().unwrap();
        for loaded in [&in_env, &in_flag] {
            assert_ne!(origin(loaded, spec.name), Origin::Default, "{}", spec.name);
        }
        // The file with what `show` wrote means the same.
        if !spec.secret {
            let text = show::effective(&in_env);
            let again = World::default().config(&text).load().unwrap();
            let value = |l: &config::Loaded| {
                l.effective.iter().find(|e| e.spec.name == spec.name).unwrap().value.clone()
            };
            assert_eq!(value(&again), value(&in_env), "{}", spec.name);
            assert!(matches!(origin(&again, spec.name), Origin::File(..)), "{}", spec.name);
        }
    }
}

#[test]
fn an_unknown_key_names_its_place_and_what_was_meant() {
    let text =
        World::default().config("# hello\n[server]\n  lisen = \"127.0.0.1:1\"\n").complaint();
    assert!(text.starts_with("/etc/vulnzero/vulnzero.toml:3:3: "), "{text}");
    assert!(text.contains("there is no key 'lisen' in [server]; did you mean 'listen'?"), "{text}");
    assert!(text.contains("keys: listen, max_connections"), "{text}");

    let text = World::default().config("[server]\ndata_dir = \"/x\"\n").complaint();
    assert!(text.contains("it belongs to [storage]"), "{text}");
    let text = World::default().config("[sever]\nlisten = \"127.0.0.1:1\"\n").complaint();
    assert!(text.contains("did you mean 'server'?"), "{text}");
    let text = World::default().config("workers = 3\n").complaint();
    assert!(text.contains(":1:1: there is no table 'workers'; it belongs to [jobs]"), "{text}");
    let text = World::default().config("server = 3\n").complaint();
    assert!(text.contains("write [server]"), "{text}");
    let text = World::default().config("[auth]\nadmin_pasword_file = \"/x\"\n").complaint();
    assert!(text.contains("did you mean 'admin_password_file'?"), "{text}");
}

#[test]
fn a_bad_value_names_its_place_and_what_is_allowed() {
    for (file, wanted) in [
        (
            "[log]\nformat = \"xml\"",
            ":2:log.format: 'xml' is none of the choices; expected auto, text or json",
        ),
        (
            "[jobs]\nworkers = 65",
            ":2:jobs.workers: 65 is out of range; expected a whole number, from 1 to 64",
        ),
        (
            "[jobs]\nworkers = \"4\"",
            ":2:11:jobs.workers: expected a whole number, from 1 to 64, found a value of type string",
        ),
        ("[jobs]\nworkers = -1", ":2:jobs.workers: not a whole number that fits"),
        ("[server]\npublic_docs = 1", "found a value of type integer"),
        ("[server]\ntrusted_proxies = [1]", "expected a list of strings"),
        (
            "[server]\ntrusted_proxies = [\"10.0.0.0/99\"]",
            "'10.0.0.0/99' is neither a network nor an address",
        ),
        ("[storage]\ncache_bytes = \"1 parsec\"", "'parsec' is not a unit of bytes"),
        ("[server]\nlisten = \"8000\"", "expected an IP address and a port"),
        ("[server\nlisten = 1", ":1:"),
        ("[server]\nlisten = 1\nlisten = 2", "duplicate key"),
    ] {
        let text = World::default().config(file).complaint().replace(": server.", ":server.");
        let text = text.replace(": jobs.", ":jobs.").replace(": log.", ":log.");
        assert!(text.contains(wanted), "{file:?} says {text:?}, not {wanted:?}");
    }
    let text = World::default().env("VULNZERO_JOBS_WORKERS", "many").complaint();
    assert!(
        text.starts_with("environment VULNZERO_JOBS_WORKERS: jobs.workers: not a whole"),
        "{text}"
    );
    let text = World::default().flag("--workers", "jobs.workers", "0").complaint();
    assert!(text.starts_with("flag --workers: jobs.workers: 0 is out of range"), "{text}");
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let error = World::default()
        .config("[server]\nlisen = 1\n[jobs]\nworkers = 0\n")
        .env("VULNZERO_SERVER_LISTN", "x")
        .load()
        .unwrap_err();
    assert_eq!(error.detail().lines().count(), 3, "{}", error.detail());
    assert_eq!(error.fields().len(), 3);
}

#[test]
fn unknown_variables_are_errors_but_for_those_of_others() {
    let text = World::default().env("VULNZERO_SERVER_LISTN", "x").complaint();
    assert!(text.contains("did you mean 'VULNZERO_SERVER_LISTEN'?"), "{text}");
    let fine = World::default()
        .env("PATH", "/bin")
        .env("VULNZERO_TOKEN", "vz_x")
        .env("VULNZERO_PORT", "tcp://10.0.0.1:8000")
        .env("VULNZERO_PORT_8000_TCP_ADDR", "10.0.0.1")
        .env("VULNZERO_SERVICE_HOST", "10.0.0.1")
        .env("VULNZERO_SERVICE_PORT_HTTP", "8000");
    fine.load().unwrap();
}

#[test]
fn the_file_can_be_named_and_must_then_exist() {
    let world = World::default().file("/a.toml", "[jobs]\nworkers = 5").file("/b.toml", "");
    let mut world = world.env("VULNZERO_CONFIG", "/a.toml");
    let loaded = world.load().unwrap();
    assert_eq!((loaded.config.jobs.workers, loaded.file), (5, Some(PathBuf::from("/a.toml"))));
    world.sources.file = Some(PathBuf::from("/b.toml"));
    assert_eq!(world.load().unwrap().config.jobs.workers, 2, "the flag wins");
    world.sources.file = Some(PathBuf::from("/none.toml"));
    assert!(world.complaint().starts_with("flag --config: cannot read /none.toml"));
}

#[test]
fn secrets_come_from_files_and_never_show() {
    let password = "open sesame 42";
    let by = |name: &str| World::default().file("/run/pw", "open sesame 42\n").env(name, "/run/pw");
    let mut worlds = vec![
        by("VULNZERO_AUTH_ADMIN_PASSWORD_FILE"),
        by("VULNZERO_ADMIN_PASSWORD_FILE"),
        World::default().env("VULNZERO_AUTH_ADMIN_PASSWORD", password),
        World::default()
            .file("/run/pw", password)
            .config("[auth]\nadmin_password_file = \"/run/pw\"\n"),
    ];
    worlds.push(
        World::default()
            .file("/run/credentials/vulnzero/auth.admin_password", "open sesame 42\r\n")
            .env("CREDENTIALS_DIRECTORY", "/run/credentials/vulnzero"),
    );
    for world in worlds {
        let loaded = world.load().unwrap();
        assert_eq!(loaded.config.auth.admin_password.as_ref().unwrap().expose(), password);
        let shown = show::effective(&loaded);
        assert!(shown.contains("# admin_password = \"***\""), "{shown}");
        assert!(!shown.contains(password) && !format!("{loaded:?}").contains(password));
    }
    let text = World::default().env("VULNZERO_ADMIN_PASSWORD_FILE", "/none").complaint();
    assert!(text.contains("cannot read /none"), "{text}");
    let text =
        World::default().file("/pw", "\n").env("VULNZERO_ADMIN_PASSWORD_FILE", "/pw").complaint();
    assert!(text.contains("auth.admin_password: empty"), "{text}");
    let twice = by("VULNZERO_ADMIN_PASSWORD_FILE").env("VULNZERO_AUTH_ADMIN_PASSWORD", password);
    let text = twice.complaint();
    assert!(text.contains("set twice") && !text.contains(password), "{text}");
}

#[test]
fn systemd_names_the_data_directory_unless_somebody_else_does() {
    let world = World::default().env("STATE_DIRECTORY", "/var/lib/vulnzero:/var/lib/other");
    let loaded = world.load().unwrap();
    assert_eq!(loaded.config.storage.data_dir, PathBuf::from("/var/lib/vulnzero"));
    assert_eq!(origin(&loaded, "storage.data_dir").to_string(), "environment STATE_DIRECTORY");
    let world = world.config("[storage]\ndata_dir = \"/srv\"\n");
    assert_eq!(world.load().unwrap().config.storage.data_dir, PathBuf::from("/srv"));
}

#[test]
fn limits_that_contradict_each_other_are_refused() {
    let text = World::default().env("VULNZERO_STORAGE_WARN_FREE_BYTES", "1MiB").complaint();
    assert!(text.contains("environment VULNZERO_STORAGE_WARN_FREE_BYTES"), "{text}");
    assert!(text.contains("less than storage.min_free_bytes (256MiB)"), "{text}");
}

#[test]
fn the_reference_file_with_all_its_comments_removed_is_the_default() {
    let reference = show::reference();
    let text: String = reference
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.contains(" = ") && !rest.contains(": ") => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        // These have no default; their examples stand there instead.
        .filter(|line| {
            !["admin_password", "public_url", "watch_dir"].iter().any(|o| line.starts_with(o))
        })
        .collect();
    let loaded = World::default().config(&text).load().unwrap();
    for item in &loaded.effective {
        assert_eq!(item.value, item.spec.default(), "{}", item.spec.name);
    }
    assert!(matches!(origin(&loaded, "jobs.workers"), Origin::File(..)));
}

/// Compares a committed file with what the program generates. With `BLESS=1` it writes it.
fn golden(path: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(found == wanted, "{} is stale: run the tests with BLESS=1", path.display());
}

#[test]
fn the_committed_reference_file_is_the_generated_one() {
    golden("packaging/vulnzero.toml", &show::reference());
}

#[test]
fn the_committed_option_table_is_the_generated_one() {
    const FILE: &str = "README.md";
    let (begin, end) = ("<!-- options: begin -->\n", "<!-- options: end -->");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(begin).expect("the marker of the beginning");
    let (_, after) = rest.split_once(end).expect("the marker of the end");
    golden(FILE, &format!("{before}{begin}\n{}\n{end}{after}", show::markdown()));
}

proptest! {
    #[test]
    fn no_file_breaks_the_reader(text in "(\\[[a-z]{0,8}\\]\n|[a-z_]{0,9} ?= ?[\"0-9a-z\\[\\]é]{0,9}\n){0,6}") {
        let _ = World::default().config(&text).load();
    }
}
