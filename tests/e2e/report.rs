//! Synthetic Trivy reports of any size, written as a stream. The same numbers always give
//! the same report.

use std::io::{self, Write};

/// What a report holds.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The asset that was scanned.
    pub asset: String,
    /// When; without it the program takes the time of the import.
    pub created_at: Option<&'static str>,
    /// Findings, by number: what a number means never changes.
    pub findings: std::ops::Range<u64>,
    /// Numbers to leave out.
    pub without: fn(u64) -> bool,
    /// Bytes of each description.
    pub text: usize,
}

impl Plan {
    /// A report with these findings, made on the given day of 2026-01.
    pub fn new(asset: &str, findings: std::ops::Range<u64>) -> Self {
        let created_at = Some("2026-01-01T10:00:00Z");
        Self { asset: asset.to_owned(), created_at, findings, without: |_| false, text: 120 }
    }

    /// The report in memory.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes).expect("memory takes everything");
        bytes
    }

    /// Writes the report.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let created = self.created_at.map(|t| format!("\"CreatedAt\":\"{t}\","));
        write!(
            out,
            "{{\"SchemaVersion\":2,{}\"ArtifactName\":\"{}\",\"ArtifactType\":\"container_image\",\
             \"Metadata\":{{\"OS\":{{\"Family\":\"debian\",\"Name\":\"12.5\"}}}},\"Results\":[\
             {{\"Target\":\"{} (debian 12.5)\",\"Class\":\"os-pkgs\",\"Type\":\"debian\",\
             \"Vulnerabilities\":[",
            created.unwrap_or_default(),
            self.asset,
            self.asset
        )?;
        let mut comma = "";
        for n in self.findings.clone().filter(|n| !(self.without)(*n)) {
            write!(out, "{comma}")?;
            self.entry(out, n)?;
            comma = ",";
        }
        write!(out, "]}}]}}")
    }

    fn entry(&self, out: &mut impl Write, n: u64) -> io::Result<()> {
        let severity = ["LOW", "MEDIUM", "MEDIUM", "HIGH", "CRITICAL"][(n % 5) as usize];
        let (cve, package) = (100_000 + n / 4, n % 997);
        let words = format!("Words about {cve} ");
        let rest = "x".repeat(self.text.saturating_sub(words.len()));
        let fixed = if n.is_multiple_of(3) { "" } else { "\"FixedVersion\":\"2.0.1\"," };
        write!(
            out,
            "{{\"VulnerabilityID\":\"CVE-2025-{cve}\",\"PkgName\":\"lib{package}\",\
             \"InstalledVersion\":\"1.{n}\",{fixed}\"Status\":\"{}\",\"Severity\":\"{severity}\",\
             \"Title\":\"Flaw {cve} of a library\",\"Description\":\"{words}{rest}\",\
             \"CVSS\":{{\"nvd\":{{\"V3Vector\":\"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N\",\
             \"V3Score\":7.5}}}},\"References\":[\"https://example.org/{cve}\"]}}",
            if fixed.is_empty() { "affected" } else { "fixed" },
        )
    }
}
