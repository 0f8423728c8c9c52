//! What only XML has.

use super::CyclonedxXml;
use crate::adapters::importers::testing::{components, findings, import, skipped};
use crate::domain::observation::{Observation, SkipReason};
use crate::domain::severity::Severity;

fn read(inner: &str) -> Vec<Observation> {
    let text = format!("<bom xmlns='http://cyclonedx.org/schema/bom/1.3'>{inner}</bom>");
    import(&CyclonedxXml, text.as_bytes()).unwrap()
}

#[test]
fn vulnerabilities_inside_of_components_are_findings() {
    let found = read(
        "<metadata><component type='container'><name>i</name></component></metadata>
        <components><component type='library'><name>apt</name><version>1.8</version>
          <components><component type='library'><name>inner</name><version>2</version>
            <v:vulnerabilities xmlns:v='http://cyclonedx.org/schema/ext/vulnerability/1.0'>
              <v:vulnerability ref='urn:uuid:1'><v:id>CVE-2011-3375</v:id></v:vulnerability>
            </v:vulnerabilities></component></components>
          <v:vulnerabilities xmlns:v='http://cyclonedx.org/schema/ext/vulnerability/1.0'>
            <v:vulnerability ref='urn:uuid:2'><v:id>CVE-2011-3374</v:id>
              <v:source name='nvd'><v:url>http://x/1</v:url></v:source>
              <v:ratings><v:rating><v:score><v:base>4.3</v:base></v:score>
                <v:severity>Low</v:severity><v:method>CVSSv2</v:method>
                <v:vector>AV:N/AC:M/Au:N/C:N/I:P/A:N</v:vector></v:rating></v:ratings>
              <v:cwes><v:cwe>79</v:cwe></v:cwes>
              <v:recommendations><v:recommendation>Upgrade</v:recommendation></v:recommendations>
              <v:advisories><v:advisory>https://a/1</v:advisory></v:advisories>
            </v:vulnerability>
          </v:vulnerabilities>
        </component></components>",
    );
    assert_eq!(
        components(&found).iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
        ["inner", "apt"]
    );
    let found = findings(&found);
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].component.name.as_str(), found[0].vulnerability.id.as_str()),
        ("inner", "CVE-2011-3375")
    );
    let v = &found[1].vulnerability;
    assert_eq!((found[1].severity, v.cvss[0].score), (Severity::Low, Some(4.3)));
    assert_eq!(v.references, ["http://x/1", "https://a/1"]);
    assert_eq!(
        (v.solution.as_deref(), &v.cwe_ids[..]),
        (Some("Upgrade"), &["CWE-79".to_owned()][..])
    );
}

#[test]
fn the_extension_may_stand_beside_the_components() {
    let found = read(
        "<components><component type='library' bom-ref='a'><name>apt</name></component></components>
        <vulnerabilities><vulnerability ref='a'><id>CVE-2011-3374</id></vulnerability></vulnerabilities>",
    );
    assert_eq!(findings(&found)[0].component.name, "apt");
    let within = read(
        "<metadata><component type='application'><name>a</name><components>
        <component type='library'><name>b</name><components><component type='file'><name>c</name>
        </component></components></component></components></component></metadata>",
    );
    assert_eq!(components(&within)[0].name, "b");
    assert_eq!(skipped(&within, SkipReason::Informational), 1);
}

#[test]
fn errors_name_their_line() {
    let refuse = |text: &str| import(&CyclonedxXml, text.as_bytes()).unwrap_err().to_string();
    assert!(refuse("<a/>").contains("there is no <bom> outermost"));
    let long = "n".repeat(2000);
    let error = refuse(&format!(
        "<bom>\n<components>\n<component><name>{long}</name></component></components></bom>"
    ));
    assert!(error.contains("a name of 2000 bytes") && error.contains("line 3"), "{error}");
    let error =
        refuse(&format!("<bom>\n<metadata>\n<component bom-ref='{long}'/></metadata></bom>"));
    assert!(error.contains("a name of 2000 bytes") && error.contains("line 3"), "{error}");
}
