//! Partial reports close nothing outside their scope, and nothing suspiciously much
//! (guarantees G3 and G6).

use serde_json::{Value, json};

use super::client::Client;
use super::harness::{Server, trivy};

const CVES: [&str; 12] = [
    "CVE-2026-1",
    "CVE-2026-2",
    "CVE-2026-3",
    "CVE-2026-4",
    "CVE-2026-5",
    "CVE-2026-6",
    "CVE-2026-7",
    "CVE-2026-8",
    "CVE-2026-9",
    "CVE-2026-10",
    "CVE-2026-11",
    "CVE-2026-12",
];

fn scan(client: &Client, first: usize) -> Value {
    let findings: Vec<_> = CVES[..first].iter().map(|cve| (*cve, "a")).collect();
    client.import("", trivy("web", &findings).to_string().as_bytes()).ok(201)
}

fn open(client: &Client) -> Value {
    client.get("/findings?is_open=true").ok(200)["total_count"].clone()
}

#[test]
fn a_suspiciously_small_report_waits_for_a_person() {
    let server = Server::start();
    let client = server.token("operator");
    scan(&client, 12);
    for few in [0, 5] {
        let held = scan(&client, few);
        assert_eq!((&held["status"], &held["closed"]), (&json!("quarantined"), &json!(0)));
        assert_eq!(held["held"], 12 - few);
        assert_eq!(open(&client), 12);
    }
    let imports = client.all("/imports?status=quarantined&sort=id");
    let (empty, five) = (&imports[0]["id"], &imports[1]["id"]);
    // The older one is accepted last: what the newer saw stays.
    let accepted = client.post(&format!("/imports/{five}/accept"), &json!({})).ok(200);
    assert_eq!((&accepted["status"], &accepted["closed"]), (&json!("completed"), &json!(7)));
    assert_eq!(open(&client), 5);
    client.post(&format!("/imports/{five}/accept"), &json!({})).problem(409, "conflict");
    let accepted = client.post(&format!("/imports/{empty}/accept"), &json!({})).ok(200);
    assert_eq!((&accepted["closed"], open(&client)), (&json!(0), json!(5)));

    scan(&client, 12);
    let held = scan(&client, 1);
    let discarded = client.post(&format!("/imports/{}/discard", held["id"]), &json!({})).ok(200);
    assert_eq!((&discarded["status"], &discarded["held"]), (&json!("discarded"), &json!(0)));
    assert_eq!(open(&client), 12);
}

#[test]
fn half_is_closed_without_asking_and_limits_are_options() {
    let server = Server::with(&["import.quarantine_percent=10", "import.quarantine_above=3"]);
    let client = server.token("operator");
    scan(&client, 12);
    assert_eq!(scan(&client, 10)["status"], "quarantined");
    let server = Server::start();
    let client = server.token("operator");
    scan(&client, 12);
    assert_eq!(scan(&client, 6)["closed"], 6);
}

#[test]
fn a_scan_of_one_kind_does_not_close_what_another_found() {
    let server = Server::start();
    let client = server.token("operator");
    let mut both = trivy("web", &[("CVE-2026-1", "a")]);
    both["Results"].as_array_mut().unwrap().push(json!({"Target": "app/package-lock.json",
        "Class": "lang-pkgs", "Type": "npm", "Vulnerabilities": [{"VulnerabilityID": "CVE-2026-2",
        "PkgName": "left-pad", "InstalledVersion": "1.0", "Severity": "LOW"}]}));
    client.import("", both.to_string().as_bytes()).ok(201);
    let system_only = trivy("web", &[]);
    let second = client.import("", system_only.to_string().as_bytes()).ok(201);
    assert_eq!(second["closed"], 1);
    let left = client.all("/findings?is_open=true");
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["cve_id"], "CVE-2026-2");
    // Misconfigurations only: a scan for nothing.
    let nothing = json!({"SchemaVersion": 2, "ArtifactName": "web", "ArtifactType": "container_image",
        "Results": [{"Target": "Dockerfile", "Class": "config", "Type": "dockerfile"}]});
    assert_eq!(client.import("", nothing.to_string().as_bytes()).ok(201)["closed"], 0);
}

fn package_list(client: &Client, versions: std::ops::Range<u32>) -> Value {
    let mut list = String::from("PRETTY_NAME=\"Debian\"\nID=debian\nVERSION_ID=\"12\"\n\n");
    list.extend(versions.map(|n| format!("package{n}\t1.0-{n}\n")));
    client.import("?asset=web&format=dpkg", list.as_bytes()).ok(201)
}

