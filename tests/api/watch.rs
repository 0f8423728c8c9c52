//! The watched directory: what is taken up, where it ends, and that nothing comes twice.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use super::harness::{Server, report, trivy};

fn wait(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn options(folder: &Path) -> [String; 2] {
    [format!("import.watch_dir={}", folder.display()), "import.watch_interval_s=1".to_owned()]
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_are_imported_once_and_moved_away() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), report("trivy-npm.json")).unwrap();
    symlink(outside.path(), folder.join("link.json")).unwrap();
    for unfinished in [".hidden.json", "half.json.part"] {
        fs::write(folder.join(unfinished), "{}").unwrap();
    }
    fs::write(folder.join("npm.json"), report("trivy-npm.json")).unwrap();
    fs::write(folder.join("bad.json"), "{\"colour\": 1}").unwrap();
    fs::write(folder.join("empty.json"), "").unwrap();
    let options = options(folder);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let server = Server::with(&options);
    let client = server.token("viewer");
    let (done, failed) = (folder.join("done"), folder.join("failed"));
    wait("all are moved", || names(&done).len() == 1 && names(&failed).len() == 4);
    assert_eq!(names(&done), ["npm.json"]);
    assert_eq!(
        names(&failed),
        ["bad.json", "bad.json.error.txt", "empty.json", "empty.json.error.txt"]
    );
    let why = fs::read_to_string(failed.join("bad.json.error.txt")).unwrap();
    assert!(why.contains("none of the known formats") && why.contains("(import "), "{why}");
    assert_eq!(
        fs::read_to_string(failed.join("empty.json.error.txt")).unwrap(),
        "the upload is empty\n"
    );
    assert_eq!(names(folder), [".hidden.json", "done", "failed", "half.json.part", "link.json"]);
    let imports = client.all("/imports?sort=id");
    assert_eq!(imports.len(), 2);
    assert!(imports.iter().all(|i| i["created_by"] == "watched directory"));
    let metrics = client.get("./metrics").text();
    for line in [
        "vulnzero_watch_files_total{outcome=\"imported\"} 1",
        "vulnzero_watch_files_total{outcome=\"failed\"} 2",
    ] {
        assert!(metrics.contains(line), "{line}");
    }

    // A kill between the import and the move leaves the file where it was.
    let directory = server.stop();
    fs::rename(done.join("npm.json"), folder.join("npm.json")).unwrap();
    let server = Server::on(directory, &options, &[]);
    wait("it is moved again", || names(&done) == ["npm.json"]);
    let client = server.token("viewer");
    assert_eq!(client.all("/imports").len(), 2, "but not imported again");
    // Another file of the same name is another report.
    fs::write(folder.join("npm.json"), trivy("b", &[("CVE-2026-1", "p")]).to_string()).unwrap();
    wait("the other is moved", || names(&done) == ["npm.json", "npm.json.2"]);
    assert_eq!(client.all("/imports").len(), 3);
}

#[test]
fn a_file_that_grows_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let options = options(folder);
    let server = Server::with(&options.iter().map(String::as_str).collect::<Vec<_>>());
    let client = server.token("viewer");
    let whole = report("trivy-npm.json");
    let path = folder.join("slow.json");
    for n in 1..=8 {
        fs::write(&path, &whole[..whole.len() * n / 8]).unwrap();
        std::thread::sleep(Duration::from_millis(350));
    }
    wait("it is imported", || names(&folder.join("done")) == ["slow.json"]);
    let imports = client.all("/imports");
    assert_eq!((imports.len(), imports[0]["bytes"].as_u64().unwrap()), (1, whole.len() as u64));
}
