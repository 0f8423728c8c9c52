//! What is said of a finding, in the language of VEX (see `domain::vex`).
//!
//! | status of the finding | VEX |
//! |---|---|
//! | open | under investigation: nobody has looked |
//! | triaged, in remediation, pending restart | affected |
//! | risk accepted | affected; the action says that it is accepted |
//! | fixed, verified, and one version is known to fix it | fixed, of that version |
//! | fixed, verified otherwise | not affected: the component is not present |
//! | not affected | not affected, with the decision's justification or reason |
//! | false positive | not affected, with the decision's reason |

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::source::Item;
use super::subject;
use crate::base::Timestamp;
use crate::domain::finding::Finding;
use crate::domain::severity::Severity;
use crate::domain::status::FindingStatus;
use crate::domain::vex::{Justification, VexStatus};

/// Longest text of a statement, bytes.
const TEXT_BYTES: usize = 4000;

/// What is to be done about something that is affected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Nothing: the risk is accepted.
    Accepted(String),
    /// Update.
    Update(String),
    /// What the advisory says.
    Advice(String),
    /// Nothing is known that helps.
    None(String),
}

impl Action {
    /// In words.
    pub fn text(&self) -> &str {
        match self {
            Self::Accepted(text) | Self::Update(text) | Self::Advice(text) | Self::None(text) => {
                text
            }
        }
    }
}

/// What is said of a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Verdict {
    /// Whether it is affected.
    pub status: VexStatus,
    /// Why not, in the words of VEX.
    pub justification: Option<Justification>,
    /// Why not, in words of people. If it is not affected, this or the justification is there.
    pub impact: Option<String>,
    /// What to do, if it is affected.
    pub action: Option<Action>,
    /// When it was decided, if it was.
    pub at: Option<Timestamp>,
}

impl Verdict {
    /// What is said of this one.
    pub fn of(item: &Item) -> Self {
        let finding = &*item.finding;
        let status = status(finding);
        let verdict =
            Self { status, justification: None, impact: None, action: None, at: decided(item) };
        match status {
            VexStatus::Affected => Self { action: Some(action(item)), ..verdict },
            VexStatus::NotAffected if finding.status.is_fixed() => {
                Self { justification: Some(Justification::ComponentNotPresent), ..verdict }
            }
            VexStatus::NotAffected => {
                let justification = item.decision.as_ref().and_then(|d| d.justification);
                let (impact, justification) = match (justification, reason(item)) {
                    (None, None) => (Some("Decided without a reason.".to_owned()), None),
                    (justification, reason) => (reason, justification),
                };
                Self { justification, impact, ..verdict }
            }
            VexStatus::Fixed | VexStatus::UnderInvestigation => verdict,
        }
    }
}

fn status(finding: &Finding) -> VexStatus {
    match finding.status {
        FindingStatus::Open => VexStatus::UnderInvestigation,
        FindingStatus::Triaged
        | FindingStatus::InRemediation
        | FindingStatus::PendingRestart
        | FindingStatus::RiskAccepted => VexStatus::Affected,
        FindingStatus::Fixed | FindingStatus::Verified => match subject::updated_to(finding) {
            Some(_) => VexStatus::Fixed,
            None => VexStatus::NotAffected,
        },
        FindingStatus::FalsePositive | FindingStatus::NotAffected => VexStatus::NotAffected,
    }
}

fn decided(item: &Item) -> Option<Timestamp> {
    let is_decided = item.finding.status.verdict().is_some();
    item.decision.as_ref().filter(|_| is_decided).map(|decision| decision.updated_at)
}

/// Why it was decided.
pub fn reason(item: &Item) -> Option<String> {
    let of_decision = item.decision.as_ref().and_then(|d| d.reason.clone());
    let reason = of_decision.or_else(|| item.finding.status_reason.clone())?;
    let reason = reason.trim();
    let is_false = item.finding.status == FindingStatus::FalsePositive;
    let whole = if is_false { format!("False positive: {reason}") } else { reason.to_owned() };
    (!reason.is_empty()).then(|| clip(&whole).to_owned())
}

