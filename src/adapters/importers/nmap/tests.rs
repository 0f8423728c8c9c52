//! What Nmap's files become.

use super::Nmap;
use crate::adapters::importers::testing::{
    assets, counts_agree, findings, import, skipped, snapshots,
};
use crate::domain::asset::AssetType;
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::severity::Severity;

#[test]
fn real_reports_become_what_they_say() {
    snapshots(&Nmap);
}

#[test]
fn counts_agree_with_another_program() {
    counts_agree(&Nmap, &[]);
}

fn read(hosts: &str) -> Vec<Observation> {
    let text = format!(
        "<nmaprun scanner=\"nmap\" start=\"1581930445\" version=\"7.94\">{hosts}</nmaprun>"
    );
    import(&Nmap, text.as_bytes()).unwrap()
}

fn host(inside: &str) -> String {
    format!(
        "<host><status state=\"up\"/><address addr=\"10.0.0.1\" addrtype=\"ipv4\"/>{inside}</host>"
    )
}

#[test]
fn hints_and_hosts_that_are_down_are_no_assets() {
    let hint = host("").replace("host>", "hosthint>");
    let down = host("").replace("\"up\"", "\"down\"");
    let observations = read(&format!("{hint}{down}{}", host("")));
    assert_eq!(assets(&observations).len(), 1);
    assert_eq!(skipped(&observations, SkipReason::Empty), 1);
    // masscan says nothing of the state.
    assert_eq!(assets(&read(&host("").replace("<status state=\"up\"/>", ""))).len(), 1);
}

#[test]
fn hosts_are_described() {
    let observations = read(&host(
        "<address addr=\"00:1A:2B:3C:4D:5E\" addrtype=\"mac\" vendor=\"Acme\"/>\
         <hostnames><hostname name=\"r1.example.org\" type=\"PTR\"/></hostnames>\
         <os><osmatch name=\"Linux 2.6\" accuracy=\"90\"/>\
         <osmatch name=\"Cisco IOS 15\" accuracy=\"98\"><osclass type=\"router\"/></osmatch></os>",
    ));
    let asset = assets(&observations)[0];
    assert_eq!((asset.asset_id.as_str(), asset.asset_type), ("10.0.0.1", AssetType::NetworkDevice));
    assert_eq!(asset.hostname.as_deref(), Some("r1.example.org"));
    assert_eq!(asset.mac_address.as_deref(), Some("00:1a:2b:3c:4d:5e"));
    assert_eq!(asset.tags["mac_vendor"], "Acme");
    assert_eq!(asset.os_type.as_deref(), Some("cisco-ios"));
}

#[test]
fn only_open_ports_are_services() {
    let port = |state: &str| {
        format!("<port protocol=\"tcp\" portid=\"80\"><state state=\"{state}\"/></port>")
    };
    let ports: String = ["open", "closed", "filtered", "open|filtered"].map(port).concat();
    let observations = read(&host(&format!("<ports>{ports}</ports>")));
    let services = observations.iter().filter(|o| matches!(o, Observation::Service(_)));
    assert_eq!(services.count(), 1);
}

fn script(script: &str) -> Vec<Observation> {
    read(&host(&format!(
        "<ports><port protocol=\"tcp\" portid=\"443\"><state state=\"open\"/>\
         <service name=\"https\"/>{script}</port></ports>"
    )))
}

#[test]
fn lists_of_vulners_are_read_with_and_without_tables() {
    let entry = |id: &str, kind: &str, cvss: &str, exploit: &str| {
        format!(
            "<table><elem key=\"id\">{id}</elem><elem key=\"type\">{kind}</elem>\
             <elem key=\"cvss\">{cvss}</elem><elem key=\"is_exploit\">{exploit}</elem></table>"
        )
    };
    let table = [
        entry("PRION:CVE-2021-1", "prion", "1.0", "false"),
        entry("PRION:CVE-2021-0001", "prion", "1.0", "false"),
        entry("CVE-2021-0001", "cve", "9.8", "false"),
        entry("EDB-ID:1", "exploitdb", "9.8", "true"),
    ]
    .concat();
    let observations = script(&format!(
        "<script id=\"vulners\"><table key=\"cpe:/a:nginx:nginx:1.2\">{table}</table></script>"
    ));
    let both = findings(&observations);
    let ids: Vec<_> = both.iter().map(|f| (f.vulnerability.id.as_str(), f.severity)).collect();
    assert_eq!(ids, [("PRION:CVE-2021-1", Severity::Low), ("CVE-2021-0001", Severity::Critical)]);
    assert_eq!(both[0].component.version.as_deref(), Some("1.2"));
    assert_eq!(skipped(&observations, SkipReason::Informational), 1);
    let output = "&#xa; cpe:/a:nginx:nginx:1.2: &#xa;&#x9;CVE-2021-0001&#x9;9.8&#x9;https://x&#xa;&#x9;EDB-ID:1&#x9;9&#x9;https://x&#x9;*EXPLOIT*";
    let observations = script(&format!("<script id=\"vulners\" output=\"{output}\"/>"));
    let found = findings(&observations);
    assert_eq!((found.len(), found[0].component.name.as_str()), (1, "nginx"));
}

#[test]
fn entries_of_the_vulns_library_are_read() {
    let entry = "<script id=\"ssl-heartbleed\" output=\"Risk factor: High\"><table key=\"NMAP-1\">\
        <elem key=\"title\">Heartbleed</elem><elem key=\"state\">VULNERABLE</elem>\
        <table key=\"ids\"><elem>CVE:CVE-2014-0160</elem></table>\
        <table key=\"scores\"><elem key=\"CVSSv2\">5.0 (MEDIUM) (AV:N/AC:L/Au:N/C:P/I:N/A:N)</elem></table>\
        <table key=\"refs\"><elem>https://heartbleed.com</elem></table></table></script>";
    let observations = script(entry);
    let finding = findings(&observations)[0];
    assert_eq!(
        (finding.vulnerability.id.as_str(), finding.severity),
        ("CVE-2014-0160", Severity::High)
    );
    assert_eq!(finding.vulnerability.cvss[0].version, "2.0");
    assert_eq!(finding.place.key(), "443/tcp");
    let unnamed = entry.replace("CVE:CVE-2014-0160", "BID:1");
    assert_eq!(findings(&script(&unnamed))[0].vulnerability.id, "NMAP-SSL-HEARTBLEED");
    let not = entry.replace("VULNERABLE", "NOT VULNERABLE");
    assert_eq!(skipped(&script(&not), SkipReason::NotAffected), 1);
}

#[test]
fn errors_name_their_place() {
    for (text, what) in [
        ("<nmap/>", "this is no Nmap report"),
        ("<nmaprun>\n<host>\n</nmaprun>", "line 3"),
        ("<nmaprun>\n<host>", "ends in the middle at line 2"),
    ] {
        let error = import(&Nmap, text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}
