//! Whatever is asked, the answer is that of filtering and sorting all records; by whatever
//! way the planner takes, and from page to page.

use std::cmp::Ordering;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use roaring::RoaringBitmap;

use super::sample::{COLORS, FLOATS, NUMBERS, Sample, TEXTS, TIMES, WORDS, distinct, sample};
use super::{Make, on_every_engine, open, property};
use crate::base::record::{Kind, Record, Value};
use crate::base::{Code, Timestamp};
use crate::store::plan::{self, Page, Tuning};
use crate::store::query::{self, Filter, Query, Sort, Test, Window};
use crate::store::{Direction, Store, sweep};

on_every_engine!(
    answers_are_those_of_a_naive_search,
    cursors_visit_every_row_once_in_order,
    cursors_survive_changes_between_pages,
    sweeps_visit_what_pages_show
);

/// Costs that make the planner prefer each of its ways in turn.
pub(super) fn tunings() -> Vec<Tuning> {
    let measured = Tuning::MEASURED;
    vec![
        measured.clone(),
        Tuning { fetch: u64::MAX, few: 0, ..measured.clone() },
        Tuning { fetch: 0, step: 1, few: u64::MAX, ..measured.clone() },
        Tuning { fetch: u64::MAX, patience: 1, few: 2, ..measured.clone() },
        Tuning { fetch: u64::MAX, patience: 3, sort_rows: 0, ..measured },
    ]
}

pub(super) fn filled(make: &Make, samples: Vec<Sample>) -> (Store, Vec<Sample>) {
    let store = open(make());
    let stored = store
        .write_blocking("test", move |tx| {
            samples
                .iter()
                .enumerate()
                .map(|(n, s)| tx.insert(distinct(n as u64, s.clone())))
                .collect::<crate::base::Result<Vec<_>>>()
        })
        .expect("they do not collide");
    (store, stored)
}

fn value(kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Enum(_) => (0..COLORS.len() as u8).prop_map(Value::Enum).boxed(),
        Kind::U64 => prop_oneof![select(NUMBERS), 0..40u64].prop_map(Value::U64).boxed(),
        Kind::F64 => select(FLOATS).prop_map(Value::F64).boxed(),
        Kind::Time => select(TIMES).prop_map(|t| Value::Time(Timestamp::from_micros(t))).boxed(),
        Kind::Text => select(TEXTS).prop_map(|t| Value::Text(t.into())).boxed(),
        Kind::Words => select(WORDS).prop_map(|t| Value::Text(t.into())).boxed(),
    }
}

fn test(kind: Kind) -> BoxedStrategy<Test> {
    let one_of = vec(prop_oneof![9 => value(kind), 1 => Just(Value::Null)], 1..4);
    let one_of = one_of.prop_map(Test::In);
    let end = move || proptest::option::of(value(kind));
    let range = (end(), end()).prop_map(|(from, to)| Test::Range(from, to));
    match kind {
        Kind::Words => vec(select(&["log", "core", "open", "x"][..]), 0..3)
            .prop_map(|w| Test::Words(w.into_iter().map(str::to_owned).collect()))
            .boxed(),
        Kind::Text => {
            let prefix = select(&["", "a", "c", "code-00000", "ä"][..]);
            prop_oneof![3 => one_of, 1 => prefix.prop_map(|p| Test::Prefix(p.into()))].boxed()
        }
        Kind::Bool | Kind::Enum(_) => one_of.boxed(),
        Kind::U64 | Kind::F64 | Kind::Time => prop_oneof![2 => one_of, 1 => range].boxed(),
    }
}