fn action(item: &Item) -> Action {
    let finding = &*item.finding;
    if finding.status == FindingStatus::RiskAccepted {
        let until = item.decision.as_ref().and_then(|d| d.expires_at);
        let until = until.map(|at| format!(" until {at}")).unwrap_or_default();
        let why = reason(item).map_or_else(|| ".".to_owned(), |why| format!(": {why}"));
        let control = item.decision.as_ref().and_then(|d| d.compensating_control.clone());
        let control = control.filter(|control| !control.trim().is_empty());
        let meanwhile = control.map(|c| format!("\n\nMeanwhile: {c}")).unwrap_or_default();
        let text = format!("The risk is accepted{until}{why}{meanwhile}");
        return Action::Accepted(clip(&text).to_owned());
    }
    if let Some(version) = finding.fixed_version.as_deref().filter(|v| !v.trim().is_empty()) {
        let text = format!("Update {} to version {version}.", finding.component.name);
        return Action::Update(clip(&text).to_owned());
    }
    let solution = item.vulnerability.solution.as_deref().map(str::trim);
    match solution.filter(|solution| !solution.is_empty()) {
        Some(solution) => Action::Advice(clip(solution).to_owned()),
        None => Action::None("No version without it is known.".to_owned()),
    }
}

/// Cut at a character.
pub fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES)]
}

/// Which of two things said about the same counts: the worse one.
pub fn weight(status: VexStatus) -> u8 {
    match status {
        VexStatus::Affected => 3,
        VexStatus::UnderInvestigation => 2,
        VexStatus::Fixed => 1,
        VexStatus::NotAffected => 0,
    }
}

/// What is said of each subject of some findings, and the highest severity of it. A subject
/// in several places is affected if it is in one of them.
pub fn of_subjects<K: Ord>(
    items: &[Item],
    subject: impl Fn(&Item) -> K,
) -> BTreeMap<K, (Verdict, Severity)> {
    let mut all: BTreeMap<K, (Verdict, Severity)> = BTreeMap::new();
    for item in items {
        let said = (Verdict::of(item), item.finding.severity);
        match all.entry(subject(item)) {
            Entry::Vacant(entry) => {
                entry.insert(said);
            }
            Entry::Occupied(mut entry) => {
                let (verdict, severity) = entry.get_mut();
                *severity = (*severity).max(said.1);
                if weight(verdict.status) < weight(said.0.status) {
                    *verdict = said.0;
                }
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::domain::asset::Asset;
    use crate::domain::decision::Decision;
    use crate::domain::vulnerability::Vulnerability;

    fn item(status: FindingStatus, fixed: Option<&str>, decision: Option<Decision>) -> Item {
        let finding =
            Finding { status, fixed_version: fixed.map(Into::into), ..Finding::default() };
        let vulnerability =
            Vulnerability::new("CVE-2026-1".into(), "test".into(), Timestamp::default());
        Item {
            finding: Rc::new(finding),
            asset: Rc::new(Asset::new("a".into())),
            vulnerability: Rc::new(vulnerability),
            decision: decision.map(Rc::new),
        }
    }

    #[test]
    fn every_status_says_what_its_format_demands() {
        for status in FindingStatus::ALL {
            for fixed in [None, Some("2"), Some("2, 3")] {
                let decided = Decision { reason: Some("why".into()), ..Decision::default() };
                for decision in [None, Some(decided)] {
                    let verdict = Verdict::of(&item(*status, fixed, decision));
                    let says_why = verdict.justification.is_some() || verdict.impact.is_some();
                    assert_eq!(says_why, verdict.status == VexStatus::NotAffected, "{status}");
                    let is_affected = verdict.status == VexStatus::Affected;
                    assert_eq!(verdict.action.is_some(), is_affected, "{status}");
                }
            }
        }
        let fixed = |version| Verdict::of(&item(FindingStatus::Fixed, version, None)).status;
        assert_eq!(fixed(Some("2")), VexStatus::Fixed);
        assert_eq!(fixed(Some("2, 3")), VexStatus::NotAffected);
    }

    #[test]
    fn the_worse_of_two_places_counts() {
        let items = [
            item(FindingStatus::NotAffected, None, None),
            item(FindingStatus::Open, None, None),
            item(FindingStatus::FalsePositive, None, None),
        ];
        let said = of_subjects(&items, |item| item.finding.component.name.clone());
        assert_eq!(said[""].0.status, VexStatus::UnderInvestigation);
    }
}
