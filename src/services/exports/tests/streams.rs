//! What a stream keeps to: filters, bounds, the end.

use std::time::Duration;

use super::super::*;
use super::filled::{export, filled, instance};
use crate::services::listing;
use crate::store::query::parse_sort;

/// Makes `amount` findings on a hundred assets, each with a vulnerability of its own.
fn many(core: &Core, amount: u64) {
    use crate::domain::{asset::Asset, vulnerability::Vulnerability};
    core.store
        .write_blocking("test", move |tx| {
            let assets: Vec<Asset> = (0..100)
                .map(|n| tx.insert(Asset::new(format!("host-{n}"))))
                .collect::<Result<_>>()?;
            for n in 0..amount {
                let asset = &assets[(n % 100) as usize];
                let id = format!("CVE-2026-{n:06}");
                let v = tx.insert(Vulnerability::new(id, "test".into(), tx.now()))?;
                tx.insert(Finding {
                    asset_id: asset.id,
                    asset: asset.asset_id.clone(),
                    vulnerability_id: v.id,
                    cve_id: v.cve_id,
                    title: "x".repeat(100),
                    priority_score: (n % 97) as f64,
                    ..Finding::default()
                })?;
            }
            Ok(())
        })
        .unwrap();
}

fn wanted(format: &str, filters: &[(&str, &str)], sort: &str) -> Wanted {
    let mut query = Query::all::<Finding>().unwrap();
    query.sort = parse_sort::<Finding>(sort).unwrap();
    for (field, text) in filters {
        query = query.filter::<Finding>(field, &[text]).unwrap();
    }
    Wanted { format: format.to_owned(), query, text: String::new() }
}

#[test]
fn an_export_has_what_the_list_counts_in_its_order() {
    let directory = tempfile::tempdir().unwrap();
    let core = filled(directory.path());
    for filters in [
        &[][..],
        &[("severity", "high,critical")],
        &[("status", "open"), ("fix_available", "true")],
        &[("search", "lib")],
        &[("asset_id", "2..")],
        &[("cve_id", "CVE-2019*"), ("severity", "medium")],
    ] {
        let query = wanted("csv", filters, "-priority_score").query;
        let listed =
            listing::list::<Finding>(&core, &Ctx::cli(), Role::Viewer, &query, &[]).unwrap();
        let lines = String::from_utf8(export(&core, "jsonl", filters)).unwrap();
        assert_eq!(lines.lines().count() as u64, listed.total, "{filters:?}");
        let first: Vec<&[u8]> = lines.lines().take(listed.rows.len()).map(str::as_bytes).collect();
        assert_eq!(first, listed.rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let sarif = super::filled::json(&core, "sarif", filters);
        let runs = sarif["runs"].as_array().unwrap().iter();
        let results: usize = runs.map(|r| r["results"].as_array().unwrap().len()).sum();
        assert_eq!(results as u64, listed.total, "{filters:?}");
    }
}

#[test]
fn memory_does_not_follow_rows() {
    const ROWS: u64 = 25_000;
    let directory = tempfile::tempdir().unwrap();
    let core = instance(directory.path());
    many(&core, ROWS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for sort in ["-priority_score", "id", "severity", "asset", "-first_seen"] {
        runtime.block_on(async {
            let wanted = wanted("jsonl", &[], sort);
            let mut export =
                begin::<Finding>(&core, &Ctx::cli(), Role::Viewer, wanted).await.unwrap();
            let (mut lines, mut largest, mut most) = (0, 0, 0);
            let mut next = Some(export.first);
            while let Some(Piece::Bytes(bytes)) = next {
                lines += memchr::memchr_iter(b'\n', &bytes).count();
                largest = largest.max(bytes.len());
                most = most.max(export.rest.len());
                next = export.rest.recv().await;
            }
            assert!(matches!(next, Some(Piece::End)), "{sort}: {next:?}");
            assert_eq!(lines as u64, ROWS, "{sort}");
            assert!(largest < limits::EXPORT_PIECE_BYTES + 4096, "{sort}: {largest}");
            assert!(most <= limits::EXPORT_PIECES, "{sort}: {most}");
        });
    }
}

/// What waits for clients and for threads goes on; fails if it does not.
async fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    for _ in 0..500 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_work() {
    let directory = tempfile::tempdir().unwrap();
    let core = instance(directory.path());
    let filling = core.clone();
    tokio::task::spawn_blocking(move || many(&filling, 5_000)).await.unwrap();
    let ctx = Ctx::cli();
    let begin = || begin::<Finding>(&core, &ctx, Role::Viewer, wanted("jsonl", &[], "id"));
    let mut running = Vec::new();
    for _ in 0..limits::EXPORTS {
        running.push(begin().await.unwrap());
    }
    let refused = begin().await.unwrap_err();
    assert_eq!((refused.code(), refused.retry_after_s()), (Code::Unavailable, Some(5)));
    drop(running);
    let all_back = || core.exports.available_permits() == limits::EXPORTS;
    eventually("exports without a client go on", all_back).await;
    begin().await.unwrap();
}

#[tokio::test]
async fn a_stream_says_when_it_is_broken() {
    let (sender, mut rest) = mpsc::channel(1);
    let past = Instant::now();
    let slow = tokio::task::spawn_blocking(move || {
        let mut pipe = Pipe::new(sender, past + Duration::from_millis(50));
        let outcome = (0..10).try_for_each(|_| {
            pipe.write_all(&vec![b'x'; limits::EXPORT_PIECE_BYTES])
                .map_err(|e| Error::internal("write").with_source(e))
        });
        pipe.end(outcome);
    });
    slow.await.unwrap();
    assert!(matches!(rest.recv().await, Some(Piece::Bytes(_))));
    assert!(rest.recv().await.is_none(), "too late for an end: there is none");

    let (sender, mut rest) = mpsc::channel(8);
    let broken = tokio::task::spawn_blocking(move || {
        let mut pipe = Pipe::new(sender, Instant::now() + Duration::from_mins(1));
        pipe.write_all(b"half").unwrap();
        pipe.end(Err(Error::new(Code::StorageUnavailable, "the disk is gone")));
    });
    broken.await.unwrap();
    let Some(Piece::Broken(e)) = rest.recv().await else { panic!("it looks whole") };
    assert_eq!(e.code(), Code::StorageUnavailable);
}

#[tokio::test]
async fn what_cannot_be_sorted_is_refused_before_anything_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let core = instance(directory.path());
    let filling = core.clone();
    tokio::task::spawn_blocking(move || many(&filling, 21_000)).await.unwrap();
    let (cli, anonymous) = (Ctx::cli(), Ctx::anonymous());
    let unsorted = wanted("jsonl", &[], "component,-severity,first_seen");
    let refused = begin::<Finding>(&core, &cli, Role::Viewer, unsorted).await.unwrap_err();
    assert_eq!(refused.code(), Code::UnsupportedQuery);
    let nobody = wanted("jsonl", &[], "id");
    let refused = begin::<Finding>(&core, &anonymous, Role::Viewer, nobody).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}
