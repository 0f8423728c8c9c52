//! Lists: filters, order, pages, search, facets, relations, fields.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::Client;
use super::harness::{Server, report};

fn imported() -> (Server, Client) {
    let server = Server::start();
    let client = server.token("operator");
    for name in ["trivy-alpine-39.json", "trivy-npm.json", "dd-legacy_many_vulns.json"] {
        client.import(&format!("?filename={name}"), &report(name)).ok(201);
    }
    (server, client)
}

fn count(client: &Client, path: &str) -> u64 {
    client.get(path).ok(200)["total_count"].as_u64().unwrap()
}

#[test]
fn filters_select_exactly_what_passes() {
    let (_server, client) = imported();
    let all = client.all("/findings?sort=id");
    let passing = |test: &dyn Fn(&Value) -> bool| -> BTreeSet<u64> {
        all.iter().filter(|f| test(f)).map(|f| f["id"].as_u64().unwrap()).collect()
    };
    let severity = |f: &Value, words: &[&str]| words.iter().any(|w| f["severity"] == *w);
    let score = |f: &Value| f["priority_score"].as_f64().unwrap();
    let cases: Vec<(&str, BTreeSet<u64>)> = vec![
        ("severity=critical", passing(&|f| severity(f, &["critical"]))),
        ("severity=critical,high", passing(&|f| severity(f, &["critical", "high"]))),
        ("severity=critical&severity=high", passing(&|f| severity(f, &["critical", "high"]))),
        (
            "severity=high&fix_available=true",
            passing(&|f| severity(f, &["high"]) && f["fix_available"] == true),
        ),
        ("priority_score=50..", passing(&|f| score(f) >= 50.0)),
        ("priority_score=..50", passing(&|f| score(f) <= 50.0)),
        ("priority_score=40..60&kev=false", passing(&|f| (40.0..=60.0).contains(&score(f)))),
        ("asset_id=1", passing(&|f| f["asset_id"] == 1)),
        ("asset_id=2..", passing(&|f| f["asset_id"].as_u64() >= Some(2))),
        ("id=1,3,99999", passing(&|f| f["id"] == 1 || f["id"] == 3)),
        ("id=2..4", passing(&|f| (2..=4).contains(&f["id"].as_u64().unwrap()))),
        ("cve_id=CVE-2019-1549", passing(&|f| f["cve_id"] == "CVE-2019-1549")),
        ("cve_id=CVE-2019*", passing(&|f| f["cve_id"].as_str().unwrap().starts_with("CVE-2019"))),
        (
            "component=musl,musl-utils",
            passing(&|f| f["component"]["name"].as_str().unwrap().starts_with("musl")),
        ),
        (
            "ecosystem=apk&severity=medium",
            passing(&|f| f["component"]["ecosystem"] == "apk" && severity(f, &["medium"])),
        ),
        (
            "search=libcrypto",
            passing(&|f| f["component"]["name"].as_str().unwrap().starts_with("libcrypto")),
        ),
        (
            "search=LIBCRYPTO%20cve-2019-1549",
            passing(&|f| {
                f["cve_id"] == "CVE-2019-1549"
                    && f["component"]["name"].as_str().unwrap().starts_with("libcrypto")
            }),
        ),
        ("search=", passing(&|_| true)),
        ("search=nothinglikeit", BTreeSet::new()),
        ("status=open", passing(&|f| f["status"] == "open")),
        ("first_seen=2020-01-01..&last_seen=..2999-01-01T00:00:00Z", passing(&|_| true)),
        ("scanner=trivy", passing(&|_| true)),
        ("due_at=..2999-01-01", passing(&|f| f["due_at"].is_string())),
        ("overdue=true", passing(&|f| f["overdue"] == true)),
        ("due_by=sla,rule", passing(&|f| f["due_by"]["kind"] == "sla")),
        ("due_by=person", BTreeSet::new()),
    ];
    for (query, expected) in cases {
        let found = client.all(&format!("/findings?{query}"));
        let ids: BTreeSet<u64> = found.iter().map(|f| f["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
        assert_eq!(count(&client, &format!("/findings?{query}")), expected.len() as u64, "{query}");
    }
    assert!(all.len() > 70);
}

#[test]
fn orders_and_pages_show_every_row_once() {
    let (_server, client) = imported();
    let sorts = ["-priority_score", "severity,-id", "cve_id", "-first_seen,cve_id,id", "id"];
    for sort in sorts.into_iter().chain(["asset", "-asset"]) {
        let rows = client.all(&format!("/findings?sort={sort}&fields=id"));
        let ids: Vec<u64> = rows.iter().map(|f| f["id"].as_u64().unwrap()).collect();
        let distinct: BTreeSet<u64> = ids.iter().copied().collect();
        assert_eq!(distinct.len(), ids.len(), "{sort}");
        // Small pages by number and by cursor show the same, in the same order.
        let (mut by_number, mut by_cursor, mut cursor) = (Vec::new(), Vec::new(), String::new());
        for page in 1..=4 {
            let path = format!("/findings?sort={sort}&page_size=17");
            let numbered = client.get(&format!("{path}&page={page}")).ok(200);
            assert_eq!((&numbered["page"], &numbered["page_size"]), (&json!(page), &json!(17)));
            assert_eq!(numbered["total_pages"], ids.len().div_ceil(17));
            by_number.extend(numbered["items"].as_array().unwrap().clone());
            let walked = client.get(&format!("{path}{cursor}")).ok(200);
            by_cursor.extend(walked["items"].as_array().unwrap().clone());
            cursor = format!("&cursor={}", walked["next_cursor"].as_str().unwrap());
        }
        assert_eq!(by_number, by_cursor, "{sort}");
        let first: Vec<u64> = by_number.iter().map(|f| f["id"].as_u64().unwrap()).collect();
        assert_eq!(first, ids[..68], "{sort}");
    }
    let scores: Vec<f64> =
        client.all("/findings").iter().map(|f| f["priority_score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "most urgent first by default");
    let by_asset = client.all("/findings?sort=asset");
    let keys = by_asset.iter().map(|f| (f["asset"].as_str().unwrap(), f["id"].as_u64().unwrap()));
    assert!(keys.is_sorted(), "by name, then by number");
    let last = client.get("/findings?page=9999").ok(200);
    assert!(last["items"].as_array().unwrap().is_empty() && last.get("next_cursor").is_none());
}

#[test]
fn a_cursor_belongs_to_its_query() {
    let (_server, client) = imported();
    let page = client.get("/findings?severity=high&page_size=2").ok(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let next =
        client.get(&format!("/findings?severity=high&page_size=2&page=2&cursor={cursor}")).ok(200);
    assert_eq!(next["page"], 2, "with a cursor the number only numbers");
    assert_eq!(
        client.get(&format!("/findings?severity=high&cursor={cursor}")).ok(200).get("page"),
        None
    );
    client.get(&format!("/findings?severity=low&cursor={cursor}")).problem(404, "not-found");
    client
        .get(&format!("/findings?severity=high&sort=id&cursor={cursor}"))
        .problem(404, "not-found");
    client.get("/findings?cursor=nonsense").problem(404, "not-found");
}

#[test]
fn facets_count_what_lists_show() {
    let (_server, client) = imported();
    let facets = client
        .get("/findings/facets?severity=high&fields=severity,fix_available,ecosystem")
        .ok(200);
    assert_eq!(facets["total_count"], count(&client, "/findings?severity=high"));
    for (field, filter) in
        [("severity", ""), ("fix_available", "&severity=high"), ("ecosystem", "&severity=high")]
    {
        let values = facets["facets"][field].as_array().unwrap();
        assert!(!values.is_empty(), "{field}");
        for value in values {
            let path = format!("/findings?{field}={}{filter}", value["value"].as_str().unwrap());
            assert_eq!(value["count"], count(&client, &path), "{path}");
        }
    }
    assert_eq!(client.get("/findings/facets?fields=title").pointers(400), ["fields"]);
    for resource in ["vulnerabilities", "assets", "patches", "imports", "jobs", "tokens"] {
        let facets = client.get(&format!("/{resource}/facets")).ok(200);
        assert_eq!(facets["total_count"], count(&client, &format!("/{resource}")), "{resource}");
    }
}

#[test]
fn relations_and_fields_are_sent_when_asked_for() {
    let (_server, client) = imported();
    let page = client.get("/findings?include=asset,vulnerability&page_size=5").ok(200);
    for finding in page["items"].as_array().unwrap() {
        let has = |table: &str, id: &Value| {
            page["included"][table].as_array().unwrap().iter().any(|r| r["id"] == *id)
        };
        assert!(
            has("assets", &finding["asset_id"])
                && has("vulnerabilities", &finding["vulnerability_id"])
        );
    }
    let page = client.get("/vulnerabilities?include=asset_vulnerabilities&page_size=1").ok(200);
    let id = &page["items"][0]["id"];
    let included = page["included"]["asset_vulnerabilities"].as_array().unwrap();
    assert!(!included.is_empty() && included.iter().all(|f| f["vulnerability_id"] == *id));
    let page = client.get("/findings?fields=id,severity,title&page_size=3").ok(200);
    for row in page["items"].as_array().unwrap() {
        assert_eq!(row.as_object().unwrap().len(), 3, "{row}");
    }
}

#[test]
fn wrong_parameters_are_named_and_the_right_ones_told() {
    let server = Server::start();
    let client = server.token("viewer");
    for (query, pointer, hint) in [
        ("colour=red", "colour", "priority_score"),
        ("severity=terrible", "severity", "critical"),
        ("fix_available=maybe", "fix_available", "true or false"),
        ("page=0", "page", "1"),
        ("page=1&page=2", "page", "twice"),
        ("page_size=1001", "page_size", "1000"),
        ("page_size=ten", "page_size", "whole number"),
        ("sort=colour", "sort", "-priority_score"),
        ("fields=colour", "fields", "severity"),
        ("include=friends", "include", "vulnerability"),
        ("first_seen=yesterday", "first_seen", "yesterday"),
        ("first_seen=2026-02-30", "first_seen", "2026-02-30"),
        ("asset_id=-1", "asset_id", "-1"),
        ("priority_score=..", "priority_score", ".."),
    ] {
        let answer = client.get(&format!("/findings?{query}"));
        assert_eq!(answer.pointers(400), [pointer], "{query}");
        let detail = answer.problem(400, "bad-request")["errors"][0]["detail"].to_string();
        assert!(detail.contains(hint), "{query}: {detail}");
    }
    let both = client.get("/findings?colour=red&severity=terrible&page=0");
    assert_eq!(both.pointers(400), ["colour", "severity", "page"]);
    for path in ["/stats?x=1", "/findings/1?x=1", "/auth/me?x=1", "/setup?x=1"] {
        assert_eq!(client.get(path).pointers(400), ["x"], "{path}");
    }
}
