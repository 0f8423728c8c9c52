//! Priority 0-100: what to fix first.
//!
//! The formula is the original's "A" (`services/aggregator/prioritizer.py`):
//! 100·(0.25·cvss/10 + 0.20·epss + 0.15·severity + 0.15·criticality/10 + 0.25·exploit),
//! severity critical 1, high 0.75, medium 0.5, low 0.25, else 0; what is not known counts 0.
//! A vulnerability listed in CISA's KEV counts as exploited.

use super::severity::Severity;

/// What the score is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factors {
    /// CVSS base score, 0 to 10.
    pub cvss: Option<f64>,
    /// EPSS probability, 0 to 1.
    pub epss: Option<f64>,
    /// Severity rating.
    pub severity: Severity,
    /// Exploited or an exploit is public.
    pub exploit: bool,
    /// Asset criticality, 1 to 10.
    pub criticality: u8,
}

/// The score, 0.0 to 100.0, with two decimals.
#[must_use]
pub fn score(f: &Factors) -> f64 {
    let severity = match f.severity {
        Severity::Critical => 1.0,
        Severity::High => 0.75,
        Severity::Medium => 0.5,
        Severity::Low => 0.25,
        Severity::Info | Severity::Unknown => 0.0,
    };
    let sum = 0.25 * f.cvss.unwrap_or(0.0).clamp(0.0, 10.0) / 10.0
        + 0.20 * f.epss.unwrap_or(0.0).clamp(0.0, 1.0)
        + 0.15 * severity
        + 0.15 * f64::from(f.criticality.clamp(1, 10)) / 10.0
        + 0.25 * f64::from(u8::from(f.exploit));
    (sum * 10_000.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_values_of_the_original() {
        let case = |cvss, epss, severity, exploit, criticality| {
            score(&Factors { cvss, epss, severity, exploit, criticality })
        };
        let same = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} is not {b}");
        same(case(Some(9.8), Some(0.97), Severity::Critical, true, 10), 98.9);
        same(case(Some(9.8), Some(0.02), Severity::Critical, false, 5), 47.4);
        same(case(Some(7.5), Some(0.1), Severity::High, false, 5), 39.5);
        same(case(Some(5.3), Some(0.01), Severity::Medium, false, 3), 25.45);
        same(case(None, None, Severity::Low, false, 1), 5.25);
    }

    proptest::proptest! {
        #[test]
        fn stays_within_bounds(cvss in -5.0..20.0f64, epss in -1.0..3.0f64, sev in 0..6usize, exploit: bool, criticality: u8) {
            let s = score(&Factors { cvss: Some(cvss), epss: Some(epss), severity: Severity::ALL[sev], exploit, criticality });
            proptest::prop_assert!((0.0..=100.0).contains(&s));
        }
    }
}
