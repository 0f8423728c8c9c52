//! What rules and SLA policies together mean for a finding. Pure: the finding, its asset and
//! its vulnerability in, the finding out.
//!
//! Rules are tried in their order. For each thing (who, by when, looked at, what to know)
//! the first rule that sets it wins; a rule that stops ends it. Where no rule says by when,
//! the first SLA policy that matches does. What a person or a decision says is stronger and
//! stays. What a rule or a policy has set is derived: applied again, the same comes out, and
//! what no longer applies is taken back. Fixed findings keep what held when they were fixed.

use super::asset::Asset;
use super::finding::Finding;
use super::matcher::{Facts, Matcher};
use super::origin::{self, Origin, OriginKind, TRACE, Thing, Trace};
use super::rule::Rule;
use super::sla::{OnReopen, SlaPolicy, WhileAccepted};
use super::status::{Cause, Stage};
use super::vulnerability::Vulnerability;
use crate::base::Timestamp;
use crate::base::record::Record;

/// What stands in an order in which it is tried, and has a matcher.
pub trait Ordered: Record + PartialEq {
    /// Most of them.
    const MOST: usize;
    /// Index by the order.
    const BY_ORDER: &'static str;
    /// Its place.
    fn order(&self) -> u64;
    /// Gives it a place.
    fn set_order(&mut self, order: u64);
    /// Which findings it is about.
    fn matcher(&self) -> &Matcher;
}

macro_rules! ordered {
    ($record:ty, $most:expr, $index:literal) => {
        impl Ordered for $record {
            const MOST: usize = $most;
            const BY_ORDER: &'static str = $index;

            fn order(&self) -> u64 {
                self.order
            }

            fn set_order(&mut self, order: u64) {
                self.order = order;
            }

            fn matcher(&self) -> &Matcher {
                &self.matcher
            }
        }
    };
}

ordered!(Rule, super::rule::RULES, "idx_rules_order");
ordered!(SlaPolicy, super::sla::POLICIES, "idx_sla_policies_order");

/// Enabled rules and policies, in their order, ready to be applied.
#[derive(Debug, Clone, Default)]
pub struct Ruleset {
    rules: Vec<Rule>,
    policies: Vec<SlaPolicy>,
}

/// What the rules that match say.
#[derive(Default)]
struct Said {
    assign: Option<(Origin, String)>,
    due: Option<(Origin, Timestamp)>,
    note: Option<(Origin, String)>,
    triage: Option<Origin>,
}

impl Ruleset {
    /// The enabled ones of these.
    #[must_use]
    pub fn new(rules: Vec<Rule>, policies: Vec<SlaPolicy>) -> Self {
        let mut rules: Vec<Rule> = rules
            .into_iter()
            .filter(|rule| rule.enabled)
            .map(|rule| Rule { matcher: rule.matcher.lowered(), ..rule })
            .collect();
        let mut policies: Vec<SlaPolicy> = policies
            .into_iter()
            .filter(|policy| policy.enabled)
            .map(|policy| SlaPolicy { matcher: policy.matcher.lowered(), ..policy })
            .collect();
        rules.sort_by_key(|rule| (rule.order, rule.id));
        policies.sort_by_key(|policy| (policy.order, policy.id));
        Self { rules, policies }
    }

    /// Whether any rule or policy looks at ids of vulnerabilities.
    #[must_use]
    pub fn names_ids(&self) -> bool {
        self.matchers().any(Matcher::names_ids)
    }

    /// Whether any looks at assets.
    #[must_use]
    pub fn names_assets(&self) -> bool {
        self.matchers().any(Matcher::names_assets)
    }

    fn matchers(&self) -> impl Iterator<Item = &Matcher> {
        let rules = self.rules.iter().map(|rule| &rule.matcher);
        rules.chain(self.policies.iter().map(|policy| &policy.matcher))
    }

    /// Gives a finding what follows from rules and policies, and says whether it is overdue
    /// at `now`.
    pub fn apply(
        &self,
        finding: &mut Finding,
        asset: &Asset,
        vulnerability: &Vulnerability,
        now: Timestamp,
    ) {
        if !finding.status.is_fixed() {
            let said = self.say(finding, asset, vulnerability);
            settle(finding, said, now);
        }
        finding.note_overdue(now);
    }

