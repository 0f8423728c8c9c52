//! CVSS vectors and scores out of foreign documents: the one place that reads them.
//!
//! Documents write vectors in many ways: `CVSS:3.1/AV:N/…`, without the prefix, as
//! `CVSS2#AV:N/…`, in brackets, with temporal and environmental metrics. The version is what
//! the vector says; a score that is missing is computed from the base metrics. Which source
//! a score is of is the format's business and not here.

use cvss::Cvss;

use super::text;
use crate::base::limits;
use crate::domain::severity::CvssScore;

/// Base metrics by version; with them a vector is told from another version's, and only
/// they count for the base score.
const BASE: [(&str, &[&str]); 3] = [
    ("4.0", &["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"]),
    ("3.1", &["AV", "AC", "PR", "UI", "S", "C", "I", "A"]),
    ("2.0", &["AV", "AC", "Au", "C", "I", "A"]),
];

/// What `source` says; `None` if it says nothing. The version is the vector's; a score
/// without a vector counts as 3.1. A vector that is none is left out, and so is a score
/// that is not in 0 to 10; a missing score is computed.
#[must_use]
pub fn score(source: &str, vector: Option<&str>, score: Option<f64>) -> Option<CvssScore> {
    versioned(source, "3.1", vector, score)
}

/// The same for documents that tell the version beside (`2`, `2.0`, `3`, `3.1`, `4.0`, also
/// `CVSS_V3`): it counts where the vector does not say.
#[must_use]
pub fn versioned(
    source: &str,
    version: &str,
    vector: Option<&str>,
    score: Option<f64>,
) -> Option<CvssScore> {
    let source = text::to_name(source).ok().flatten()?;
    let vector = vector.and_then(Vector::read);
    let score = score.filter(|s| (0.0..=10.0).contains(s));
    // Without a vector, 0 is what programs write for "none".
    if vector.is_none() && score.is_none_or(|s| s == 0.0) {
        return None;
    }
    let version = vector.as_ref().map_or_else(|| known(version), |v| v.version);
    let score = score.or_else(|| vector.as_ref()?.score());
    Some(CvssScore { source, version: version.to_owned(), vector: vector.map(|v| v.text), score })
}

/// The short name of a source: `nvd` for `nvd@nist.gov` or `NVD`, `ghsa` for GitHub.
#[must_use]
pub fn source_name(source: &str) -> String {
    match source.trim().to_ascii_lowercase().as_str() {
        "nvd@nist.gov" => "nvd".to_owned(),
        "github" | "github_m" | "security-advisories@github.com" => "ghsa".to_owned(),
        "secalert@redhat.com" | "redhat_cve" | "redhat_api" => "redhat".to_owned(),
        source => source.to_owned(),
    }
}

/// The version that a document names.
fn known(version: &str) -> &'static str {
    let digits = version.trim_start_matches(|c: char| !c.is_ascii_digit());
    match digits.get(..3).or(digits.get(..1)) {
        Some("3.0") => "3.0",
        Some(v) if v.starts_with('2') => "2.0",
        Some(v) if v.starts_with('4') => "4.0",
        _ => "3.1",
    }
}

/// A vector that can be shown.
struct Vector {
    version: &'static str,
    /// With its prefix, unless it is of version 2, which has none.
    text: String,
}

