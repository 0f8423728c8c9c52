//! The rules in the module's header, and files that behave badly.

use super::Nessus;
use crate::adapters::importers::testing::{assets, findings, import, skipped};
use crate::base::limits;
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

fn report(policy: &str, properties: &str, items: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<NessusClientData_v2>{policy}<Report name=\"r\">\
         <ReportHost name=\"web1\"><HostProperties>{properties}</HostProperties>{items}</ReportHost>\
         </Report></NessusClientData_v2>"
    )
}

fn tag(name: &str, value: &str) -> String {
    format!("<tag name=\"{name}\">{value}</tag>")
}

fn item(severity: u8, inside: &str) -> String {
    format!(
        "<ReportItem port=\"443\" svc_name=\"www?\" protocol=\"tcp\" severity=\"{severity}\" \
         pluginID=\"777\" pluginName=\"Thing 1 &lt; 2\">{inside}</ReportItem>"
    )
}

fn read(text: &str) -> Vec<Observation> {
    import(&Nessus, text.as_bytes()).unwrap()
}

#[test]
fn only_a_scan_that_ended_closes_and_only_what_it_could_see() {
    let ended = tag("HOST_END", "Wed Mar 23 15:07:52 2022");
    let login = tag("Credentialed_Scan", "true");
    let off = "<Policy><FamilyItem><Status>disabled</Status></FamilyItem></Policy>";
    let all = vec![ScanKind::OsPackages, ScanKind::Network, ScanKind::Other];
    for (policy, properties, complete) in [
        ("", String::new(), vec![]),
        ("", ended.clone(), vec![ScanKind::Network]),
        ("", format!("{ended}{login}"), all),
        (off, ended.clone(), vec![]),
        ("", login, vec![]),
    ] {
        let observations = read(&report(policy, &properties, ""));
        assert_eq!(assets(&observations)[0].complete, complete, "{policy} {properties}");
    }
}

#[test]
fn what_is_said_of_several_vulnerabilities_is_said_of_none() {
    let scores = "<cvss3_base_score>9.8</cvss3_base_score><cwe>79</cwe>\
                  <exploit_available>true</exploit_available><xref>CISA-KNOWN-EXPLOITED:2022/05/03</xref>";
    let one = read(&report("", "", &item(3, &format!("<cve>CVE-2020-0001</cve>{scores}"))));
    let v = &findings(&one)[0].vulnerability;
    assert_eq!((v.cvss.len(), v.cwe_ids.len(), v.kev, v.exploit), (1, 1, true, true));
    let two = format!("<cve>CVE-2020-0001</cve><cve>CVE-2020-0002</cve>{scores}");
    let source = "<cvss_score_source>CVE-2020-0002</cvss_score_source>";
    let two = read(&report("", "", &item(3, &format!("{two}{source}"))));
    let both: Vec<_> = findings(&two).into_iter().map(|f| &f.vulnerability).collect();
    assert_eq!(both.iter().map(|v| v.cvss.len()).collect::<Vec<_>>(), [0, 1]);
    assert!(both.iter().all(|v| v.cwe_ids.is_empty() && !v.kev && v.exploit));
}

#[test]
fn items_without_risk_are_facts() {
    let observations = read(&report("", "", &item(0, "")));
    assert_eq!(skipped(&observations, SkipReason::Informational), 1);
    let service = observations.iter().find_map(|o| match o {
        Observation::Service(service) => Some((service.port, service.name.clone())),
        _ => None,
    });
    assert_eq!(service, Some((443, Some("http".into()))));
    let named = read(&report("", "", &item(0, "<cve>CVE-2020-0001</cve>")));
    assert_eq!(findings(&named)[0].severity, Severity::Info);
    let compliance = "<cm:compliance-result xmlns:cm=\"c\">FAILED</cm:compliance-result>";
    let compliance = read(&report("", "", &item(3, compliance)));
    assert_eq!(skipped(&compliance, SkipReason::Misconfiguration), 1);
    let passed = "<compliance>true</compliance><compliance-result>PASSED</compliance-result>";
    assert_eq!(skipped(&read(&report("", "", &item(0, passed))), SkipReason::Passed), 1);
}

#[test]
fn files_that_behave_badly_are_read() {
    let text = report("", "", &item(2, ""));
    let expected = findings(&read(&text)).len();
    let wide: Vec<u8> =
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(findings(&import(&Nessus, &wide).unwrap()).len(), expected);
    let preamble = format!("Exporting…\r\n{text}");
    assert_eq!(findings(&read(&preamble)).len(), expected);
    let csv = "Plugin ID;CVE;CVSS;Risk;Host;Protocol;Port;Name\n\n1;CVE-2020-0001;5;High;h;tcp;80;X\n;;;;;;;\n1;;5;High;;tcp;80;X\n";
    let observations = read(csv);
    assert_eq!(findings(&observations).len(), 1);
    assert_eq!(skipped(&observations, SkipReason::Empty), 1);
    assert_eq!(skipped(&observations, SkipReason::Unidentified), 1);
}

#[test]
fn exports_of_security_center_and_web_scans_are_read() {
    let observations = read(
        "Plugin,Plugin Name,Family,Severity,IP Address,Protocol,Port,MAC Address,DNS Name,NetBIOS Name,Plugin Output,CPE,CVE,First Discovered,Check Type,Accept Risk Comment\n\
         73756,SQL Server,Databases,Critical,10.0.0.1,TCP,1433,9c:8e:99:1b:8b:dc,,WORKGROUP\\DB1,\"Installed version : 10.50\nFixed version : This is no longer supported.\",cpe:/a:microsoft:sql_server,,\"Feb 5, 2024 21:01:08 UTC\",remote,\n\
         1,x,General,High,10.0.0.1,TCP,443,9c:8e:99:1b:8b:dc,,WORKGROUP\\DB1,,,CVE-2016-2183,,remote,known\n",
    );
    let asset = assets(&observations)[0];
    assert_eq!((asset.asset_id.as_str(), asset.hostname.as_deref()), ("10.0.0.1", Some("db1")));
    let finding = findings(&observations)[0];
    assert_eq!(finding.component.key(), " sql_server\u{1f}10.50\u{1f}");
    assert_eq!((finding.severity, finding.fixed_version.as_deref()), (Severity::Critical, None));
    assert!(finding.first_seen.is_some());
    assert_eq!(skipped(&observations, SkipReason::Suppressed), 1);
    let web = read(
        "Plugin ID,CVE,CVSS,CVSSv3,Risk,Host,Protocol,Port,Name,Plugin Output\n98104,,7.5,7.1,high,a.example.org,http,,XSS,on 'https://a.example.org/x'\n",
    );
    let finding = findings(&web)[0];
    assert_eq!((finding.scan, finding.component.name.as_str()), (ScanKind::Web, "http"));
    assert_eq!(finding.place.url.as_deref(), Some("https://a.example.org/x"));
}

#[test]
fn errors_name_their_place() {
    let long = "h".repeat(limits::NAME_BYTES + 1);
    for (text, what) in [
        (report("", "", "").replace("web1", &long), "a name of 1025 bytes"),
        ("<html></html>".into(), "this is no Nessus report"),
        (report("", "", "<ReportItem>"), "line 2"),
        (format!("Plugin ID,Host,Port,Name\n1,{long},0,x\n"), "at line 2, in column 'Host'"),
    ] {
        let error = import(&Nessus, text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(what) && error.len() < 400, "{error}");
    }
}
