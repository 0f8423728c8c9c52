//! The lists of package managers: their shapes and rules.

use std::collections::BTreeSet;

use super::{Apk, Dpkg, Rpm};
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{self, assets, components, fixtures, import, skipped};
use crate::base::{Code, limits};
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::purl::Purl;
use crate::domain::scan::ScanKind;

const MANAGERS: [&dyn Importer; 3] = [&Dpkg, &Rpm, &Apk];

fn read(manager: &dyn Importer, text: &str) -> Vec<Observation> {
    import(manager, text.as_bytes()).unwrap()
}

/// Name, version, package URL of the only package.
fn one(manager: &dyn Importer, text: &str) -> (String, String, Option<String>) {
    let observations = read(manager, text);
    let found = components(&observations);
    assert_eq!(found.len(), 1, "{text}");
    (found[0].name.clone(), found[0].version.clone().unwrap(), found[0].purl.clone())
}

#[test]
fn fixtures_become_these_observations() {
    MANAGERS.into_iter().for_each(testing::snapshots);
}

/// Each form of a list says the same; what one does not tell, another may.
#[test]
fn all_forms_of_a_list_agree() {
    for (manager, expected) in [(MANAGERS[0], 38), (MANAGERS[1], 28), (MANAGERS[2], 15)] {
        let mut lists = Vec::new();
        for path in fixtures(manager.name()) {
            let bytes = std::fs::read(&path).unwrap();
            assert!(manager.recognises(&bytes), "{}", path.display());
            let observations = import(manager, &bytes).unwrap();
            assert_eq!(assets(&observations)[0].inventory, [ScanKind::OsPackages]);
            assert_eq!(skipped(&observations, SkipReason::Unidentified), 0, "{}", path.display());
            let found: BTreeSet<_> = components(&observations)
                .iter()
                .map(|c| {
                    // Only `rpm -qa` leaves the epoch out.
                    let version = c.version.clone().unwrap();
                    let version = version.rsplit(':').next().unwrap().to_owned();
                    let arch = c.architecture.as_deref().filter(|_| manager.name() == "rpm");
                    (c.name.clone(), version, arch.map(str::to_owned))
                })
                .collect();
            lists.push(found);
        }
        assert!(lists.len() >= 2);
        assert_eq!(lists[0].len(), expected, "{}", manager.name());
        assert!(lists.iter().all(|list| *list == lists[0]), "{}", manager.name());
    }
}

#[test]
fn os_release_tells_the_system() {
    let text = "# comment\n\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID='debian'\nVERSION_ID=\"12\"\nadduser\t3.134\n";
    let observations = read(&Dpkg, text);
    let asset = assets(&observations)[0];
    assert_eq!((asset.asset_id.as_str(), asset.asset_type.word()), ("", "server"));
    assert_eq!(
        (asset.os_type.as_deref(), asset.os_version.as_deref()),
        (Some("debian"), Some("12"))
    );
    assert_eq!(asset.tags["os_name"], "Debian GNU/Linux 12 (bookworm)");
    let purl = components(&observations)[0].purl.clone();
    assert_eq!(purl.as_deref(), Some("pkg:deb/debian/adduser@3.134?distro=debian-12"));
    let (_, _, none) = one(&Dpkg, "adduser\t3.134\n");
    assert_eq!(none, None, "the distribution is not known");
}

