//! Rules in their order, what is taken back, what people say, and the clock.

use proptest::prelude::*;

use super::*;
use crate::domain::rule::Actions;
use crate::domain::severity::Severity;
use crate::domain::status::{FindingStatus, Verdict};

fn at(day: i64) -> Timestamp {
    Timestamp::from_micros(0).plus_seconds(day * 86_400)
}

fn world() -> (Finding, Asset, Vulnerability) {
    let v = Vulnerability::new("CVE-2026-1".into(), "test".into(), Timestamp::default());
    let finding = Finding { severity: Severity::High, first_seen: at(0), ..Finding::default() };
    (finding, Asset::new("web".into()), v)
}

fn rule(id: u64, actions: Actions) -> Rule {
    Rule {
        id,
        name: format!("r{id}"),
        order: id,
        enabled: true,
        matcher: Matcher::everything(),
        actions,
        ..Rule::default()
    }
}

fn to(who: &str) -> Actions {
    Actions { assign_to: Some(who.into()), ..Actions::default() }
}

fn policy(id: u64, days: u64) -> SlaPolicy {
    SlaPolicy {
        id,
        name: format!("p{id}"),
        order: id,
        enabled: true,
        matcher: Matcher::everything(),
        days,
        ..SlaPolicy::default()
    }
}

/// Applies once and again: nothing may change the second time.
fn apply(set: &Ruleset, finding: &mut Finding, now: i64) {
    let (_, asset, v) = world();
    set.apply(finding, &asset, &v, at(now));
    let once = finding.clone();
    set.apply(finding, &asset, &v, at(now));
    assert_eq!(*finding, once);
}

fn traced(finding: &Finding) -> Vec<(Thing, u64, Option<&str>)> {
    finding.trace.iter().map(|t| (t.thing, t.by.id.unwrap(), t.value.as_deref())).collect()
}

#[test]
fn the_first_that_sets_a_thing_wins_and_stop_ends_it() {
    let (mut f, ..) = world();
    let rules = vec![
        rule(3, Actions { note: Some("third".into()), due_days: Some(3), ..to("carol") }),
        Rule { enabled: false, ..rule(1, to("alice")) },
        rule(2, Actions { triage: true, ..to("bob") }),
    ];
    apply(&Ruleset::new(rules.clone(), vec![policy(1, 30)]), &mut f, 1);
    assert_eq!((f.assigned_to.as_deref(), f.notes.as_deref()), (Some("bob"), Some("third")));
    assert_eq!((f.due_at, f.status), (Some(at(3)), FindingStatus::Triaged));
    assert_eq!(f.due_by, Some(Origin::of(OriginKind::Rule, 3, "r3")));
    assert_eq!(f.history.last().unwrap().reason.as_deref(), Some("rule 'r2' says so"));
    assert_eq!(
        traced(&f),
        [
            (Thing::AssignedTo, 2, Some("bob")),
            (Thing::DueAt, 3, Some("1970-01-04T00:00:00Z")),
            (Thing::Notes, 3, Some("third")),
            (Thing::Status, 2, Some("triaged")),
        ]
    );
    let stops = rules.into_iter().map(|r| Rule { stop: true, ..r }).collect();
    apply(&Ruleset::new(stops, vec![policy(1, 30)]), &mut f, 1);
    assert_eq!((f.notes.clone(), f.due_at), (None, Some(at(30))));
    assert_eq!(f.due_by.as_ref().unwrap().kind, OriginKind::Sla);
}

#[test]
fn what_no_longer_applies_is_taken_back_and_what_people_say_stays() {
    let (mut f, ..) = world();
    let all = Actions { due_days: Some(3), triage: true, note: Some("n".into()), ..to("bob") };
    let set = Ruleset::new(vec![rule(1, all)], Vec::new());
    apply(&set, &mut f, 1);
    let mut mine = f.clone();
    (mine.assigned_to, mine.assigned_by) = (Some("eve".into()), Some(Origin::person("eve")));
    (mine.stage, mine.stage_by) = (Stage::Open, Some(Origin::person("eve")));
    mine.settle(Cause { at: at(2), actor: "eve", ..Cause::default() });
    apply(&set, &mut mine, 2);
    assert_eq!((mine.assigned_to.as_deref(), mine.status), (Some("eve"), FindingStatus::Open));

    let none = Ruleset::default();
    apply(&none, &mut f, 3);
    assert_eq!((&f.assigned_to, f.due_at, &f.notes), (&None, None, &None));
    assert_eq!((f.status, &f.stage_by), (FindingStatus::Open, &None));
    assert_eq!(traced(&f)[4..].iter().filter(|t| t.2.is_none()).count(), 4);
    apply(&none, &mut mine, 3);
    assert_eq!(mine.assigned_to.as_deref(), Some("eve"));

    // A decision is stronger than a rule, too.
    let (mut decided, ..) = world();
    let origin = Origin::of(OriginKind::Decision, 7, "eve");
    (decided.due_at, decided.due_by) = (Some(at(9)), Some(origin.clone()));
    apply(&set, &mut decided, 1);
    assert_eq!((decided.due_at, decided.due_by), (Some(at(9)), Some(origin)));
}

