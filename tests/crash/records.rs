//! Records as a scanner would bring them. The content is synthetic: plausible words and
//! numbers, the same for the same number.

use vulnzero::base::Timestamp;
use vulnzero::domain::asset::{Asset, AssetType, Environment, Exposure};
use vulnzero::domain::audit::AuditLog;
use vulnzero::domain::component::Component;
use vulnzero::domain::finding::{Finding, Source};
use vulnzero::domain::severity::Severity;
use vulnzero::domain::status::FindingStatus;
use vulnzero::domain::vulnerability::Vulnerability;

const PACKAGES: [&str; 16] = [
    "openssl",
    "libc6",
    "curl",
    "zlib1g",
    "log4j-core",
    "libxml2",
    "busybox",
    "python3.11",
    "systemd",
    "sqlite3",
    "krb5-locales",
    "libexpat1",
    "perl-base",
    "openssh-client",
    "tar",
    "nginx",
];
const FLAWS: [&str; 8] = [
    "out-of-bounds read",
    "use after free",
    "integer overflow",
    "path traversal",
    "improper input validation",
    "denial of service",
    "heap overflow",
    "race condition",
];
const ECOSYSTEMS: [&str; 6] = ["deb", "rpm", "apk", "npm", "maven", "pypi"];

/// A number that looks random, the same for the same `n` and `salt` (SplitMix64).
fn mixed(n: u64, salt: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt.wrapping_mul(0xbf58_476d));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn pick<T: Copy>(from: &[T], n: u64, salt: u64) -> T {
    from[(mixed(n, salt) % from.len() as u64) as usize]
}

/// A second in 2024 or 2025.
fn moment(n: u64, salt: u64) -> Timestamp {
    let seconds = 1_704_067_200 + mixed(n, salt) % (2 * 365 * 86_400);
    Timestamp::from_micros(seconds as i64 * 1_000_000)
}

/// Severities as reports have them: few are critical.
fn severity(n: u64) -> Severity {
    match mixed(n, 1) % 100 {
        0..5 => Severity::Critical,
        5..25 => Severity::High,
        25..65 => Severity::Medium,
        65..95 => Severity::Low,
        _ => Severity::Unknown,
    }
}

/// The `n`-th asset.
pub fn asset(n: u64) -> Asset {
    let mut asset = Asset::new(format!("host-{n:06}.example.org"));
    asset.asset_type =
        pick(&[AssetType::Server, AssetType::Container, AssetType::VirtualMachine], n, 2);
    asset.hostname = Some(asset.asset_id.clone());
    asset.ip_address = Some(format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255));
    asset.os_type = Some(pick(&["debian", "ubuntu", "rhel", "alpine"], n, 3).to_owned());
    asset.environment =
        pick(&[Environment::Production, Environment::Staging, Environment::Test], n, 4);
    asset.exposure = pick(&[Exposure::Internal, Exposure::Internet, Exposure::Isolated], n, 5);
    asset.criticality = (mixed(n, 6) % 10) as u8 + 1;
    asset.owner = (!n.is_multiple_of(3)).then(|| format!("team-{}", mixed(n, 7) % 20));
    asset.tags.insert("rack".into(), format!("r{}", mixed(n, 8) % 40));
    asset.last_seen = Some(moment(n, 9));
    asset.risk_score = (mixed(n, 10) % 1000) as f64 / 10.0;
    asset
}

/// The `n`-th vulnerability.
pub fn vulnerability(n: u64) -> Vulnerability {
    let id = format!("CVE-{}-{:05}", 2015 + mixed(n, 11) % 11, 10_000 + n);
    let mut v = Vulnerability::new(id, "trivy".into(), moment(n, 12));
    let package = pick(&PACKAGES, n, 13);
    v.title = format!("{package}: {} in a parser", pick(&FLAWS, n, 14));
    v.description = Some(format!(
        "A flaw was found in {package}. A crafted input leads to {}, which lets a remote \
         attacker read memory, stop the service or, in some configurations, run code.",
        pick(&FLAWS, n, 14)
    ));
    v.severity = severity(n);
    v.cvss_score = Some((mixed(n, 15) % 101) as f64 / 10.0);
    v.epss_score = Some((mixed(n, 16) % 100_000) as f64 / 100_000.0);
    v.kev = mixed(n, 17).is_multiple_of(100);
    v.cwe_ids = vec![format!("CWE-{}", pick(&[79, 89, 125, 190, 416, 787], n, 18))];
    v.references = (0..3).map(|r| format!("https://advisories.example.org/{n}/{r}")).collect();
    v.published_at = Some(moment(n, 19));
    v.affected_package = Some(package.to_owned());
    v.derive();
    v
}

/// The `n`-th finding, on these.
pub fn finding(n: u64, asset: &Asset, v: &Vulnerability) -> Finding {
    let (first_seen, last_seen) = (moment(n, 20), moment(n, 21));
    let ecosystem = pick(&ECOSYSTEMS, n, 22);
    let fixed = !mixed(n, 23).is_multiple_of(3);
    let status = match mixed(n, 24) % 10 {
        0..7 => FindingStatus::Open,
        7 => FindingStatus::Triaged,
        8 => FindingStatus::Fixed,
        _ => FindingStatus::RiskAccepted,
    };
    Finding {
        created_at: first_seen,
        updated_at: first_seen,
        asset_id: asset.id,
        asset: asset.asset_id.clone(),
        vulnerability_id: v.id,
        cve_id: v.cve_id.clone(),
        title: v.title.clone(),
        severity: v.severity,
        status,
        component: Component {
            name: v.affected_package.clone().unwrap_or_default(),
            version: Some(format!("{}.{}-{n}", mixed(n, 25) % 9, mixed(n, 26) % 30)),
            purl: Some(format!("pkg:{ecosystem}/{}@1.{n}", pick(&PACKAGES, n, 13))),
            ecosystem: Some(ecosystem.to_owned()),
            ..Component::default()
        },
        fixed_version: fixed.then(|| format!("9.{}", mixed(n, 27) % 30)),
        fix_available: fixed,
        priority_score: (mixed(n, 28) % 1000) as f64 / 10.0,
        cvss_score: v.cvss_score,
        epss_score: v.epss_score,
        kev: v.kev,
        first_seen,
        last_seen,
        resolved_at: (!status.is_open()).then_some(last_seen),
        due_at: mixed(n, 29).is_multiple_of(2).then(|| moment(n, 30)),
        assigned_to: mixed(n, 31).is_multiple_of(4).then(|| format!("user{}", mixed(n, 32) % 30)),
        sources: vec![Source {
            scanner: "trivy".into(),
            scanner_version: Some("0.58.1".into()),
            severity: v.severity,
            first_seen,
            last_seen,
            import_id: 1 + n / 1000,
            present: true,
            ..Source::default()
        }],
        last_import_id: 1 + n / 1000,
        ..Finding::default()
    }
}

/// An audit entry.
pub fn audit(action: &str, resource: &str) -> AuditLog {
    AuditLog {
        action: action.to_owned(),
        actor: "synthetic".into(),
        resource_type: Some("assets".into()),
        resource: Some(resource.to_owned()),
        success: true,
        hash: "0".repeat(64),
        ..AuditLog::default()
    }
}
