//! The life of a finding: its statuses, what leads from one to another, and the history of
//! that. Status is never set: it follows from what scanners see, what people decided, and
//! how far the work is.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::words::word_enum;
use crate::base::Timestamp;

word_enum! {
    /// Where a finding stands.
    FindingStatus default Open {
        /// Needs work.
        Open "open",
        /// Somebody has looked at it; needs work.
        Triaged "triaged",
        /// Being worked on.
        InRemediation "in_remediation",
        /// Fixed on disk, but what runs is still the old; counts as open.
        PendingRestart "pending_restart",
        /// A newer complete scan no longer sees it.
        Fixed "fixed",
        /// Fixed, and another complete scan after that does not see it either.
        Verified "verified",
        /// The scanner is wrong.
        FalsePositive "false_positive",
        /// The risk is accepted, for a reason.
        RiskAccepted "risk_accepted",
        /// Present, but not exploitable here (VEX `not_affected`).
        NotAffected "not_affected",
    }
}

word_enum! {
    /// How far the work on a finding is, while it is open.
    Stage default Open {
        /// Not begun.
        Open "open",
        /// Looked at.
        Triaged "triaged",
        /// Being worked on.
        InRemediation "in_remediation",
        /// Fixed on disk.
        PendingRestart "pending_restart",
    }
}

word_enum! {
    /// What was decided about a finding instead of fixing it.
    Verdict default FalsePositive {
        /// The scanner is wrong.
        FalsePositive "false_positive",
        /// The risk is accepted.
        RiskAccepted "risk_accepted",
        /// Not exploitable here.
        NotAffected "not_affected",
    }
}

impl FindingStatus {
    /// Whether it counts as open.
    #[must_use]
    pub const fn is_open(self) -> bool {
        self.stage().is_some()
    }

    /// Whether it has gone, as far as scanners see.
    #[must_use]
    pub const fn is_fixed(self) -> bool {
        matches!(self, Self::Fixed | Self::Verified)
    }

    /// The stage of an open one.
    #[must_use]
    pub const fn stage(self) -> Option<Stage> {
        match self {
            Self::Open => Some(Stage::Open),
            Self::Triaged => Some(Stage::Triaged),
            Self::InRemediation => Some(Stage::InRemediation),
            Self::PendingRestart => Some(Stage::PendingRestart),
            Self::Fixed
            | Self::Verified
            | Self::FalsePositive
            | Self::RiskAccepted
            | Self::NotAffected => None,
        }
    }

    /// The verdict of one that is decided.
    #[must_use]
    pub const fn verdict(self) -> Option<Verdict> {
        match self {
            Self::FalsePositive => Some(Verdict::FalsePositive),
            Self::RiskAccepted => Some(Verdict::RiskAccepted),
            Self::NotAffected => Some(Verdict::NotAffected),
            Self::Open
            | Self::Triaged
            | Self::InRemediation
            | Self::PendingRestart
            | Self::Fixed
            | Self::Verified => None,
        }
    }

    /// Whether a person may move a finding from `self` to `to`. `fixed` and `verified` are
    /// reached by scans only: fixed means seen fixed. A fixed finding is reopened by a
    /// scan, not by hand.
    #[must_use]
    pub const fn allows(self, to: Self) -> bool {
        match (self, to) {
            (Self::Fixed, Self::Fixed) | (Self::Verified, Self::Verified) => true,
            (Self::Fixed | Self::Verified, _) | (_, Self::Fixed | Self::Verified) => false,
            _ => true,
        }
    }
}

impl From<Stage> for FindingStatus {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Open => Self::Open,
            Stage::Triaged => Self::Triaged,
            Stage::InRemediation => Self::InRemediation,
            Stage::PendingRestart => Self::PendingRestart,
        }
    }
}

impl From<Verdict> for FindingStatus {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::FalsePositive => Self::FalsePositive,
            Verdict::RiskAccepted => Self::RiskAccepted,
            Verdict::NotAffected => Self::NotAffected,
        }
    }
}

/// One change of a finding's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// Who: an account, a scanner, or `system`.
    pub actor: String,
    /// From.
    pub from: FindingStatus,
    /// To.
    pub to: FindingStatus,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The import that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import_id: Option<u64>,
    /// The decision that it follows from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<u64>,
}

/// Most transitions kept on a finding; then the oldest go (the audit log and the imports
/// still have them).
pub const HISTORY: usize = 100;

/// Why a finding's status may have changed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cause<'a> {
    /// When.
    pub at: Timestamp,
    /// Who: an account, a scanner, or `system`.
    pub actor: &'a str,
    /// Why.
    pub reason: Option<&'a str>,
    /// The import that brought it.
    pub import_id: Option<u64>,
}

impl Finding {
    /// What its status is, from what is known.
    fn effective_status(&self) -> FindingStatus {
        let gone = !self.sources.is_empty() && !self.is_present();
        match (gone, self.verified_at, self.verdict) {
            (true, Some(_), _) => FindingStatus::Verified,
            (true, None, _) => FindingStatus::Fixed,
            (false, _, Some(verdict)) => verdict.into(),
            (false, _, None) => self.stage.into(),
        }
    }

    /// Brings the status up to date after a change of sources, verdict or stage, and notes
    /// the transition. Says whether there was one.
    pub fn settle(&mut self, cause: Cause<'_>) -> bool {
        let from = self.status;
        if self.is_present() {
            self.verified_at = None;
            if from.is_fixed() {
                // Work begins anew.
                (self.stage, self.stage_by) = (Stage::Open, None);
            }
        }
        let to = self.effective_status();
        if from.is_fixed() && !to.is_fixed() {
            self.clock.returned(cause.at);
        }
        self.clock.hold(to.verdict().is_some(), cause.at);
        self.overdue &= to.is_open();
        if from == to {
            return false;
        }
        self.status = to;
        if to.is_open() && !from.is_open() {
            self.resolved_at = None;
            self.reopened_at = Some(cause.at);
            self.reopened_count += 1;
        } else if !(to.is_open() || from.is_fixed() && to.is_fixed()) {
            self.resolved_at = Some(cause.at);
        }
        if self.history.len() >= HISTORY {
            self.history.remove(0);
        }
        self.history.push(Transition {
            at: cause.at,
            actor: cause.actor.to_owned(),
            from,
            to,
            reason: cause.reason.map(str::to_owned),
            import_id: cause.import_id,
            decision_id: self.decision_id,
        });
        true
    }
}
