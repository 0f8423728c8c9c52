//! What Qualys's files become.

use super::Qualys;
use crate::adapters::importers::Importer;
use crate::adapters::importers::testing::{
    assets, counts_agree, findings, import, skipped, snapshots,
};
use crate::domain::identity::IdentifierKind;
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

#[test]
fn real_reports_become_what_they_say() {
    snapshots(&Qualys);
}

#[test]
fn counts_agree_with_another_program() {
    counts_agree(&Qualys, &[]);
}

fn read(text: &str) -> Vec<Observation> {
    import(&Qualys, text.as_bytes()).unwrap()
}

#[test]
fn answers_of_the_api_are_read() {
    let detection = |qid: u32, rest: &str| {
        format!(
            "<DETECTION><QID>{qid}</QID><TYPE>Confirmed</TYPE><SEVERITY>4</SEVERITY><PORT>443</PORT>\
             <PROTOCOL>tcp</PROTOCOL><RESULTS>x</RESULTS><FIRST_FOUND_DATETIME>2024-01-01T00:00:00Z\
             </FIRST_FOUND_DATETIME>{rest}</DETECTION>"
        )
    };
    let list = [
        detection(1, "<STATUS>Active</STATUS>"),
        detection(2, "<STATUS>Fixed</STATUS>"),
        detection(3, "<IS_IGNORED>1</IS_IGNORED>"),
        detection(4, "").replace("Confirmed", "Info"),
    ];
    let text = format!(
        "<HOST_LIST_VM_DETECTION_OUTPUT><RESPONSE><DATETIME>2024-02-01T00:00:00Z</DATETIME><HOST_LIST>\
         <HOST><ID>17</ID><IP>10.0.0.1</IP><DNS>a.example.org</DNS><QG_HOSTID>u-u</QG_HOSTID>\
         <OS>Ubuntu Linux 22.04</OS><DETECTION_LIST>{}</DETECTION_LIST></HOST></HOST_LIST></RESPONSE>\
         </HOST_LIST_VM_DETECTION_OUTPUT>",
        list.concat()
    );
    assert!(Qualys.recognises(text.as_bytes()));
    let observations = read(&text);
    let numbered = text.replace("<IP>10.0.0.1</IP><DNS>a.example.org</DNS>", "");
    assert_eq!(assets(&read(&numbered))[0].asset_id, "qualys:17");
    let asset = assets(&observations)[0];
    assert_eq!((asset.asset_id.as_str(), asset.complete.len()), ("10.0.0.1", 0));
    let agents = asset.identifiers.iter().filter(|i| i.kind == IdentifierKind::AgentId);
    assert_eq!(agents.map(|i| i.value.as_str()).collect::<Vec<_>>(), ["qualys:u-u", "qualys:17"]);
    let found = findings(&observations);
    let finding = found[0];
    assert_eq!((found.len(), finding.vulnerability.id.as_str()), (1, "QID-1"));
    assert_eq!((finding.severity, finding.place.key().as_str()), (Severity::High, "443/tcp"));
    assert!(finding.first_seen.is_some());
    for reason in [SkipReason::Resolved, SkipReason::Suppressed, SkipReason::Informational] {
        assert_eq!(skipped(&observations, reason), 1, "{reason:?}");
    }
}

fn scan(status: &str, category: &str) -> String {
    format!(
        "<!DOCTYPE SCAN SYSTEM \"https://qualysguard.example/scan-1.dtd\"><SCAN value=\"scan/1\">\
         <HEADER><KEY value=\"STATUS\">{status}</KEY></HEADER><IP value=\"10.0.0.1\" name=\"a\">\
         <OS>Windows 10</OS><SERVICES><CAT value=\"x\" port=\"22\" protocol=\"tcp\">\
         <SERVICE number=\"9\" severity=\"1\"/></CAT></SERVICES>\
         <VULNS><CAT value=\"{category}\" port=\"80\" protocol=\"tcp\"><VULN number=\"7\" severity=\"5\" \
         cveid=\"CVE-2020-0001,CVE-2020-0002\"><TITLE>T</TITLE><CVSS_BASE>9</CVSS_BASE><CORRELATION>\
         <EXPLOITABILITY><EXPLT_SRC><EXPLT_LIST><EXPLT><REF>CVE-2020-0002</REF></EXPLT></EXPLT_LIST>\
         </EXPLT_SRC></EXPLOITABILITY></CORRELATION></VULN></CAT></VULNS></IP></SCAN>"
    )
}

