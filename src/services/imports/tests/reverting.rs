//! Reverting: exact while nothing has built on an import, refused otherwise.

use serde_json::Value;

use super::guarantees::{clean, import, named, reports, rows, same, scan};
use super::*;
use crate::domain::asset::Asset;
use crate::domain::change::{Change, ChangeState, ChangeStep};
use crate::domain::decision::Decision;
use crate::domain::finding::Finding;
use crate::domain::package::Package;
use crate::domain::service::Service;
use crate::domain::vulnerability::Vulnerability;
use crate::services::{jobs, undo};

/// All that is known, to the last sighting; only versions go up for ever.
fn exactly(core: &Core) -> Vec<Value> {
    const BUT: &[&str] = &["version", "updated_at"];
    let mut all = rows::<Finding>(core, BUT);
    all.extend(rows::<Vulnerability>(core, BUT));
    all.extend(rows::<Asset>(core, BUT));
    all.extend(rows::<Package>(core, BUT));
    all.extend(rows::<Service>(core, BUT));
    all.extend(rows::<Decision>(core, BUT));
    all
}

pub(super) fn reverted(core: &Core, id: u64) -> Result<Import> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        revert(core, &Ctx::cli(), crate::base::id::Reference::Id(id), None).await?;
        let job = jobs::claim(core).await?.unwrap();
        let (of_job, shared) = (job.clone(), core.clone());
        let ran = tokio::task::spawn_blocking(move || run_revert(&shared, &of_job, &|| false));
        ran.await.unwrap()?;
        jobs::finish(core, job.id, Ok(())).await?;
        core.store.read()?.require(id)
    })
}

/// Every fixture on top of those before it, each a second time, and all of it back.
#[test]
fn imports_are_undone_exactly_in_the_order_in_which_they_came() {
    let directory = tempfile::tempdir().unwrap();
    let core = core(directory.path());
    let mut done = Vec::new();
    for (format, path) in reports() {
        let bytes = std::fs::read(&path).unwrap();
        if bytes.is_empty() || bytes.len() > 1 << 20 {
            continue;
        }
        for _ in 0..2 {
            let before = exactly(&core);
            let import = import(&core, &bytes, named(&path, format));
            if exactly(&core) != before {
                done.push((import.id, before, path.display().to_string()));
            }
        }
    }
    assert!(done.len() > 60, "{}", done.len());
    clean(&core, "all fixtures");
    for (n, (id, before, name)) in done.into_iter().rev().enumerate() {
        let import = reverted(&core, id).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(import.status, ImportStatus::Reverted, "{name}");
        assert!(
            import.notes.iter().all(|note| !note.contains("left")),
            "{name}: {:?}",
            import.notes
        );
        same(&exactly(&core), &before, &format!("{name}, reverted"));
        if n % 10 == 0 {
            clean(&core, &name);
        }
    }
    assert_eq!(exactly(&core), [Value::Null; 0]);
    assert_eq!(rows::<ChangeStep>(&core, &[]), [Value::Null; 0], "nothing is kept in vain");
    clean(&core, "nothing");
}

/// A stop after each step: the next start goes on where it was.
#[test]
fn reverting_goes_on_after_a_stop() {
    let directory = tempfile::tempdir().unwrap();
    let core = core(directory.path());
    import(&core, &scan("web", 1, &[1, 2, 3]), NewImport::default());
    let before = exactly(&core);
    let second = import(&core, &scan("web", 2, &[3, 4]), NewImport::default());
    assert_eq!((second.new, second.closed), (1, 2));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let of = crate::base::id::Reference::Id(second.id);
    runtime.block_on(revert(&core, &Ctx::cli(), of, None)).unwrap();
    let mut stops = 0;
    loop {
        let job = runtime.block_on(jobs::claim(&core)).unwrap().unwrap();
        let asked = std::cell::Cell::new(0);
        let once = || asked.replace(asked.get() + 1) > 0;
        if run_revert(&core, &job, &once).is_ok() {
            break;
        }
        stops += 1;
        assert_eq!(all(&core)[1].status, ImportStatus::Reverting);
        clean(&core, "between two steps");
        runtime.block_on(jobs::put_back(&core, job.id)).unwrap();
    }
    assert!(stops > 1, "applying and closing are steps of their own");
    assert_eq!(all(&core)[1].status, ImportStatus::Reverted);
    same(&exactly(&core), &before, "reverted");
}

/// Too old to be undone, but not while that is being done; and never half forgotten.
#[test]
fn what_is_being_reverted_is_not_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    let (core, clock) = core_with_clock(directory.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = import(&core, &scan("web", 1, &[1, 2]), NewImport::default());
    let before = exactly(&core);
    let second = import(&core, &scan("web", 2, &[2, 3]), NewImport::default());
    let of = |import: &Import| crate::base::id::Reference::Id(import.id);
    runtime.block_on(revert(&core, &Ctx::cli(), of(&second), None)).unwrap();
    clock.advance_seconds(3 * 86_400);
    assert_eq!(runtime.block_on(undo::sweep(&core)).unwrap(), 1, "the first only");

    let job = runtime.block_on(jobs::claim(&core)).unwrap().unwrap();
    run_revert(&core, &job, &|| false).unwrap();
    same(&exactly(&core), &before, "reverted");
    let refused = runtime.block_on(revert(&core, &Ctx::cli(), of(&first), None)).unwrap_err();
    assert!(refused.to_string().contains("no longer kept"), "{refused}");
    assert_eq!(rows::<ChangeStep>(&core, &[]), [Value::Null; 0]);
    assert_eq!(runtime.block_on(undo::sweep(&core)).unwrap(), 0);

    // As if the server had stopped between two parts.
    let third = import(&core, &scan("web", 3, &[4]), NewImport::default());
    let cut = move |tx: &mut Tx<'_>| {
        let change = undo::of_import(tx, third.id)?.unwrap();
        tx.update(Change { state: ChangeState::Expired, ..change })
    };
    runtime.block_on(core.store.write("test", cut)).unwrap();
    assert_eq!(runtime.block_on(undo::sweep(&core)).unwrap(), 1);
    assert_eq!(rows::<ChangeStep>(&core, &[]), [Value::Null; 0]);
    clean(&core, "all is forgotten");
}