fn filter() -> impl Strategy<Value = Filter> {
    let mut fields: Vec<(&'static str, Kind)> =
        Sample::fields().iter().map(|f| (f.name, f.kind)).collect();
    fields.push(("id", Kind::U64));
    select(fields)
        .prop_flat_map(|(field, kind)| test(kind).prop_map(move |test| Filter { field, test }))
}

fn sort() -> impl Strategy<Value = Vec<Sort>> {
    let known = vec![
        "-id",
        "score",
        "-score",
        "level",
        "-level",
        "heat",
        "-heat",
        "owner",
        "color,score",
        "-color,-score",
        "-seen,name",
        "seen,-name",
        "rank",
        "-rank,id",
        "rank,-id",
        "name",
        "code",
        "-code",
        "serial",
        "-serial",
        "flag,-seen",
        "-seen",
        "color,-id,score",
        "id,name",
        "-name",
        "due,-owner",
    ];
    let sortable: Vec<&'static str> = query::sortable::<Sample>().collect();
    let random = vec((select(sortable), any::<bool>()), 0..3).prop_map(|steps| {
        let mut sort: Vec<Sort> = Vec::new();
        for (field, descending) in steps {
            if sort.iter().all(|s| s.field != field) {
                sort.push(Sort { field, descending });
            }
        }
        sort
    });
    let known = select(known).prop_map(|text| {
        let step = |s: &'static str| match s.strip_prefix('-') {
            Some(field) => Sort { field, descending: true },
            None => Sort { field: s, descending: false },
        };
        text.split(',').map(step).collect()
    });
    prop_oneof![known, random]
}

fn values(s: &Sample, field: &str) -> Vec<Value> {
    match Sample::field(field) {
        Some(field) => field.values(s),
        None => vec![Value::U64(s.id)],
    }
}

/// Whether a record passes, written down once more.
fn naive_passes(filter: &Filter, s: &Sample) -> bool {
    let values = values(s, filter.field);
    let starts = |v: &Value, with: &str| match v {
        Value::Text(t) => t.starts_with(with),
        _ => false,
    };
    match &filter.test {
        Test::In(wanted) => values.iter().any(|v| wanted.iter().any(|w| w == v)),
        Test::Range(from, to) => values.iter().any(|v| {
            let above = from.as_ref().is_none_or(|f| v.partial_cmp(f) != Some(Ordering::Less));
            let below = to.as_ref().is_none_or(|t| v.partial_cmp(t) != Some(Ordering::Greater));
            above && below && *v != Value::Null
        }),
        Test::Prefix(prefix) => values.iter().any(|v| starts(v, prefix)),
        Test::Words(words) => words.iter().all(|w| values.iter().any(|v| starts(v, w))),
    }
}

/// The order that an order asks for, written down once more.
fn naive_order(sort: &[Sort], a: &Sample, b: &Sample) -> Ordering {
    for step in sort {
        let (a, b) = (values(a, step.field), values(b, step.field));
        let order = a.partial_cmp(&b).expect("all values compare");
        let order = if step.descending { order.reverse() } else { order };
        if order != Ordering::Equal {
            return order;
        }
    }
    let down = !sort.is_empty() && sort.iter().all(|s| s.descending);
    if down { b.id.cmp(&a.id) } else { a.id.cmp(&b.id) }
}

fn naive<'a>(all: &'a [Sample], filters: &[Filter], sort: &[Sort]) -> Vec<&'a Sample> {
    let mut found: Vec<&Sample> =
        all.iter().filter(|s| filters.iter().all(|f| naive_passes(f, s))).collect();
    found.sort_by(|a, b| naive_order(sort, a, b));
    found
}

fn run(store: &Store, query: &Query, tuning: &Tuning) -> crate::base::Result<Page> {
    let snapshot = store.read().expect("reads work");
    plan::run_tuned::<Sample>(store, &*snapshot, query, tuning)
}

/// Whether refusing a query is right: a filter on what nothing serves, or an order that
/// only sorting gives where sorting is not allowed.
fn may_refuse(filters: &[Filter], tuning: &Tuning) -> bool {
    let served: Vec<&str> = query::filterable::<Sample>().map(|f| f.0).collect();
    let odd = |f: &Filter| match f.field {
        "id" => false,
        // Its only index leaves out records without a number.
        "serial" => matches!(&f.test, Test::In(v) if v.contains(&Value::Null)),
        name => !served.contains(&name),
    };
    tuning.sort_rows == 0 || filters.iter().any(odd)
}