#[test]
fn package_urls_are_right() {
    let debian = "ID=debian\nVERSION_ID=12\n";
    let (_, version, purl) = one(
        &Dpkg,
        &format!("{debian}libstdc++6\t1:12.2.0-14+deb12u1\tamd64\tgcc-12\t12.2.0-14+deb12u1\n"),
    );
    assert_eq!(version, "1:12.2.0-14+deb12u1");
    assert_eq!(
        purl.as_deref(),
        Some("pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12")
    );
    assert_eq!(Purl::parse(&purl.unwrap()).unwrap().name, "libstdc++6");
    let (_, version, purl) = one(
        &Rpm,
        "ID=\"rhel\"\nVERSION_ID=\"9.2\"\nopenssl\t1\t3.0.7\t16.el9_2\tx86_64\topenssl-3.0.7-16.el9_2.src.rpm\n",
    );
    assert_eq!(version, "1:3.0.7-16.el9_2");
    assert_eq!(
        purl.as_deref(),
        Some("pkg:rpm/redhat/openssl@3.0.7-16.el9_2?arch=x86_64&distro=rhel-9.2&epoch=1")
    );
    let (_, _, purl) =
        one(&Apk, "ID=alpine\nVERSION_ID=3.17.0\nmusl-1.2.3-r4 x86_64 {musl} (MIT) [installed]\n");
    assert_eq!(
        purl.as_deref(),
        Some("pkg:apk/alpine/musl@1.2.3-r4?arch=x86_64&distro=alpine-3.17.0")
    );
}

#[test]
fn source_packages_are_kept() {
    for (manager, text) in [
        (MANAGERS[0], "libssl3\t3.0.9-1\tamd64\topenssl\t3.0.9-1\n"),
        (
            MANAGERS[0],
            "Package: libssl3\nStatus: install ok installed\nVersion: 3.0.9-1+b1\nArchitecture: amd64\nSource: openssl (3.0.9-1)\nDescription: x\n a\n",
        ),
        (MANAGERS[1], "libssl3\t(none)\t3.0.9\t1\tx86_64\topenssl-3.0.9-1.src.rpm\n"),
        (MANAGERS[2], "P:libssl3\nV:3.0.9-r1\nA:x86_64\no:openssl\n\n"),
    ] {
        let observations = read(manager, text);
        let c = components(&observations)[0];
        assert_eq!(
            (c.name.as_str(), c.source_package.as_deref()),
            ("libssl3", Some("openssl")),
            "{text}"
        );
        assert!(c.source_version.as_deref().unwrap().starts_with("3.0.9-"), "{text}");
    }
    let own = read(&Dpkg, "Package: dpkg\nStatus: install ok installed\nVersion: 1.21\n");
    assert_eq!(components(&own)[0].source_package.as_deref(), Some("dpkg"));
}

#[test]
fn names_of_rpm_come_apart() {
    for (line, name, version) in [
        (
            "java-11-openjdk-headless-11.0.20.0.8-3.el9.x86_64",
            "java-11-openjdk-headless",
            "11.0.20.0.8-3.el9",
        ),
        ("bash-(none):5.1.8-6.el9.x86_64", "bash", "5.1.8-6.el9"),
        ("dbus-1:1.12.20-7.el9_1.x86_64", "dbus", "1:1.12.20-7.el9_1"),
        ("libfoo-1.0~rc1^git1-1.fc38.noarch", "libfoo", "1.0~rc1^git1-1.fc38"),
        ("bash\t5.1.8\t6.el9\tx86_64", "bash", "5.1.8-6.el9"),
        (
            "dbus\t1:1.12.20-7.el9_1\tx86_64\tdbus-1.12.20-7.el9_1.src.rpm",
            "dbus",
            "1:1.12.20-7.el9_1",
        ),
        ("dbus\t1.12.20\t7.el9_1\t1\tx86_64", "dbus", "1:1.12.20-7.el9_1"),
        ("tz\t(none)\t20230101\t1\tnoarch\t(none)", "tz", "20230101-1"),
    ] {
        let (found, of, _) = one(&Rpm, &format!("{line}\n"));
        assert_eq!((found.as_str(), of.as_str()), (name, version), "{line}");
    }
}

