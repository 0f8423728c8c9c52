//! Mappings of columns: tried out, saved, used; and what their mistakes are called.

use serde_json::json;

use super::harness::{Server, run};

const TABLE: &str = "Report of today\nBug;Box;How bad;Part\nCVE-2026-1;web1;critical;nginx\n\
                     CVE-2026-2;web2;low;curl\n;web3;low;curl\n";

#[test]
fn a_mapping_is_tried_saved_and_used() {
    let server = Server::start();
    let client = server.token("operator");
    // First, what is there.
    let look = client.post("/mappings/preview", &json!({"columns": {}, "sample": TABLE})).ok(200);
    let names: Vec<_> =
        look["columns"].as_array().unwrap().iter().map(|c| c["name"].clone()).collect();
    assert_eq!(names, ["Bug", "Box", "How bad", "Part"]);
    assert!(look["problem"].as_str().unwrap().contains("no column is 'id' or 'title'"), "{look}");
    let columns = json!({"Bug": "id", "box": "asset", "How bad": "severity", "Part": "component"});
    let tried =
        client.post("/mappings/preview", &json!({"columns": columns, "sample": TABLE})).ok(200);
    let row = &tried["rows"][0];
    assert_eq!(row["vulnerability"], "CVE-2026-1");
    assert_eq!((&row["asset"], &row["severity"]), (&json!("web1"), &json!("critical")));
    assert_eq!(row["component"]["name"], "nginx");
    assert_eq!(
        (&tried["rows"][2]["skipped"], &tried["rows"][2]["at"]),
        (&json!("unidentified"), &json!("line 5"))
    );
    assert!(tried["problem"].is_null() && client.all("/findings").is_empty());
    let many: Vec<_> = (0..50).map(|n| format!("CVE-2026-{n};a;high;p\n")).collect();
    let many = many.concat();
    let body = json!({"columns": columns, "sample": format!("Bug;Box;How bad;Part\n{many}CVE-20")});
    let many = client.post("/mappings/preview", &body).ok(200);
    assert_eq!((many["rows"].as_array().unwrap().len(), &many["problem"]), (20, &json!(null)));

    let saved = client.post("/mappings", &json!({"name": "ours", "columns": columns})).ok(201);
    assert_eq!(client.get("/mappings/ours").ok(200), saved);
    client
        .post("/mappings", &json!({"name": "ours", "columns": columns}))
        .problem(409, "duplicate");
    client.import("", TABLE.as_bytes()).problem(422, "bad-report");
    let import = client.import("?mapping=ours", TABLE.as_bytes()).ok(201);
    assert_eq!((&import["findings"], &import["mapping"]), (&json!(2), &json!("ours")));
    assert_eq!(import["skipped_reasons"], json!({"unidentified": 1}));
    let assets: Vec<_> =
        client.all("/assets?sort=asset_id").iter().map(|a| a["asset_id"].clone()).collect();
    assert_eq!(assets, ["web1", "web2", "web3"]);
    let lines =
        "{\"bug\": \"CVE-2026-3\", \"box\": \"web1\", \"how_bad\": \"high\", \"part\": \"x\"}\n";
    assert_eq!(
        client.import("?mapping=ours&format=generic-csv", lines.as_bytes()).ok(201)["new"],
        1
    );
    client.delete("/mappings/ours").ok(204);
    assert_eq!(client.import("?mapping=ours", TABLE.as_bytes()).pointers(422), ["mapping"]);
}

#[test]
fn mistakes_in_mappings_are_named() {
    let server = Server::start();
    let client = server.token("operator");
    let refused =
        |columns| client.post("/mappings", &json!({"name": "m", "columns": columns})).pointers(422);
    for columns in
        [json!({"a": "asset"}), json!({"a": "id", "b": "id"}), json!({"a": "id", "!": "asset"})]
    {
        assert_eq!(refused(columns.clone()), ["/columns"], "{columns}");
    }
    assert_eq!(refused(json!({"a": "no-such"})), ["/columns/a"]);
    let columns = json!({"Bug": "id", "/host/name": "asset"});
    client.post("/mappings", &json!({"name": "m", "columns": columns})).ok(201);
    for (text, what) in [
        (
            "Bug,Box\nCVE-2026-1,x\n",
            "the column '/host/name' that the mapping names is not in the table; it has: 'Bug', 'Box'",
        ),
        ("[{\"bug\": \"\", \"host\": {}}]", "none of the 1 entries has a text at 'Bug'"),
        ("{\"x\": 1}", "no entries were found that have any of what the mapping names"),
    ] {
        let problem = client.import("?mapping=m", text.as_bytes()).problem(422, "bad-report");
        assert!(problem["detail"].as_str().unwrap().contains(what), "{problem}");
    }
    assert_eq!(client.import("?mapping=m&format=trivy", b"{}").pointers(422), ["mapping"]);
    let changed = client.patch("/mappings/m", &json!({"columns": {"a": "asset"}}));
    assert_eq!(changed.pointers(422), ["/columns"]);
}

#[test]
fn mappings_are_made_and_used_on_the_command_line() {
    let server = Server::start();
    let file = server.data().join("table.csv");
    std::fs::write(&file, TABLE).unwrap();
    let file = file.to_str().unwrap();
    let columns = ["--column", "Bug=id", "--column", "Box=asset", "--column", "How bad=severity"];
    let text = |arguments: &[&str]| {
        let done = run(server.data(), &[arguments, &columns].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let shown = text(&["mapping", "preview", file]);
    assert!(shown.contains("CVE-2026-1") && shown.contains("unidentified"), "{shown}");
    assert!(text(&["mapping", "set", "ours"]).contains("3 columns"));
    assert!(text(&["mapping", "set", "ours", "--description", "of the auditors"]).contains("ours"));
    let plain = |arguments: &[&str]| run(server.data(), arguments);
    let listed = String::from_utf8(plain(&["list", "mappings"]).stdout).unwrap();
    assert!(listed.contains("of the auditors"), "{listed}");
    let done = String::from_utf8(plain(&["import", "--mapping", "ours", file]).stdout).unwrap();
    assert!(done.contains("2 findings"), "{done}");
    assert!(plain(&["mapping", "delete", "ours"]).status.success());
}
