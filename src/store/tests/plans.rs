//! Which way the planner takes: each of them, forced and by the measured costs; what it
//! refuses, and how it says so.

use super::queries::{filled, tunings};
use super::sample::{Sample, sample};
use super::{Make, on_every_engine, one};
use crate::base::Code;
use crate::store::Store;
use crate::store::plan::{self, Page, Tuning};
use crate::store::query::{Query, Window, parse_sort};

on_every_engine!(
    every_way_is_taken,
    refusals_say_why,
    cheap_ways_are_found,
    filters_read_no_more_than_they_must,
    hits_are_counted,
);

/// `n` records: `rank` 0..n, `level` n % 4, `color` n % 3, `flag` for the first of ten.
fn ladder(make: &Make, n: u64) -> Store {
    let base = Sample { words: vec!["core".into()], ..one(&sample()) };
    let all = (0..n).map(|n| Sample {
        rank: Some(n),
        level: n % 4,
        color: (n % 3) as u8,
        flag: n % 10 == 0,
        score: (n % 7) as f64,
        name: Some(format!("n{}", n % 5)),
        serial: Some(n),
        slot: None,
        ..base.clone()
    });
    filled(make, all.collect()).0
}

fn ask(
    store: &Store,
    filters: &[(&str, &str)],
    sort: &str,
    tuning: &Tuning,
) -> crate::base::Result<Page> {
    let mut query = Query::all::<Sample>()?;
    for (field, text) in filters {
        query = query.filter::<Sample>(field, &[text])?;
    }
    let query =
        Query { sort: parse_sort::<Sample>(sort)?, window: Window::Offset(0), limit: 5, ..query };
    plan::run_tuned::<Sample>(store, &*store.read()?, &query, tuning)
}

fn every_way_is_taken(make: &Make) {
    let store = ladder(make, 200);
    let [_, walk, sort, impatient, unsorted] = tunings().try_into().expect("five");
    let order = |filters: &[(&str, &str)], sort: &str, tuning: &Tuning| {
        let page = ask(&store, filters, sort, tuning).expect("is served");
        (page.plan.order, page.plan.filters)
    };
    let facet = |name: &str| format!("{name}: facet");
    // Exactly the rows of an index, or of its beginning.
    assert_eq!(order(&[], "-score", &walk), ("idx_samples_score".into(), vec![]));
    assert_eq!(
        order(&[("color", "red")], "score", &impatient),
        ("idx_samples_color_score".into(), vec![facet("color")])
    );
    // An index, stepping over what is not in the set.
    assert_eq!(
        order(&[("level", "1")], "rank", &walk),
        ("idx_samples_rank".into(), vec![facet("level")])
    );
    // A unique index, as it has every record.
    assert_eq!(order(&[], "serial", &walk).0, "idx_samples_serial");
    assert_eq!(order(&[], "-code", &walk).0, "idx_samples_code");
    // The values of a facet.
    assert_eq!(order(&[], "-level", &walk).0, "facet level");
    assert_eq!(order(&[("rank", "5..150")], "level", &unsorted).0, "facet level");
    // An index that begins with the order, each value's rows by number.
    let groups = |index: &str| format!("{index}, each value by number");
    assert_eq!(order(&[], "name", &walk).0, groups("idx_samples_name"));
    assert_eq!(order(&[("level", "1")], "-name", &unsorted).0, groups("idx_samples_name"));
    assert_eq!(order(&[], "due,-owner", &walk).0, groups("idx_samples_due_owner_score"));
    assert_eq!(order(&[], "name", &impatient).0, "sorted in memory");
    // Numbers.
    assert_eq!(order(&[], "-id", &walk).0, "id");
    assert_eq!(order(&[("level", "1")], "id", &sort).0, "id");
    // Sorting: because it is cheaper, because a walk took too long, because nothing else can.
    assert_eq!(order(&[("level", "1")], "rank", &sort).0, "sorted in memory");
    assert_eq!(order(&[("rank", "190..")], "score", &impatient).0, "sorted in memory");
    assert_eq!(order(&[], "score,-rank", &walk).0, "sorted in memory");
    // A walk that took too long goes on if nothing else can.
    assert_eq!(order(&[("rank", "190..")], "score", &unsorted).0, "idx_samples_score");
    // Filters: facet before index, and few rows are read rather than another index.
    assert_eq!(
        order(&[("rank", "..3"), ("flag", "true"), ("words", "co")], "id", &walk).1,
        ["flag: facet", "words: idx_samples_words", "rank: idx_samples_rank"]
    );
    assert_eq!(
        order(&[("rank", "..3"), ("flag", "true")], "id", &sort).1,
        ["flag: facet", "rank: read 20 rows"]
    );
}

