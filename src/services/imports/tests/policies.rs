//! Rules and SLA policies over imports: what comes in gets what they say, replaying a report
//! changes nothing, and the job that follows a change leaves what imports would have made.

use serde_json::{Value, json};

use super::guarantees::{clean, import, reports, same, state};
use super::*;
use crate::domain::finding::Finding;
use crate::domain::matcher::Matcher;
use crate::domain::origin::OriginKind;
use crate::domain::rule::{Actions, NewRule, Rule};
use crate::domain::severity::Severity;
use crate::domain::sla::SlaPolicy;
use crate::services::{jobs, policies, rules};

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn new_rule(name: &str, matcher: Matcher, actions: Actions) -> NewRule {
    NewRule { name: name.into(), matcher, actions, ..NewRule::default() }
}

/// Rules that concern some of what any report has.
fn some_rules(core: &Core) {
    let severe = Matcher {
        severity: vec![Severity::Critical, Severity::High],
        fix_available: Some(true),
        ..Matcher::default()
    };
    let actions = Actions {
        assign_to: Some("eve".into()),
        due_days: Some(7),
        triage: true,
        ..Actions::default()
    };
    let noted = Matcher { package: vec!["*a*".into()], ..Matcher::default() };
    let note = Actions { note: Some("see wiki".into()), ..Actions::default() };
    for new in [new_rule("severe", severe, actions), new_rule("noted", noted, note)] {
        block(rules::create::<Rule>(core, &Ctx::cli(), new)).unwrap();
    }
}

/// Runs the waiting job, if there is one; says whether.
fn evaluate(core: &Core) -> bool {
    let Some(job) = block(jobs::claim(core)).unwrap() else { return false };
    assert_eq!(job.kind, JobKind::Evaluate);
    policies::run(core, &job, &|| false).unwrap();
    block(jobs::finish(core, job.id, Ok(()))).unwrap();
    true
}

fn findings(core: &Core) -> Vec<Finding> {
    let snapshot = core.store.read().unwrap();
    (1..).map_while(|id| snapshot.find(id).unwrap()).collect()
}

#[test]
fn replays_change_nothing_under_rules_and_the_job_agrees_with_imports() {
    let mut ruled = 0;
    for (format, path) in reports() {
        let name = path.display().to_string();
        let bytes = std::fs::read(&path).unwrap();
        if bytes.is_empty() || bytes.len() > 300_000 {
            continue;
        }
        let named = || NewImport {
            mapping: None,
            filename: path.file_name().map(|name| name.to_string_lossy().into_owned()),
            format: Some(format.to_owned()),
            asset: None,
        };
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (before, after) = (core(one.path()), core(other.path()));
        block(policies::seed(&before)).unwrap();
        some_rules(&before);
        assert!(evaluate(&before));
        if import(&before, &bytes, named()).status == ImportStatus::Failed {
            continue;
        }
        let first = state(&before);
        import(&before, &bytes, named());
        same(&state(&before), &first, &format!("{name}, replay"));
        clean(&before, &name);

        // The same rules, made only after the import.
        import(&after, &bytes, named());
        block(policies::seed(&after)).unwrap();
        some_rules(&after);
        assert!(evaluate(&after) && !evaluate(&after), "{name}: one job for all changes");
        clean(&after, &name);
        let derived = |f: &Finding| {
            (
                f.id,
                f.due_at,
                f.due_by.clone(),
                f.assigned_to.clone(),
                f.notes.clone(),
                f.status,
                f.overdue,
            )
        };
        let pairs = (findings(&before), findings(&after));
        for (a, b) in pairs.0.iter().zip(&pairs.1) {
            assert_eq!(derived(a), derived(b), "{name}");
            assert_eq!(a.trace.len(), b.trace.len(), "{name}");
            ruled += usize::from(a.assigned_to.is_some());
        }

        // Without rules and policies nothing of it is left.
        for id in 1..=2 {
            block(rules::delete::<Rule>(&after, &Ctx::cli(), id_of(id), None)).unwrap();
        }
        for id in 1..=5 {
            block(rules::delete::<SlaPolicy>(&after, &Ctx::cli(), id_of(id), None)).unwrap();
        }
        assert!(evaluate(&after));
        for f in findings(&after).iter().filter(|f| !f.status.is_fixed()) {
            let is_said = |kind| f.due_by.as_ref().is_some_and(|by| by.kind == kind);
            assert!(!is_said(OriginKind::Rule) && !is_said(OriginKind::Sla), "{name}");
            assert_eq!((f.overdue, &f.assigned_to), (false, &None), "{name}");
        }
        clean(&after, &name);
    }
    assert!(ruled > 50, "{ruled}");
}

fn id_of(id: u64) -> crate::base::id::Reference {
    crate::base::id::Reference::Id(id)
}

#[test]
fn a_job_that_is_cut_off_goes_on_where_it_was_and_sees_what_changed_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let core = core(directory.path());
    let many: Vec<Value> = (0..1_200)
        .map(|n| {
            json!({"VulnerabilityID": format!("CVE-2026-{n}"), "PkgName": format!("p{n}"),
                "InstalledVersion": "1", "Severity": "HIGH"})
        })
        .collect();
    let report = json!({"SchemaVersion": 2, "ArtifactName": "web", "ArtifactType": "container_image",
        "Results": [{"Target": "web (alpine 3)", "Class": "os-pkgs", "Type": "alpine",
            "Vulnerabilities": many}]});
    import(&core, &serde_json::to_vec(&report).unwrap(), NewImport::default());
    let to = |who: &str| Actions { assign_to: Some(who.into()), ..Actions::default() };
    let make = |name: &str, who: &str| {
        let new = new_rule(name, Matcher::everything(), to(who));
        block(rules::create::<Rule>(&core, &Ctx::cli(), new)).unwrap().id
    };
    let first = make("first", "adam");
    let job = block(jobs::claim(&core)).unwrap().unwrap();
    // Cut off before the third step: the first one begins.
    let steps = std::cell::Cell::new(0);
    let stop = || {
        steps.set(steps.get() + 1);
        steps.get() > 2
    };
    policies::run(&core, &job, &stop).unwrap_err();
    let to_adam = |core: &Core| {
        findings(core).iter().filter(|f| f.assigned_to.as_deref() == Some("adam")).count()
    };
    assert_eq!(to_adam(&core), 500);
    block(jobs::put_back(&core, job.id)).unwrap();
    let job = block(jobs::claim(&core)).unwrap().unwrap();
    let middle = core.store.read().unwrap().find::<Job>(job.id).unwrap().unwrap();
    assert!(middle.progress > 0.3 && middle.progress < 0.6, "{}", middle.progress);
    // Meanwhile another rule comes before it.
    steps.set(0);
    policies::run(&core, &job, &stop).unwrap_err();
    let second = make("second", "eve");
    block(rules::reorder::<Rule>(&core, &Ctx::cli(), vec![second, first])).unwrap();
    policies::run(&core, &job, &|| false).unwrap();
    assert_eq!(to_adam(&core), 0);
    assert!(findings(&core).iter().all(|f| f.assigned_to.as_deref() == Some("eve")));
    // A change after its end, but before that is recorded, is not lost.
    block(rules::delete::<Rule>(&core, &Ctx::cli(), id_of(second), None)).unwrap();
    block(jobs::finish(&core, job.id, Ok(()))).unwrap();
    assert!(evaluate(&core));
    assert_eq!(to_adam(&core), 1_200);
    assert!(!evaluate(&core));
}
