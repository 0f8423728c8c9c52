//! Hosts made of files, read and written down, and read back by the importer.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;
use crate::adapters::importers::testing::{assets, import};
use crate::adapters::importers::{Importer as _, cyclonedx::CyclonedxJson};
use crate::base::Timestamp;
use crate::domain::asset::AssetType;
use crate::domain::observation::Observation;
use crate::domain::scan::ScanKind;

const STATUS: &str = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\n\
    Source: openssl (3.0.11-1)\nVersion: 3.0.11-1~deb12u2\nDescription: x\n y\n\n\
    Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
    Package: tzdata\nStatus: install ok installed\nArchitecture: all\nVersion: 2024a-0+deb12u1\n";

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn metadata(name: &str, version: &str) -> String {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nVersion: 99\n")
}

fn debian(root: &Path) {
    write(root, "usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian 12\"\n");
    fs::create_dir_all(root.join("etc")).unwrap();
    // Absolute, as in many images: it must not lead to this machine's.
    symlink("/usr/lib/os-release", root.join("etc/os-release")).unwrap();
    write(root, "etc/hostname", "# name\nweb1\n");
    write(root, "var/lib/dpkg/status", STATUS);
    let site = "usr/local/lib/python3.11/site-packages";
    write(root, &format!("{site}/Django_X-4.2.dist-info/METADATA"), &metadata("Django_X", "4.2"));
    write(root, &format!("{site}/old.egg-info/PKG-INFO"), &metadata("old", "0.1"));
    write(root, &format!("{site}/flat-1.egg-info"), &metadata("flat", "1"));
    write(root, &format!("{site}/ours-1.dist-info/METADATA"), &metadata("ours", "1"));
    write(root, &format!("{site}/ours-1.dist-info/INSTALLER"), "rpm\n");
    write(root, "usr/lib/python3/dist-packages/apt-1.dist-info/METADATA", &metadata("apt", "1"));
    let npm = "usr/lib/node_modules/npm";
    write(root, &format!("{npm}/package.json"), "{\"name\": \"npm\", \"version\": \"10.1.0\"}");
    write(
        root,
        &format!("{npm}/node_modules/@x/y/package.json"),
        "{\"name\": \"@x/y\", \"version\": \"2.0.0\"}",
    );
    write(
        root,
        &format!("{npm}/node_modules/.bin/package.json"),
        "{\"name\": \"no\", \"version\": \"1\"}",
    );
    let installs = "{\"installs\": {\"ripgrep 14.1.0 (registry+https://github.com/rust-lang/crates.io-index)\": {}, \"mine 0.1.0 (path+file:///x)\": {}}}";
    write(root, "root/.cargo/.crates2.json", installs);
    let lock = "version = 4\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"serde\"\nversion = \"1.0.200\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
    write(root, "srv/app/Cargo.lock", lock);
    write(
        root,
        "srv/app/web/node_modules/left-pad/package.json",
        "{\"name\": \"left-pad\", \"version\": \"1.3.0\"}",
    );
}

fn host(root: &Path, paths: &[&str]) -> Host {
    let paths = paths.iter().map(PathBuf::from).collect();
    read(&Wish { root: root.to_owned(), paths, name: None }).unwrap()
}

fn purls(host: &Host) -> Vec<&str> {
    host.components.iter().filter_map(|c| c.purl.as_deref()).collect()
}

#[test]
fn a_host_is_read_from_its_files() {
    let root = tempfile::tempdir().unwrap();
    debian(root.path());
    let host = host(root.path(), &["/srv"]);
    assert_eq!((host.name.as_deref(), host.os_id.as_deref()), (Some("web1"), Some("debian")));
    assert_eq!(host.missed, Vec::<String>::new());
    assert_eq!(
        purls(&host),
        [
            "pkg:cargo/ripgrep@14.1.0",
            "pkg:cargo/serde@1.0.200",
            "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12",
            "pkg:deb/debian/tzdata@2024a-0%2Bdeb12u1?arch=all&distro=debian-12",
            "pkg:npm/%40x/y@2.0.0",
            "pkg:npm/left-pad@1.3.0",
            "pkg:npm/npm@10.1.0",
            "pkg:pypi/django-x@4.2",
            "pkg:pypi/flat@1",
            "pkg:pypi/old@0.1",
        ]
    );
    let openssl = host.components.iter().find(|c| c.name == "libssl3").unwrap();
    assert_eq!(openssl.source_package.as_deref(), Some("openssl"));
    assert!(host.kernel.is_none() && host.deleted.is_empty(), "nothing of this machine's");
}