fn cheap_ways_are_found(make: &Make) {
    let store = ladder(make, 3000);
    let plan = |filters: &[(&str, &str)], sort: &str| {
        ask(&store, filters, sort, &Tuning::MEASURED).expect("is served").plan
    };
    // Half a percent of all rows: sorting 16 is cheaper than walking 3000.
    assert_eq!(plan(&[("rank", "..15")], "score").order, "sorted in memory");
    // A quarter of all rows: every fourth entry fits, so 24 steps make a page.
    let walk = plan(&[("level", "1")], "rank");
    assert_eq!((walk.order.as_str(), walk.examined, walk.returned), ("idx_samples_rank", 22, 5));
    let exact = plan(&[("color", "red")], "score");
    assert_eq!((exact.order.as_str(), exact.examined), ("idx_samples_color_score", 6));
}

fn filters_read_no_more_than_they_must(make: &Make) {
    let base = one(&sample());
    let all = (0..9000).map(|n| {
        let words = if n % 1000 == 7 { ["openssl", "rare"] } else { ["openssl", "core"] };
        let words = words.map(str::to_owned).to_vec();
        Sample { words, rank: Some(n), flag: n % 30 == 0, level: n % 2, ..base.clone() }
    });
    let (store, _) = filled(make, all.collect());
    let plan = |filters: &[(&str, &str)]| {
        let page = ask(&store, filters, "id", &Tuning::MEASURED).expect("is served");
        (page.total, page.plan.filters, page.plan.examined - page.plan.returned)
    };
    // A common word alone has to be read whole, for the total.
    assert_eq!(plan(&[("words", "open")]).2, 9000 + 1);
    // With a rare one it is left after a while, whichever stands first: reading the nine
    // rows is worth 600 entries.
    for words in ["openssl rare", "rare openssl", "o rare"] {
        let (total, filters, examined) = plan(&[("words", words)]);
        assert_eq!((total, filters.as_slice()), (9, ["words: read 9 rows".to_owned()].as_slice()));
        assert!(examined <= 1000 + 9 + 600 + 9 + 1, "{words}: {examined}");
    }
    let (total, _, examined) = plan(&[("words", "core openssl")]);
    assert_eq!(total, 8991);
    assert!(examined <= 2 * 1000 + 8991 + 9000 + 1, "{examined}");
    // A few rows are not read either, if the index has fewer entries.
    let (total, filters, examined) = plan(&[("flag", "true"), ("rank", "..59")]);
    assert_eq!((total, examined), (2, 60));
    assert_eq!(filters, ["flag: facet", "rank: idx_samples_rank"]);
}

fn refusals_say_why(make: &Make) {
    let store = ladder(make, 50);
    let refusal = |filters: &[(&str, &str)], sort: &str, tuning: &Tuning| {
        let e = ask(&store, filters, sort, tuning).expect_err("is refused");
        (e.code(), e.detail().to_owned())
    };
    let measured = Tuning::MEASURED;
    let (code, text) = refusal(&[("plain", "1")], "id", &measured);
    assert_eq!(code, Code::UnsupportedQuery);
    assert_eq!(text, "samples cannot be filtered by plain in this way");
    // The same if other filters leave few rows: what is served does not depend on the data.
    assert_eq!(refusal(&[("flag", "true"), ("plain", "1")], "id", &measured).0, code);
    // `seen` is in indexes, but nowhere first and ascending.
    assert_eq!(refusal(&[("seen", "2020-01-01..")], "id", &measured).0, code);
    // Every slot is empty, so the unique pair has no row.
    assert_eq!(refusal(&[("slot", "1")], "id", &measured).0, code);
    let none = Tuning { sort_rows: 49, ..measured.clone() };
    let (code, text) = refusal(&[], "score,-rank", &none);
    assert_eq!(code, Code::UnsupportedQuery);
    assert_eq!(
        text,
        "no index of samples has the order score,rank for the filters [], and 50 rows are too many to sort"
    );
    for (filter, sort) in
        [(("nothing", "1"), "id"), (("flag", "perhaps"), "id"), (("flag", "true"), "plain")]
    {
        assert_eq!(refusal(&[filter], sort, &measured).0, Code::BadRequest);
    }
    let query =
        Query { window: Window::Offset(100_001), ..Query::all::<Sample>().expect("declared") };
    let snapshot = store.read().expect("reads work");
    let far = plan::run::<Sample>(&store, &*snapshot, &query).expect("is behind the end");
    assert_eq!((far.ids.len(), far.total, far.next), (0, 50, None));
    for window in ["", "junk", "AQAAAAAAAAAAAAAAAAAAAAAA"] {
        let query = Query { window: Window::After(window.into()), ..query.clone() };
        let e = plan::run::<Sample>(&store, &*snapshot, &query).expect_err("is no cursor");
        assert_eq!(e.code(), Code::NotFound, "{window}");
    }
}

fn hits_are_counted(make: &Make) {
    let store = ladder(make, 50);
    let walk = &tunings()[1];
    assert_eq!(store.hits("idx_samples_score"), 0);
    for n in 1..=3 {
        ask(&store, &[], "score", walk).expect("is served");
        assert_eq!(store.hits("idx_samples_score"), n);
    }
    ask(&store, &[("rank", "1..2")], "id", walk).expect("is served");
    assert_eq!((store.hits("idx_samples_rank"), store.hits("idx_samples_score")), (1, 3));
}