fn installed(client: &Client) -> Value {
    client.get("/packages?asset=web&is_installed=true").ok(200)["total_count"].clone()
}

#[test]
fn a_truncated_package_list_removes_nothing_until_it_is_accepted() {
    let server = Server::start();
    let client = server.token("operator");
    package_list(&client, 1..21);
    let report = trivy("web", &[("CVE-2026-1", "package2"), ("CVE-2026-2", "package12")]);
    let mut report: Value =
        serde_json::from_str(&report.to_string().replace("alpine", "debian")).unwrap();
    let found = &mut report["Results"][0]["Vulnerabilities"];
    found[0]["InstalledVersion"] = json!("1.0-2");
    found[1]["InstalledVersion"] = json!("1.0-12");
    client.import("", report.to_string().as_bytes()).ok(201);

    // No finding makes it suspicious: those are too few. The packages do.
    let held = package_list(&client, 1..9);
    assert_eq!((&held["status"], &held["held_packages"]), (&json!("quarantined"), &json!(12)));
    assert_eq!((&held["closed"], installed(&client)), (&json!(0), json!(20)));
    assert_eq!(open(&client), 2);

    // What a newer list has seen meanwhile stays when the older one is accepted.
    assert_eq!(package_list(&client, 1..12)["status"], "completed");
    assert_eq!((installed(&client), open(&client)), (json!(11), json!(1)));
    let accepted = client.post(&format!("/imports/{}/accept", held["id"]), &json!({})).ok(200);
    assert_eq!((&accepted["held_packages"], installed(&client)), (&json!(0), json!(11)));

    let held = package_list(&client, 1..3);
    let accepted = client.post(&format!("/imports/{}/accept", held["id"]), &json!({})).ok(200);
    assert_eq!((&accepted["status"], installed(&client)), (&json!("completed"), json!(2)));
}

#[test]
fn new_versions_of_everything_are_no_truncated_list() {
    let server = Server::start();
    let client = server.token("operator");
    let list = |version: u32| {
        let mut list = String::from("ID=debian\nVERSION_ID=\"12\"\n\n");
        list.extend((1..21).map(|n| format!("package{n}\t{version}.0\n")));
        client.import("?asset=web&format=dpkg", list.as_bytes()).ok(201)
    };
    list(1);
    assert_eq!(list(2)["status"], "completed");
    assert_eq!(installed(&client), 20);
}

/// An SBOM of libraries, each as `ecosystem/name`.
fn libraries(client: &Client, names: &[&str]) -> Value {
    let components: Vec<Value> = names
        .iter()
        .map(|name| {
            json!({"type": "library", "name": name.split('/').next_back(), "version": "1.0",
                "purl": format!("pkg:{name}@1.0")})
        })
        .collect();
    let sbom = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components,
        "metadata": {"component": {"type": "operating-system", "name": "web"}}});
    client.import("?asset=web", sbom.to_string().as_bytes()).ok(201)
}

#[test]
fn a_list_of_one_ecosystem_says_nothing_about_another() {
    let server = Server::start();
    let client = server.token("operator");
    libraries(&client, &["npm/a", "npm/b", "golang/c"]);
    libraries(&client, &["npm/a"]);
    let left = client.all("/packages?asset=web&is_installed=true&sort=id");
    let left: Vec<_> = left.iter().map(|p| p["component"]["name"].as_str().unwrap()).collect();
    assert_eq!(left, ["a", "c"]);
}

#[test]
fn an_older_report_neither_closes_nor_reopens() {
    let server = Server::start();
    let client = server.token("operator");
    let at = |day: &str, findings: &[(&str, &str)]| {
        let mut report = trivy("web", findings);
        report["CreatedAt"] = json!(format!("2026-01-{day}T00:00:00Z"));
        client.import("", report.to_string().as_bytes()).ok(201)
    };
    at("02", &[("CVE-2026-1", "a")]);
    assert_eq!(at("01", &[])["closed"], 0, "it was seen later than this");
    assert_eq!(at("03", &[])["closed"], 1);
    assert_eq!(at("02", &[("CVE-2026-1", "a")])["reopened"], 0, "it was gone later than this");
    // What only an old report names has gone, as the newer complete one shows.
    let old = at("01", &[("CVE-2026-2", "a")]);
    assert_eq!(old["new"], 1);
    assert_eq!(open(&client), 0);
    let f = &client.all("/findings?cve_id=CVE-2026-2")[0];
    assert_eq!(f["status"], "fixed");
    assert_eq!(at("04", &[("CVE-2026-1", "a")])["reopened"], 1);
}