impl Vector {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches(|c| matches!(c, '(' | ')' | '/' | ' '));
        // Nessus: `CVSS2#AV:N/…`; what stands before '#' is no metric.
        let text = text.rsplit('#').next()?;
        let (prefix, metrics) = match text.split_once('/') {
            Some((prefix, rest)) if prefix.starts_with("CVSS:") => (prefix.get(5..), rest),
            _ => (None, text),
        };
        let part = |part: &str| {
            let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric());
            part.split_once(':').is_some_and(|(metric, value)| word(metric) && word(value))
        };
        if text.len() > limits::NAME_BYTES || !metrics.split('/').all(part) {
            return None;
        }
        let has = |metric: &str| metrics.split('/').any(|p| p.split(':').next() == Some(metric));
        let by_metrics = || {
            let whole = |(_, base): &&(_, &[&str])| base.iter().all(|m| has(m));
            BASE.iter().find(whole).map(|(version, _)| *version)
        };
        let version = match prefix {
            Some("4.0") => "4.0",
            Some("3.1") => "3.1",
            Some("3.0") => "3.0",
            Some("2.0") => "2.0",
            Some(_) => return None,
            None => by_metrics()?,
        };
        let prefix = if version == "2.0" { String::new() } else { format!("CVSS:{version}/") };
        Some(Self { version, text: format!("{prefix}{metrics}") })
    }

    /// The base score.
    fn score(&self) -> Option<f64> {
        let family = if self.version == "3.0" { "3.1" } else { self.version };
        let (_, base) = BASE.iter().find(|(version, _)| *version == family)?;
        let is_base = |part: &&str| {
            let metric = part.split(':').next().unwrap_or_default();
            metric == "CVSS" || base.contains(&metric)
        };
        let parts: Vec<_> = self.text.split('/').filter(is_base).collect();
        let has = |m: &&str| parts.iter().any(|part| part.split(':').next() == Some(*m));
        if !base.iter().all(has) {
            return None;
        }
        let vector = parts.join("/").parse::<Cvss>();
        vector
            .map(|vector| vector.score())
            .map_err(|e| tracing::debug!(error = %e, "a CVSS vector without a score"))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_read_however_they_are_written() {
        let v31 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H";
        let v30 = "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:U/C:N/I:N/A:H";
        let v40 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
        let v2 = "AV:N/AC:L/Au:N/C:P/I:P/A:P";
        for (text, version, vector, score) in [
            (v31, "3.1", v31, 10.0),
            (&v31[9..], "3.1", v31, 10.0),
            (v30, "3.0", v30, 6.5),
            (v40, "4.0", v40, 9.3),
            (&v40[9..], "4.0", v40, 9.3),
            (v2, "2.0", v2, 7.5),
            ("CVSS2#AV:N/AC:L/Au:N/C:P/I:P/A:P", "2.0", v2, 7.5),
            (" (AV:N/AC:L/Au:N/C:P/I:P/A:P) ", "2.0", v2, 7.5),
            ("CVSS:2.0/AV:N/AC:L/Au:N/C:P/I:P/A:P/", "2.0", v2, 7.5),
        ] {
            let read = super::score("nvd", Some(text), None).unwrap();
            let found = (read.version.as_str(), read.vector.as_deref(), read.score);
            assert_eq!(found, (version, Some(vector), Some(score)), "{text}");
        }
    }

    #[test]
    fn the_base_score_is_of_the_base_metrics() {
        let temporal = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U/RL:O/RC:C/MAV:P";
        let read = super::score("x", Some(temporal), None).unwrap();
        assert_eq!((read.score, read.vector.as_deref()), (Some(9.8), Some(temporal)));
        let threat = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:H/SC:N/SI:N/SA:N/E:U";
        assert_eq!(super::score("x", Some(threat), None).unwrap().score, Some(8.7));
        let told = super::score("x", Some(temporal), Some(7.5)).unwrap();
        assert_eq!(told.score, Some(7.5), "what the source says counts");
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        let long = format!("AV:{}", "N".repeat(2000));
        for text in ["", "x", "CVSS:5.0/AV:N", "AV:N/<b>", "AV:N/AC:L", "AV:N//AC:L", &long, "é:é"]
        {
            assert_eq!(super::score("x", Some(text), None), None, "{text}");
            let scored = super::score("x", Some(text), Some(5.0)).unwrap();
            assert_eq!((scored.vector, scored.score), (None, Some(5.0)), "{text}");
        }
        let nothing = [None, Some(0.0), Some(-1.0), Some(10.1), Some(f64::NAN)];
        assert!(nothing.iter().all(|score| super::score("x", None, *score).is_none()));
        let odd = super::score("x", Some("CVSS:3.1/AV:N/XX:Y"), None).unwrap();
        assert_eq!((odd.version.as_str(), odd.score), ("3.1", None));
    }

    #[test]
    fn versions_are_those_that_documents_name() {
        for (named, version) in [
            ("2", "2.0"),
            ("CVSS_V2", "2.0"),
            ("3", "3.1"),
            ("CVSS_V3", "3.1"),
            ("3.0", "3.0"),
            ("CVSS_V4", "4.0"),
            ("", "3.1"),
        ] {
            assert_eq!(versioned("x", named, None, Some(1.0)).unwrap().version, version, "{named}");
        }
    }
}