fn answers_are_those_of_a_naive_search(make: &Make) {
    let queries = vec((vec(filter(), 0..4), sort(), 0..30u64, 1..20u64), 12);
    property(48, &(vec(sample(), 0..60), queries), |(samples, queries)| {
        let (store, all) = filled(make, samples);
        for (filters, sort, skip, limit) in queries {
            let found = naive(&all, &filters, &sort);
            let wanted: Vec<u64> = found.iter().map(|s| s.id).collect();
            let window = Window::Offset(skip);
            let query = Query { filters: filters.clone(), sort, window, limit };
            for tuning in tunings() {
                let page = match run(&store, &query, &tuning) {
                    Ok(page) => page,
                    Err(e) => {
                        prop_assert_eq!(e.code(), Code::UnsupportedQuery);
                        prop_assert!(may_refuse(&filters, &tuning), "{} for {:?}", e, query);
                        continue;
                    }
                };
                let to = wanted.len().min((skip + limit) as usize);
                let from = to.min(skip as usize);
                prop_assert_eq!(page.total, wanted.len() as u64, "{:?} by {:?}", query, page.plan);
                prop_assert_eq!(&page.ids, &wanted[from..to], "{:?} by {:?}", query, page.plan);
                prop_assert_eq!(page.next.is_some(), to < wanted.len() && from < to);
                prop_assert_eq!(page.rows.len(), page.ids.len());
            }
            sets_and_counts(&store, &all, &filters, &wanted)?;
        }
        Ok(())
    });
}

/// The same filters by the other doors: numbers, count, counts per facet value.
fn sets_and_counts(
    store: &Store,
    all: &[Sample],
    filters: &[Filter],
    wanted: &[u64],
) -> std::result::Result<(), TestCaseError> {
    let snapshot = store.read().expect("reads work");
    let Ok(ids) = plan::ids::<Sample>(store, &*snapshot, filters) else { return Ok(()) };
    let mut sorted = wanted.to_vec();
    sorted.sort_unstable();
    prop_assert_eq!(ids.iter().map(u64::from).collect::<Vec<_>>(), sorted);
    let count = plan::count::<Sample>(store, &*snapshot, filters).expect("served above");
    prop_assert_eq!(count, wanted.len() as u64);
    for field in Sample::fields().iter().filter(|f| f.facet) {
        let counts = plan::facet_counts::<Sample>(store, &*snapshot, field.name, filters)
            .expect("served above");
        let mut naive: Vec<(Value, u64)> = Vec::new();
        for s in all.iter().filter(|s| wanted.contains(&s.id)) {
            let mut values = field.values(s);
            values.dedup();
            values.sort_by(|a, b| a.partial_cmp(b).expect("all compare"));
            values.dedup();
            for value in values.into_iter().filter(|v| *v != Value::Null) {
                match naive.iter_mut().find(|(v, _)| *v == value) {
                    Some((_, n)) => *n += 1,
                    None => naive.push((value, 1)),
                }
            }
        }
        naive.sort_by(|a, b| a.0.partial_cmp(&b.0).expect("all compare"));
        // Minus zero is kept as zero.
        let text = |v: &Value| {
            field.kind.text(&if *v == Value::F64(0.0) { Value::F64(0.0) } else { v.clone() })
        };
        let naive: Vec<(String, u64)> =
            naive.iter().filter_map(|(v, n)| text(v).map(|t| (t, *n))).collect();
        prop_assert_eq!(counts, naive, "{}", field.name);
    }
    Ok(())
}

/// All pages from the first to the last, each by another way.
fn walk(store: &Store, query: &Query) -> crate::base::Result<Vec<u64>> {
    let mut ids = Vec::new();
    let mut window = Window::Offset(0);
    for tuning in tunings().iter().take(4).cycle() {
        let page = run(store, &Query { window, ..query.clone() }, tuning)?;
        ids.extend(&page.ids);
        match page.next {
            Some(cursor) => window = Window::After(cursor.encode()),
            None => break,
        }
    }
    Ok(ids)
}