#[test]
fn work_that_has_begun_is_not_set_back() {
    let (mut f, ..) = world();
    let set = Ruleset::new(vec![rule(1, Actions { triage: true, ..Actions::default() })], vec![]);
    apply(&set, &mut f, 1);
    f.stage = Stage::InRemediation;
    f.settle(Cause::default());
    apply(&set, &mut f, 2);
    apply(&Ruleset::default(), &mut f, 3);
    assert_eq!(f.status, FindingStatus::InRemediation);
}

#[test]
fn fixed_ones_keep_what_held_and_are_never_overdue() {
    let (mut f, ..) = world();
    let set = Ruleset::new(Vec::new(), vec![policy(1, 30)]);
    apply(&set, &mut f, 29);
    assert!(!f.overdue);
    apply(&set, &mut f, 30);
    assert!(f.overdue);
    f.sources = vec![crate::domain::finding::Source::default()];
    f.settle(Cause { at: at(40), ..Cause::default() });
    assert_eq!((f.status, f.overdue), (FindingStatus::Fixed, false));
    apply(&Ruleset::default(), &mut f, 50);
    assert_eq!((f.due_at, f.overdue), (Some(at(30)), false));
}

/// Fixed from day 10 to 20, accepted from 25 to 27.
fn eventful() -> Finding {
    let (mut f, ..) = world();
    let settle = |f: &mut Finding, day| f.settle(Cause { at: at(day), ..Cause::default() });
    f.sources = vec![crate::domain::finding::Source::default()];
    settle(&mut f, 10);
    f.sources[0].present = true;
    settle(&mut f, 20);
    f.verdict = Some(Verdict::RiskAccepted);
    settle(&mut f, 25);
    f.verdict = None;
    settle(&mut f, 27);
    f
}

#[test]
fn the_clock_restarts_or_goes_on_pauses_or_runs() {
    for (on_reopen, while_accepted, due) in [
        (OnReopen::Restart, WhileAccepted::Pause, 20 + 30 + 2),
        (OnReopen::Restart, WhileAccepted::Run, 20 + 30),
        (OnReopen::Continue, WhileAccepted::Pause, 30 + 2),
        (OnReopen::Continue, WhileAccepted::Run, 30),
    ] {
        let mut f = eventful();
        let policy = SlaPolicy { on_reopen, while_accepted, ..policy(1, 30) };
        apply(&Ruleset::new(Vec::new(), vec![policy]), &mut f, 28);
        assert_eq!(f.due_at, Some(at(due)), "{on_reopen} {while_accepted}");
    }
    // A rule's clock restarts and pauses.
    let mut f = eventful();
    let days = Actions { due_days: Some(7), ..Actions::default() };
    apply(&Ruleset::new(vec![rule(1, days)], Vec::new()), &mut f, 28);
    assert_eq!(f.due_at, Some(at(20 + 7 + 2)));
}

#[test]
fn the_trace_is_bounded_and_a_new_name_is_no_change() {
    let (mut f, ..) = world();
    for n in 0..60 {
        apply(&Ruleset::new(vec![rule(1, to(&format!("who{n}")))], Vec::new()), &mut f, 1);
    }
    assert_eq!((f.trace.len(), f.trace[0].value.as_deref()), (TRACE, Some("who10")));
    let named = Rule { name: "new".into(), ..rule(1, to("who59")) };
    apply(&Ruleset::new(vec![named], Vec::new()), &mut f, 1);
    assert_eq!(f.trace.len(), TRACE);
    assert_eq!(f.trace.last().unwrap().by.name, "r1");
    assert_eq!(f.assigned_by.unwrap().name, "new");
}

fn any_rules() -> impl Strategy<Value = Vec<Rule>> {
    let actions = (
        proptest::option::of("[ab]"),
        proptest::option::of(1..40_u64),
        any::<bool>(),
        proptest::option::of("[xy]"),
    );
    let one = (actions, any::<bool>(), any::<bool>(), 0..4_u64);
    proptest::collection::vec(one, 0..5).prop_map(|all| {
        all.into_iter()
            .zip(1..)
            .map(|(((assign_to, due_days, triage, note), stop, enabled, order), id)| Rule {
                order,
                enabled,
                stop,
                ..rule(id, Actions { assign_to, due_days, triage, note })
            })
            .collect()
    })
}

proptest! {
    /// Derived values depend on the rules that hold now, and on nothing that held before.
    #[test]
    fn the_past_leaves_nothing_but_its_trace(before in any_rules(), now in any_rules()) {
        let (mut straight, ..) = world();
        let mut crooked = straight.clone();
        apply(&Ruleset::new(before, vec![policy(1, 9)]), &mut crooked, 1);
        let set = Ruleset::new(now, vec![policy(2, 20)]);
        apply(&set, &mut crooked, 1);
        apply(&set, &mut straight, 1);
        for f in [&mut straight, &mut crooked] {
            f.trace.clear();
            f.history.clear();
        }
        prop_assert_eq!(straight, crooked);
    }
}
