//! How bad: severity words, CVSS scores of several sources, and counts by severity.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::words::word_enum;

word_enum! {
    /// Qualitative severity, least first (CVSS v3.1 §5 names them; `info` and `unknown` are
    /// what scanners add).
    Severity default Unknown {
        /// No source rated it.
        Unknown "unknown",
        /// No risk by itself (CVSS "None").
        Info "info",
        /// CVSS 0.1-3.9.
        Low "low",
        /// CVSS 4.0-6.9.
        Medium "medium",
        /// CVSS 7.0-8.9.
        High "high",
        /// CVSS 9.0-10.0.
        Critical "critical",
    }
}

impl Severity {
    /// The rating of a CVSS v3/v4 base score (CVSS v3.1 §5, v4.0 §6).
    #[must_use]
    pub fn of_score(score: f64) -> Self {
        match score {
            s if s >= 9.0 => Self::Critical,
            s if s >= 7.0 => Self::High,
            s if s >= 4.0 => Self::Medium,
            s if s > 0.0 => Self::Low,
            _ => Self::Info,
        }
    }
}

/// What one source says a vulnerability's CVSS is. Kept side by side, never merged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Object)]
pub struct CvssScore {
    /// Who says it: `nvd`, `ghsa`, `redhat`, …
    pub source: String,
    /// `2.0`, `3.0`, `3.1` or `4.0`.
    pub version: String,
    /// The vector string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<String>,
    /// Base score, 0.0 to 10.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

/// How many, by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(default)]
pub struct SeverityCounts {
    /// Critical ones.
    pub critical: u64,
    /// High ones.
    pub high: u64,
    /// Medium ones.
    pub medium: u64,
    /// Low ones.
    pub low: u64,
    /// Informational ones.
    pub info: u64,
    /// Those without a rating.
    pub unknown: u64,
    /// All of them.
    pub total: u64,
}

impl SeverityCounts {
    /// Adds `n` (which may be negative) to one severity and to the total.
    pub fn add(&mut self, severity: Severity, n: i64) {
        let cell = match severity {
            Severity::Unknown => &mut self.unknown,
            Severity::Info => &mut self.info,
            Severity::Low => &mut self.low,
            Severity::Medium => &mut self.medium,
            Severity::High => &mut self.high,
            Severity::Critical => &mut self.critical,
        };
        *cell = cell.saturating_add_signed(n);
        self.total = self.total.saturating_add_signed(n);
    }
}
