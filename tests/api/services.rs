//! Open ports: who has them, since when, and what was there before.

use serde_json::json;

use super::harness::{Server, run};

/// An Nmap report of day `day`: asset, ports with product and version.
fn nmap(day: u32, host: &str, ports: &[(u16, &str, &str, &str)]) -> Vec<u8> {
    let at = 1_760_000_000 + day * 86_400;
    let ports: Vec<String> = ports
        .iter()
        .map(|(port, name, product, version)| {
            format!(
                "<port protocol=\"tcp\" portid=\"{port}\"><state state=\"open\"/>\
                 <service name=\"{name}\" product=\"{product}\" version=\"{version}\"/></port>"
            )
        })
        .collect();
    format!(
        "<nmaprun scanner=\"nmap\" version=\"7.95\" start=\"{at}\"><host><status state=\"up\"/>\
         <address addr=\"{host}\" addrtype=\"ipv4\"/><ports>{}</ports></host></nmaprun>",
        ports.concat()
    )
    .into_bytes()
}

#[test]
fn ports_are_kept_with_their_history() {
    let server = Server::start();
    let client = server.token("operator");
    let web = [(22, "ssh", "OpenSSH", "9.2"), (443, "https", "nginx", "1.24")];
    let import = client.import("", &nmap(1, "10.0.0.1", &web)).ok(201);
    assert_eq!(import["services"], 2);
    client.import("", &nmap(1, "10.0.0.2", &[(22, "ssh", "OpenSSH", "8.4")])).ok(201);
    let newer = [(443, "https", "nginx", "1.26"), (8080, "http-proxy", "", "")];
    client.import("", &nmap(2, "10.0.0.1", &newer)).ok(201);
    // An older report that comes late tells nothing new.
    client.import("", &nmap(0, "10.0.0.1", &[(443, "https", "nginx", "1.20")])).ok(201);

    let of = |query: &str| {
        let rows = client.all(&format!("/services?{query}"));
        rows.iter()
            .map(|s| format!("{}:{}", s["asset"].as_str().unwrap(), s["port"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(of("asset=10.0.0.1&sort=port"), ["10.0.0.1:22", "10.0.0.1:443", "10.0.0.1:8080"]);
    assert_eq!(of("port=22"), ["10.0.0.1:22", "10.0.0.2:22"]);
    assert_eq!(of("port=400..9000&name=https"), ["10.0.0.1:443"]);
    assert_eq!(of("search=openssh&sort=port"), ["10.0.0.1:22", "10.0.0.2:22"]);
    let facets = client.get("/services/facets?fields=port,product&is_open=true").ok(200);
    assert_eq!(facets["facets"]["port"][0], json!({"value": "22", "count": 2}));
    let https = client.all("/services?port=443").remove(0);
    assert_eq!(https["product_version"], "1.26");
    let before = &https["history"][0];
    assert_eq!(
        (&before["product_version"], https["history"].as_array().unwrap().len()),
        (&json!("1.24"), 1)
    );
    assert!(https["first_seen"].as_str() < before["until"].as_str());
    assert!(before["until"].as_str() < https["last_seen"].as_str());
    let listed = run(server.data(), &["list", "services", "port=443"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("nginx"));

    // They follow their asset.
    let asset = client.get("/assets/10.0.0.1").ok(200);
    client.post(&format!("/assets/{}/join", asset["id"]), &json!({"asset": "10.0.0.2"})).ok(200);
    assert_eq!(of("port=22"), ["10.0.0.1:22"]);
    client.delete("/assets/10.0.0.1?force=true").ok(204);
    assert!(of("").is_empty());
}
