//! Inventories on the command line: of a system in a directory, and piped in.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_vulnzero");
const RELEASE: &str = "ID=debian\nVERSION_ID=\"12\"\n";

fn run(data: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(EXECUTABLE);
    command.env_clear().arg("--data").arg(data).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    // Who refuses early does not read it all.
    let _ = process.stdin.take().unwrap().write_all(input);
    process.wait_with_output().unwrap()
}

fn ok(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn installed(data: &Path) -> Vec<String> {
    let list =
        ok(&run(data, &["--json", "list", "packages", "is_installed=true", "--sort", "name"], b""));
    let list: Value = serde_json::from_str(&list).unwrap();
    let rows = list["items"].as_array().unwrap();
    rows.iter().map(|p| p["component"]["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_printed_is_what_is_imported() {
    let (root, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let data = data.path();
    fs::create_dir_all(root.path().join("etc")).unwrap();
    fs::create_dir_all(root.path().join("var/lib/dpkg")).unwrap();
    fs::write(root.path().join("etc/os-release"), RELEASE).unwrap();
    fs::write(root.path().join("etc/hostname"), "web1\n").unwrap();
    let status = "Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 7.88.1-10\n\n\
                  Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2.13\n";
    fs::write(root.path().join("var/lib/dpkg/status"), status).unwrap();
    let root = root.path().to_str().unwrap();
    let printed = ok(&run(data, &["inventory", "--root", root], b""));
    let document: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (document["bomFormat"].as_str(), document["specVersion"].as_str()),
        (Some("CycloneDX"), Some("1.6"))
    );
    assert!(!data.join("vulnzero.redb").exists(), "printing opens no database");
    let done = ok(&run(data, &["inventory", "import", "--asset", "web1", "-"], printed.as_bytes()));
    assert!(done.contains("2 components"), "{done}");
    assert_eq!(installed(data), ["curl", "zlib1g"]);
    // A newer list is authoritative: what it does not name is gone.
    let list = format!("{RELEASE}curl\t7.88.1-10\tamd64\n");
    ok(&run(data, &["inventory", "import", "--asset", "web1"], list.as_bytes()));
    assert_eq!(installed(data), ["curl"]);
    let empty = tempfile::tempdir().unwrap();
    let none = run(data, &["inventory", "--root", empty.path().to_str().unwrap()], b"");
    assert!(
        !none.status.success()
            && String::from_utf8_lossy(&none.stderr).contains("no package manager")
    );
}

#[test]
fn what_is_no_inventory_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let report = fs::read("tests/fixtures/reports/trivy/trivy-npm.json").unwrap();
    for (input, what) in [
        (&b""[..], "did the command that should print the list fail?"),
        (&report, "not a list of what is installed"),
        (b"bash: rpm: command not found\n", "none of the known formats"),
    ] {
        let refused = run(data.path(), &["inventory", "import", "--asset", "web1"], input);
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && text.contains(what), "{text}");
    }
    let nameless = run(data.path(), &["inventory", "import", "-"], b"x");
    assert!(String::from_utf8_lossy(&nameless.stderr).contains("--asset"));
    assert!(installed(data.path()).is_empty());
}
