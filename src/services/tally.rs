//! Keeping the counts that assets and vulnerabilities carry of their findings. Every write
//! of a finding goes through a [`Tally`], so that the counts are part of its transaction.

use std::collections::HashMap;

use crate::base::Result;
use crate::domain::asset::Asset;
use crate::domain::finding::Finding;
use crate::domain::severity::Severity;
use crate::domain::vulnerability::{Vulnerability, VulnerabilityStatus};
use crate::store::{Read, Tx};

/// Changes of counts, gathered over a transaction and written once per record.
#[derive(Default)]
pub struct Tally {
    assets: HashMap<u64, HashMap<Severity, i64>>,
    vulnerabilities: HashMap<u64, (i64, i64)>,
}

impl Tally {
    /// A finding is new (`before` is `None`), changed, or gone (`after` is `None`).
    pub fn moved(&mut self, before: Option<&Finding>, after: Option<&Finding>) {
        for (finding, sign) in [(before, -1), (after, 1)] {
            let Some(finding) = finding else { continue };
            let open = if finding.status.is_open() { sign } else { 0 };
            if open != 0 {
                *self
                    .assets
                    .entry(finding.asset_id)
                    .or_default()
                    .entry(finding.severity)
                    .or_default() += open;
            }
            let counts = self.vulnerabilities.entry(finding.vulnerability_id).or_default();
            counts.0 += open;
            counts.1 += sign;
        }
    }

    /// Writes the counts.
    pub fn flush(self, tx: &mut Tx<'_>) -> Result<()> {
        for (id, by_severity) in self.assets {
            if by_severity.values().all(|n| *n == 0) {
                continue;
            }
            let mut asset: Asset = tx.require(id)?;
            for (severity, n) in by_severity {
                asset.open_findings.add(severity, n);
            }
            asset.risk_score = asset.compute_risk_score();
            tx.update(asset)?;
        }
        for (id, (open, total)) in self.vulnerabilities {
            if (open, total) != (0, 0) {
                let vulnerability: Vulnerability = tx.require(id)?;
                let counted = count(vulnerability, open, total, tx.now());
                tx.update(counted)?;
            }
        }
        Ok(())
    }
}

/// Applies counts to a vulnerability; its status follows when the last open finding goes,
/// or one comes back.
fn count(
    mut v: Vulnerability,
    open: i64,
    total: i64,
    now: crate::base::Timestamp,
) -> Vulnerability {
    let was_open = v.open_findings > 0;
    v.open_findings = v.open_findings.saturating_add_signed(open);
    v.total_findings = v.total_findings.saturating_add_signed(total);
    let is_open = v.open_findings > 0;
    let decided = matches!(v.status, VulnerabilityStatus::Rejected | VulnerabilityStatus::Ignored);
    if was_open && !is_open && !decided {
        v.status = VulnerabilityStatus::Remediated;
        v.remediated_at = Some(now);
    } else if is_open && v.status == VulnerabilityStatus::Remediated {
        v.status = VulnerabilityStatus::New;
        v.remediated_at = None;
    }
    v
}
