//! The same at once, and things that are not as they should be.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::harness::{Server, run, run_with};
use super::report::Plan;
use super::state::{self, SIGHTINGS};

#[test]
fn the_same_report_64_times_at_once_is_one_set_of_findings() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let report = Plan::new("one", 0..120).bytes();
    let imports: Vec<_> = std::thread::scope(|scope| {
        let uploads: Vec<_> = (0..64).map(|_| scope.spawn(|| server.upload("", &report))).collect();
        uploads.into_iter().map(|u| u.join().unwrap()).collect()
    });
    let mut new = 0;
    for answer in imports {
        let import = answer.json();
        assert_eq!(answer.status, 201, "{import}");
        assert_eq!(import["findings"], 120, "{import}");
        assert_eq!((&import["reopened"], &import["closed"]), (&0.into(), &0.into()), "{import}");
        new += import["new"].as_u64().unwrap();
    }
    assert_eq!(new, 120, "each finding was new once");
    assert_eq!(server.dump("findings").len(), 120);
    assert_eq!(server.dump("assets").len(), 1);
    assert_eq!(server.dump("vulnerabilities").len(), 30);
    assert_eq!(server.dump("imports").len(), 64);
    let check = server.send("POST", "/api/v1/admin/check", "").json();
    assert_eq!(check["ok"], true, "{check}");
    server.stop();
}

#[test]
fn servers_on_different_directories_know_nothing_of_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| Server::start(&dir.path().join(name)));
    one.upload("", &Plan::new("one", 0..3).bytes());
    two.upload("", &Plan::new("two", 0..5).bytes());
    assert_eq!((one.dump("findings").len(), two.dump("findings").len()), (3, 5));
    let foreign = one.token.clone();
    let mut connection = super::http::Connection::open(two.address, &foreign).unwrap();
    assert_eq!(connection.send("GET", "/api/v1/assets", "").unwrap().status, 401);
    one.stop();
    two.stop();
}

#[test]
fn what_is_made_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let data = dir.path().join("a/b/data");
    run(&data, &["list", "assets"]).with_code(0);
    assert_eq!(mode(&data), 0o700);
    let backup = dir.path().join("backup.redb");
    run(&data, &["backup", backup.to_str().unwrap()]).with_code(0);
    assert_eq!(mode(&backup), 0o600, "a backup holds password hashes");
    let restored = dir.path().join("restored");
    run(&restored, &["restore", backup.to_str().unwrap()]).with_code(0);
    assert_eq!(mode(&restored), 0o700);
    // In a directory that others can read, the files must protect themselves.
    let open = dir.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
    run(&open, &["list", "assets"]).with_code(0);
    assert_eq!(mode(&open.join("vulnzero.redb")), 0o600);
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let below = run(&file.join("data"), &["list", "assets"]).with_code(7);
    assert!(below.stderr.contains("file/data"), "{below:?}");
    let itself = run(&file, &["serve", "--listen", "127.0.0.1:0"]).with_code(7);
    assert!(itself.stderr.contains(file.to_str().unwrap()), "{itself:?}");
    // A file system that refuses whoever asks, also the superuser.
    let system = std::path::Path::new("/proc/vulnzero");
    let refused = run(system, &["serve", "--listen", "127.0.0.1:0"]).with_code(7);
    assert!(refused.stderr.contains("/proc/vulnzero"), "{refused:?}");
    assert_eq!(refused.stderr.matches("error:").count(), 1, "{refused:?}");
}

#[test]
fn a_file_that_is_no_database_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    for junk in ["", "this is no database at all, whatever its name says"] {
        fs::write(data.join("vulnzero.redb"), junk).unwrap();
        let ran = run(&data, &["list", "assets"]);
        assert_ne!(ran.code, 0, "{ran:?}");
        assert!(!ran.stderr.contains("panicked"), "{ran:?}");
        assert_eq!(fs::read_to_string(data.join("vulnzero.redb")).unwrap(), junk);
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = dir.path().join("data");
    let ran = run(&data, &["serve", "--listen", &address]).with_code(7);
    assert!(ran.stderr.contains(&address), "{ran:?}");
    assert!(!data.join("local.token").exists(), "it left its token");
    run(&data, &["list", "assets"]).with_code(0);
}

#[test]
fn a_reader_that_has_gone_is_no_trouble() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let report = Plan::new("many", 0..900).bytes();
    run_with(&data, &["import", "-"], &report, |c| c).with_code(0);
    for end in ["head -n 1", "true"] {
        let shell = format!(
            "'{}' --data '{}' list findings --page-size 900 | {end}; echo ${{PIPESTATUS[0]}}",
            super::executable().display(),
            data.display()
        );
        let output = std::process::Command::new("bash").args(["-c", &shell]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().last(), Some("0"), "{text}");
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    run(&data, &["check"]).with_code(0);
}

#[test]
fn a_server_outlives_whoever_read_its_first_line() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut child = super::harness::program()
        .args(["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let started = std::time::Instant::now();
    let found = loop {
        let ran = run(&data, &["list", "assets"]);
        if ran.code == 0 && data.join("local.token").exists() {
            break child.try_wait().unwrap().is_none();
        }
        if started.elapsed().as_secs() > 20 {
            break false;
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(found, "it ended because nobody read its output");
}

#[test]
fn a_second_import_changes_nothing_but_times() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let report = Plan::new("same", 0..700).bytes();
    let states = [0, 1].map(|_| {
        assert_eq!(server.upload("", &report).status, 201);
        state::of(&server, SIGHTINGS)
    });
    state::same(&states[1], &states[0]);
    server.stop();
}