fn cursors_visit_every_row_once_in_order(make: &Make) {
    let queries = vec((vec(filter(), 0..2), sort(), 1..9u64), 6);
    property(48, &(vec(sample(), 0..60), queries), |(samples, queries)| {
        let (store, all) = filled(make, samples);
        for (filters, sort, limit) in queries {
            let wanted: Vec<u64> = naive(&all, &filters, &sort).iter().map(|s| s.id).collect();
            let query = Query { filters: filters.clone(), sort, window: Window::Offset(0), limit };
            match walk(&store, &query) {
                Ok(ids) => prop_assert_eq!(ids, wanted, "{:?}", query),
                Err(e) => prop_assert!(may_refuse(&filters, &Tuning::MEASURED), "{}", e),
            }
        }
        Ok(())
    });
}

fn cursors_survive_changes_between_pages(make: &Make) {
    let change = prop_oneof![sample().prop_map(Ok), any::<proptest::sample::Index>().prop_map(Err)];
    let case = (vec(sample(), 1..40), vec(change, 0..20), sort(), 1..6u64);
    property(60, &case, |(samples, changes, sort, limit)| {
        let (store, mut all) = filled(make, samples);
        let before = all.clone();
        let mut changes = changes.into_iter();
        let (mut seen, mut window, mut number) = (Vec::new(), Window::Offset(0), 1000);
        for tuning in tunings().iter().take(4).cycle() {
            let query = Query { filters: vec![], sort: sort.clone(), window, limit };
            let page = run(&store, &query, tuning).expect("every order here is served");
            seen.extend(page.ids);
            let Some(cursor) = page.next else { break };
            window = Window::After(cursor.encode());
            for change in changes.by_ref().take(2) {
                number += 1;
                match change {
                    Ok(new) => {
                        let new = distinct(number, new);
                        let stored = store.write_blocking("test", move |tx| tx.insert(new.clone()));
                        all.push(stored.expect("is new"));
                    }
                    Err(pick) if !all.is_empty() => {
                        let gone = all.swap_remove(pick.index(all.len()));
                        let delete =
                            move |tx: &mut crate::store::Tx<'_>| tx.delete::<Sample>(gone.id);
                        store.write_blocking("test", delete).expect("is there");
                    }
                    Err(_) => {}
                }
            }
        }
        let mut once = seen.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), seen.len(), "no row comes twice: {:?}", seen);
        let stayed: Vec<Sample> = before.into_iter().filter(|s| all.contains(s)).collect();
        let wanted: Vec<u64> = naive(&stayed, &[], &sort).iter().map(|s| s.id).collect();
        seen.retain(|id| wanted.contains(id));
        prop_assert_eq!(seen, wanted, "rows that stayed are all there, in order");
        Ok(())
    });
}

/// A sweep hands over the rows of all pages, in their order, however few numbers it finds at
/// a time; and an index the numbers of a set.
fn sweeps_visit_what_pages_show(make: &Make) {
    let cases = (vec(sample(), 0..40), vec(filter(), 0..2), sort(), 1..9_u64);
    property(48, &cases, |(samples, filters, sort, stride)| {
        let (store, stored) = filled(make, samples);
        let snapshot = store.read().expect("reads work");
        let query = Query { filters, sort, window: Window::Offset(0), limit: 1000 };
        let whole = plan::run::<Sample>(&store, &*snapshot, &query);
        let mut rows = Vec::new();
        let swept = sweep::in_strides::<Sample>(&store, &*snapshot, &query, stride, &mut |row| {
            rows.push(row);
            Ok(())
        });
        match (whole, swept) {
            (Ok(page), Ok(seen)) => {
                prop_assert_eq!(seen, page.total);
                prop_assert_eq!(&rows, &page.rows);
                let set: RoaringBitmap = page.ids.iter().map(|id| *id as u32).collect();
                let mut found = RoaringBitmap::new();
                let mut take = |id: u64| Ok(found.insert(id as u32));
                let forward = Direction::Forward;
                sweep::by_index::<Sample>(&*snapshot, "idx_samples_rank", forward, &set, &mut take)
                    .expect("reads work");
                prop_assert_eq!(found, set, "of {}", stored.len());
            }
            (Err(whole), Err(swept)) => prop_assert_eq!(whole.code(), swept.code()),
            (whole, swept) => prop_assert!(false, "{whole:?} but {swept:?}"),
        }
        Ok(())
    });
}
