//! The rules in the module's header, and files that behave badly.

use super::OpenVas;
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{assets, findings, import, skipped};
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

const HOST: &str = "<host><ip>10.0.0.1</ip><end>2024-01-01T00:00:00Z</end>\
    <detail><name>hostname</name><value>web1.example.org</value></detail>\
    <detail><name>best_os_txt</name><value>Debian GNU/Linux 12</value></detail>\
    <detail><name>MAC</name><value>00:50:56:81:01:E3</value></detail></host>";

fn result(inside: &str) -> String {
    format!(
        "<result id=\"r\"><host>10.0.0.1</host><port>443/tcp</port>{inside}\
         <nvt oid=\"1.3.6.1.4\"><name>Thing</name><tags>summary=S|cvss_base_vector=AV:N/AC:L/Au:N/C:P/I:P/A:P</tags>\
         <cvss_base>7.5</cvss_base><cve>CVE-2020-0001, NOCVE</cve></nvt></result>"
    )
}

fn report(state: &str, filter: &str, results: &str, hosts: &str) -> String {
    format!(
        "<report format_id=\"x\"><report><gmp><version>22.4</version></gmp>\
         <filters><term>{filter}</term></filters><scan_run_status>{state}</scan_run_status>\
         <results>{results}</results>{hosts}</report></report>"
    )
}

fn read(text: &str) -> Vec<Observation> {
    import(&OpenVas, text.as_bytes()).unwrap()
}

#[test]
fn facts_behind_the_results_are_known_before_them() {
    let threat = result("<threat>High</threat><severity>7.5</severity>");
    let observations = read(&report("Done", "levels=hml min_qod=70", &threat, HOST));
    let asset = assets(&observations)[0];
    assert_eq!(asset.hostname.as_deref(), Some("web1.example.org"));
    assert_eq!(asset.mac_address.as_deref(), Some("00:50:56:81:01:e3"));
    assert_eq!(
        (asset.os_type.as_deref(), asset.os_version.as_deref()),
        (Some("debian"), Some("12"))
    );
    assert_eq!(asset.complete, [ScanKind::Network]);
    let finding = findings(&observations)[0];
    assert_eq!(
        (finding.vulnerability.id.as_str(), finding.severity),
        ("CVE-2020-0001", Severity::High)
    );
    let cvss = &finding.vulnerability.cvss[0];
    assert_eq!((cvss.version.as_str(), cvss.score), ("2.0", Some(7.5)));
}

#[test]
fn only_a_whole_scan_closes() {
    let failed = "<errors><error><host>10.0.0.1<asset/></host></error></errors>";
    let login = HOST.replace(
        "<detail><name>MAC",
        "<detail><name>Auth-SSH-Success</name><value>x</value></detail><detail><name>MAC",
    );
    for (state, filter, hosts, kinds) in [
        ("Done", "", HOST.to_owned(), vec![ScanKind::Network]),
        ("Done", "", login, vec![ScanKind::OsPackages, ScanKind::Network]),
        ("Stopped", "", HOST.to_owned(), vec![]),
        ("Done", "levels=h", HOST.to_owned(), vec![]),
        ("Done", "", format!("{HOST}{failed}"), vec![]),
        ("Done", "", HOST.replace("<end>2024-01-01T00:00:00Z</end>", "<end/>"), vec![]),
    ] {
        let observations = read(&report(state, filter, "", &hosts));
        assert_eq!(assets(&observations)[0].complete, kinds, "{state} {filter}");
    }
}

#[test]
fn a_result_inside_of_a_result_is_not_another() {
    let nested = "<threat>High</threat><detection><result id=\"d\"><details>\
        <detail><name>product</name><value>cpe:/a:nginx:nginx:1.18</value></detail>\
        </details></result></detection>";
    let observations = read(&report("Done", "", &result(nested), HOST));
    let findings = findings(&observations);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].component.name, "nginx");
}

#[test]
fn threats_that_are_none_are_counted() {
    for (threat, reason) in [
        ("<threat>False Positive</threat>", SkipReason::Suppressed),
        ("<threat>Log</threat>", SkipReason::Informational),
    ] {
        let text = report("Done", "", &result(threat), HOST).replace("CVE-2020-0001, ", "");
        let observations = read(&text);
        assert_eq!((skipped(&observations, reason), findings(&observations).len()), (1, 0));
    }
    let number = report("Done", "", &result("<threat>4.0</threat><severity>9.1</severity>"), HOST);
    assert_eq!(findings(&read(&number))[0].severity, Severity::Critical);
    let nowhere = report("Done", "", "<result><host/></result>", "");
    assert_eq!(skipped(&read(&nowhere), SkipReason::Unidentified), 1);
}

#[test]
fn answers_of_the_protocol_are_reports_too() {
    let inner = report("Done", "", &result("<threat>High</threat>"), HOST);
    let wrapped = format!("<get_reports_response status=\"200\">{inner}</get_reports_response>");
    assert!(OpenVas.recognises(wrapped.as_bytes()));
    assert_eq!(findings(&read(&wrapped)).len(), 1);
    let new = "<result><host>h</host><port>general/tcp</port><threat>High</threat><nvt oid=\"1.2\">\
        <severities score=\"98\"><severity type=\"cvss_base_v3\"><origin>NVD</origin><score>98</score>\
        <value>CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H</value></severity></severities></nvt></result>";
    let response = format!("<get_results_response>{new}</get_results_response>");
    let observations = read(&response);
    let finding = findings(&observations)[0];
    assert_eq!(finding.vulnerability.id, "OPENVAS-1.2");
    let cvss = &finding.vulnerability.cvss[0];
    assert_eq!((cvss.source.as_str(), cvss.score), ("nvd", Some(9.8)));
    assert!(finding.place.is_empty());
    for other in ["<report><a/></report>", "<report name=\"junit\"/>", "<results/>"] {
        assert!(!OpenVas.recognises(other.as_bytes()), "{other}");
    }
}

#[test]
fn the_cve_scanner_names_port_and_product_in_words() {
    let observations = read(
        "IP,Hostname,Port,Port Protocol,CVSS,Severity,NVT Name,Specific Result,NVT OID,CVEs,Product Detection Result\n\
         10.0.0.1,,,,7.5,High,CVE-2021-26690,\"The host carries the product: cpe:/a:apache:http_server:2.4.7\n\
         The product was found at: 80/tcp.\",CVE-2021-26690,,\"Product: cpe:/a:apache:http_server:2.4.7\"\n",
    );
    let finding = findings(&observations)[0];
    assert_eq!(finding.vulnerability.id, "CVE-2021-26690");
    assert_eq!(finding.component.key(), " http_server\u{1f}2.4.7\u{1f}");
    assert_eq!(finding.place.key(), "80/tcp");
}

#[test]
fn errors_name_their_place() {
    let open = report("Done", "", "<result>", "");
    for (text, what) in [
        ("<html/>".to_owned(), "this is no OpenVAS report"),
        (open, "line 1"),
        (
            report("Done", "", "<result><host>x</host></result>", "")
                .replace("<host>x", &format!("<host>{}", "x".repeat(2000))),
            "a name of 2000 bytes",
        ),
    ] {
        let error = import(&OpenVas, text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}