#[test]
fn what_is_not_installed_is_counted() {
    let listed = "Desired=Unknown/Install/Remove/Purge/Hold\n||/ Name Version\n+++-==\nii  libc6:amd64  2.36-9 amd64 x\nrc  old  1.0-1 amd64 x\nhi  held 1.0 all x\niU  half 2.0 all x\n";
    let found = read(&Dpkg, listed);
    let names: Vec<_> = components(&found).iter().map(|c| c.name.clone()).collect();
    assert_eq!(names, ["libc6", "held", "half"]);
    assert_eq!(components(&found)[0].architecture.as_deref(), Some("amd64"));
    assert_eq!(skipped(&found, SkipReason::Informational), 1);
    let status = "Package: a1\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: b1\nStatus: install ok installed\nVersion: 2\n";
    let found = read(&Dpkg, status);
    assert_eq!((components(&found).len(), skipped(&found, SkipReason::Informational)), (1, 1));
    let found = read(&Dpkg, "adduser\t3.134\nremoved\t\n");
    assert_eq!(skipped(&found, SkipReason::Informational), 1);
    let found = read(
        &Rpm,
        "gpg-pubkey-fd431d51-4ae0493b\ngpg-pubkey-fd431d51-4ae0493b.(none)\nbash-5.1.8-6.el9.x86_64\n",
    );
    assert_eq!((components(&found).len(), skipped(&found, SkipReason::Informational)), (1, 2));
    let found = read(
        &Apk,
        "musl-1.2.3-r4 x86_64 {musl} (MIT)\nzlib-1.2-r0 x86_64 {zlib} (Zlib) [installed]\nzlib-1.3-r0 x86_64 {zlib} (Zlib) [upgradable from: zlib-1.2-r0]\n",
    );
    assert_eq!((components(&found).len(), skipped(&found, SkipReason::Informational)), (1, 2));
    assert_eq!(assets(&found)[0].inventory, [ScanKind::OsPackages]);
}

#[test]
fn a_line_that_is_not_understood_leaves_the_list_open() {
    for (manager, text) in [
        (MANAGERS[0], "Welcome to web1!\nadduser\t3.134\r\nbase-files\t12.4\n"),
        (MANAGERS[1], "bash-5.1.8-6.el9.x86_64\nerror: rpmdb: damaged header\n"),
        (
            MANAGERS[2],
            "WARNING: opening cache: No such file\nmusl-1.2.3-r4\nmusl-utils-1.2.3_git20230424-r4 - the musl tools\n",
        ),
    ] {
        let found = read(manager, text);
        assert_eq!(skipped(&found, SkipReason::Unidentified), 1, "{text}");
        assert_eq!(assets(&found)[0].inventory, [], "{text}");
    }
}

#[test]
fn what_is_no_list_is_an_error() {
    for manager in MANAGERS {
        for text in ["", "hello\n", "a\tb\tc\n", "ID=debian\n", "{\"a\":1}\n", "\0\0\0\n\u{fffd}"] {
            let error = import(manager, text.as_bytes()).unwrap_err();
            assert_eq!(error.code(), Code::BadReport, "{text:?}");
            assert!(!manager.recognises(text.as_bytes()), "{text:?}");
        }
    }
    let error = import(&Apk, b"hello\nworld\n").unwrap_err();
    assert_eq!(error.to_string(), "this is no list of apk: none of 2 lines is a package");
    let long = format!("Package: {}\nStatus: install ok installed\nVersion: 1\n", "n".repeat(2000));
    let error = import(&Dpkg, long.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("a name of 2000 bytes") && error.ends_with("at line 3"), "{error}");
    let endless = "x".repeat(limits::REPORT_STRING_BYTES + (1 << 20));
    let error = import(&Rpm, endless.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("a single line is longer than 16 MiB"), "{error}");
}

#[test]
fn lists_are_not_taken_for_each_other() {
    for manager in MANAGERS {
        for other in MANAGERS.iter().filter(|other| other.name() != manager.name()) {
            for path in fixtures(other.name()) {
                let bytes = std::fs::read(&path).unwrap();
                assert!(!manager.recognises(&bytes), "{} {}", manager.name(), path.display());
            }
        }
        let wide: Vec<u8> =
            "\u{feff}adduser\t3.134\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(components(&import(&Dpkg, &wide).unwrap())[0].name, "adduser");
    }
}