#[test]
fn links_do_not_lead_out_of_the_root() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "status", STATUS);
    write(root.path(), "var/lib/dpkg/x", "");
    symlink(outside.path().join("status"), root.path().join("var/lib/dpkg/status")).unwrap();
    symlink("../../../../../../../../etc/hostname", root.path().join("var/hostname")).unwrap();
    let found = host(root.path(), &[]);
    assert!(found.components.is_empty() && found.name.is_none(), "{found:?}");
    assert!(read(&Wish { root: root.path().join("none"), ..Wish::default() }).is_err());
}

#[test]
fn what_cannot_be_read_makes_it_incomplete() {
    let root = tempfile::tempdir().unwrap();
    debian(root.path());
    write(root.path(), "usr/lib/node_modules/bad/package.json", "{");
    write(root.path(), "var/lib/rpm/Packages", "something else");
    let host = host(root.path(), &[]);
    assert_eq!(host.missed.len(), 2, "{:?}", host.missed);
    assert!(host.missed.iter().any(|m| m.contains("pipe `rpm -qa`")), "{:?}", host.missed);
    let document = cyclonedx::document(&host, Timestamp::default(), "1").to_string();
    let observations = import(&CyclonedxJson, document.as_bytes()).unwrap();
    assert!(assets(&observations)[0].inventory.is_empty(), "nothing is thought to be gone");
}

#[test]
fn the_importer_reads_the_same_back() {
    let root = tempfile::tempdir().unwrap();
    debian(root.path());
    let mut host = host(root.path(), &["/srv"]);
    host.kernel = Some("6.1.0-18-amd64".into());
    let document = cyclonedx::document(&host, Timestamp::default(), "1").to_string();
    assert!(CyclonedxJson.recognises(document.as_bytes()));
    let observations = import(&CyclonedxJson, document.as_bytes()).unwrap();
    let asset = assets(&observations)[0];
    assert_eq!((asset.asset_id.as_str(), asset.asset_type), ("web1", AssetType::Server));
    assert_eq!(asset.inventory, [ScanKind::OsPackages, ScanKind::Libraries]);
    assert_eq!(
        (asset.os_type.as_deref(), asset.os_version.as_deref()),
        (Some("debian"), Some("12"))
    );
    assert_eq!(asset.os_architecture.as_deref(), Some("amd64"));
    assert_eq!(asset.tags["kernel"], "6.1.0-18-amd64");
    let back: Vec<Component> = observations
        .iter()
        .filter_map(|o| match o {
            Observation::Component(c) => Some((**c).clone()),
            _ => None,
        })
        .collect();
    assert_eq!(back, host.components);
}

#[test]
fn alpine_and_images_without_a_package_manager_are_read() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\n");
    write(root.path(), "lib/apk/db/installed", "C:Q1x\nP:musl\nV:1.2.5-r0\nA:x86_64\no:musl\n\n");
    assert_eq!(
        purls(&host(root.path(), &[])),
        ["pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.1"]
    );
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "etc/os-release", "ID=debian\nVERSION_ID=12\n");
    let text = "Package: base-files\nVersion: 12.4\nArchitecture: amd64\n";
    write(root.path(), "var/lib/dpkg/status.d/base-files", text);
    write(root.path(), "var/lib/dpkg/status.d/base-files.md5sums", "0 x\n");
    assert_eq!(purls(&host(root.path(), &[])).len(), 1);
}

#[test]
fn the_machine_itself_can_be_read() {
    let found = read(&Wish { root: PathBuf::from("/"), ..Wish::default() }).unwrap();
    assert!(found.kernel.is_some() && found.name.is_some());
}