#[test]
fn scans_close_when_they_are_finished_and_not_what_needs_a_login() {
    for (status, complete) in [("FINISHED", vec![ScanKind::Network]), ("CANCELED", vec![])] {
        let observations = read(&scan(status, "CGI"));
        assert_eq!(assets(&observations)[0].complete, complete, "{status}");
        assert_eq!(findings(&observations)[0].scan, ScanKind::Network);
        assert_eq!(skipped(&observations, SkipReason::Informational), 1);
    }
    assert_eq!(findings(&read(&scan("FINISHED", "Local")))[0].scan, ScanKind::Other);
}

#[test]
fn exploits_are_of_the_vulnerability_that_they_name() {
    let observations = read(&scan("FINISHED", "CGI"));
    let both = findings(&observations);
    assert_eq!(both.iter().map(|f| f.vulnerability.exploit).collect::<Vec<_>>(), [false, true]);
    assert!(
        both.iter().all(|f| f.vulnerability.cvss.is_empty() && f.severity == Severity::Critical)
    );
}

#[test]
fn what_the_glossary_says_counts_for_every_host() {
    let report = |filter: &str| {
        format!(
            "<ASSET_DATA_REPORT><HOST_LIST><HOST><IP>10.0.0.1</IP><VULN_INFO_LIST><VULN_INFO>\
             <QID id=\"qid_7\">7</QID><TYPE>Vuln</TYPE></VULN_INFO></VULN_INFO_LIST></HOST></HOST_LIST>\
             <GLOSSARY><VULN_DETAILS_LIST><VULN_DETAILS><QID>7</QID><TITLE>T</TITLE><SEVERITY>3</SEVERITY>\
             <THREAT>a&lt;BR&gt;b</THREAT><CVE_ID_LIST><CVE_ID><ID>CVE-2020-0001</ID></CVE_ID></CVE_ID_LIST>\
             </VULN_DETAILS></VULN_DETAILS_LIST></GLOSSARY>{filter}</ASSET_DATA_REPORT>"
        )
    };
    let observations = read(&report(""));
    let v = &findings(&observations)[0].vulnerability;
    assert_eq!((v.id.as_str(), v.description.as_deref()), ("CVE-2020-0001", Some("a\nb")));
    assert_eq!(assets(&observations)[0].complete, [ScanKind::Network]);
    let chosen = read(&report("<APPENDICES><SELECTIVE_VULNS>1, 2</SELECTIVE_VULNS></APPENDICES>"));
    assert!(assets(&chosen)[0].complete.is_empty());
}

#[test]
fn reports_for_pci_are_read() {
    let observations = read(
        "IP,HOSTNAME,LAST SCAN,QID,VULN TITLE,TYPE,SEVERITY,PORT,PROTOCOL,FALSE POSITIVE STATUS,CVSS_BASE,Q_SEVERITY,THREAT,CVEID\n\
         10.0.0.1,a.example.org,22/09/2022 13:01,86476,Stopped,POTENTIAL,Medium,80,tcp,Requested,6.4,3,a <BR> b,\n\
         10.0.0.1,a.example.org,22/09/2022 13:01,7,T,POTENTIAL,Medium,80,tcp,Approved,6.4,3,a,CVE-2020-0001\n",
    );
    let finding = findings(&observations)[0];
    assert_eq!(
        (finding.vulnerability.id.as_str(), finding.severity),
        ("QID-86476", Severity::Medium)
    );
    assert_eq!(finding.vulnerability.cvss[0].score, Some(6.4));
    assert_eq!(skipped(&observations, SkipReason::Suppressed), 1);
    assert_eq!(assets(&observations)[0].hostname.as_deref(), Some("a.example.org"));
}

#[test]
fn errors_name_their_place() {
    for (text, what) in [
        ("<x/>", "this is no Qualys report"),
        ("<SCAN>\n<IP>\n</SCAN>", "line 3"),
        ("<ASSET_DATA_REPORT>\n", "ends in the middle at line 2"),
    ] {
        let error = import(&Qualys, text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    assert!(!Qualys.recognises(b"<SCAN><a/></SCAN>"));
}