    fn say(&self, finding: &Finding, asset: &Asset, vulnerability: &Vulnerability) -> Said {
        let mut said = Said::default();
        if self.rules.is_empty() && self.policies.is_empty() {
            return said;
        }
        let facts = Facts::of(finding, asset, vulnerability);
        let due =
            |days, reopen, accepted| finding.clock.due(finding.first_seen, days, reopen, accepted);
        for rule in self.rules.iter().filter(|rule| rule.matcher.matches(&facts)) {
            let by = || Origin::of(OriginKind::Rule, rule.id, &rule.name);
            let actions = &rule.actions;
            if said.assign.is_none() {
                said.assign = actions.assign_to.clone().map(|who| (by(), who));
            }
            if said.note.is_none() {
                said.note = actions.note.clone().map(|note| (by(), note));
            }
            if said.due.is_none() {
                let at = |days| due(days, OnReopen::Restart, WhileAccepted::Pause);
                said.due = actions.due_days.map(|days| (by(), at(days)));
            }
            if said.triage.is_none() && actions.triage {
                said.triage = Some(by());
            }
            if rule.stop {
                break;
            }
        }
        if said.due.is_none() {
            let policy = self.policies.iter().find(|policy| policy.matcher.matches(&facts));
            said.due = policy.map(|p| {
                let at = due(p.days, p.on_reopen, p.while_accepted);
                (Origin::of(OriginKind::Sla, p.id, &p.name), at)
            });
        }
        said
    }
}

/// Brings a finding's derived values to what is said, noting each change in its trace.
fn settle(finding: &mut Finding, said: Said, now: Timestamp) {
    let mut log = Log { now, entries: Vec::new() };
    log.give(Thing::AssignedTo, &mut finding.assigned_to, &mut finding.assigned_by, said.assign);
    log.give(Thing::DueAt, &mut finding.due_at, &mut finding.due_by, said.due);
    log.give(Thing::Notes, &mut finding.notes, &mut finding.notes_by, said.note);
    log.triage(finding, said.triage);
    let reason = log.entries.iter().find(|t| t.thing == Thing::Status).map(|t| {
        let verb = if t.value.is_some() { "says so" } else { "no longer applies" };
        format!("rule '{}' {verb}", t.by.name)
    });
    finding.trace.extend(log.entries);
    let surplus = finding.trace.len().saturating_sub(TRACE);
    finding.trace.drain(..surplus);
    if reason.is_some() {
        let cause =
            Cause { at: now, actor: "system", reason: reason.as_deref(), ..Cause::default() };
        finding.settle(cause);
    }
}

/// What changes, as it is changed.
struct Log {
    now: Timestamp,
    entries: Vec<Trace>,
}

impl Log {
    fn note(&mut self, thing: Thing, by: Origin, value: Option<String>) {
        self.entries.push(Trace { at: self.now, by, thing, value });
    }

    /// Sets a value to what is said, unless a person or a decision has.
    fn give<T: PartialEq + ToString>(
        &mut self,
        thing: Thing,
        value: &mut Option<T>,
        by: &mut Option<Origin>,
        said: Option<(Origin, T)>,
    ) {
        let derived = origin::is_derived(by.as_ref());
        if value.is_some() && !derived {
            return;
        }
        let Some((new_by, new)) = said else {
            if let Some(old) = by.take().filter(|_| derived) {
                *value = None;
                self.note(thing, old, None);
            }
            return;
        };
        let same = value.as_ref() == Some(&new) && by.as_ref().is_some_and(|by| by.is(&new_by));
        if !same {
            self.note(thing, new_by.clone(), Some(new.to_string()));
        }
        (*value, *by) = (Some(new), Some(new_by));
    }

    /// Counts a finding as looked at, or no longer, unless a person has said how far the
    /// work is.
    fn triage(&mut self, finding: &mut Finding, said: Option<Origin>) {
        let derived =
            finding.stage == Stage::Triaged && origin::is_derived(finding.stage_by.as_ref());
        let untouched = finding.stage == Stage::Open && finding.stage_by.is_none();
        match said {
            Some(by) if derived || untouched => {
                if !finding.stage_by.as_ref().is_some_and(|known| known.is(&by)) {
                    self.note(Thing::Status, by.clone(), Some(Stage::Triaged.to_string()));
                }
                (finding.stage, finding.stage_by) = (Stage::Triaged, Some(by));
            }
            None if derived => {
                finding.stage = Stage::Open;
                if let Some(by) = finding.stage_by.take() {
                    self.note(Thing::Status, by, None);
                }
            }
            Some(_) | None => {}
        }
    }
}

#[cfg(test)]
mod tests;
