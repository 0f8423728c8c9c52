//! Counts of real reports, compared with those of another program.

use std::process::{Command, Stdio};

use crate::adapters::importers::testing::{all_reports, counts, import};
use crate::adapters::importers::trivy::Trivy;

/// Counts by another program, from the rules in the module's header.
const JQ: &str = r#"
def filled: if . == "" then null else . end;
def bare: sub(" \\([a-z.]+ [^()]*(\\([^()]*\\))?\\)$"; "");
def list: if type == "array" then .[] else empty end;
def results:
  if type == "array" then .[] | {asset: (.Target | bare), result: .}
  elif has("ClusterName") then
    (.ClusterName | filled // "kubernetes") as $cluster
    | (.Resources, .Findings, .Vulnerabilities, .Misconfigurations) | list
    | ([$cluster, (.Namespace | filled), .Kind, .Name] | map(select(.)) | join("/")) as $asset
    | .Results | list | {asset: $asset, result: .}
  else
    ((.ArtifactName | filled) // (.Metadata.RepoTags[0]? | filled)
      // (.Results[0].Target | bare)) as $asset
    | .Results | list | {asset: $asset, result: .}
  end;
def system: .Class == "os-pkgs"
  or (.Class == null and (.Type as $t | ["alpine", "debian", "ubuntu", "centos"] | index($t) != null));
[ results | .asset as $asset | .result as $r | .result.Vulnerabilities | list
  | select(.Status != "not_affected")
  | { asset: $asset, id: (.VulnerabilityID | ascii_upcase),
      component: [
        ((.PkgIdentifier.PURL? | filled | values | capture("^pkg:(?<t>[^/]+)/").t) // $r.Type),
        .PkgName, .InstalledVersion,
        ((.PkgPath | filled)
          // (if ($r | system) or (["Java", "Node.js", "Ruby", "Python"] | index($r.Target))
              then null else $r.Target end))
      ] } ]
| [(map(.asset) | unique | length), (map(.id) | unique | length), (unique | length)]
"#;

#[test]
fn counts_agree_with_jq() {
    let paths = all_reports("trivy");
    if Command::new("jq").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no jq");
        return;
    }
    for path in paths {
        let output = Command::new("jq").args(["-c", JQ]).arg(&path).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {error}", path.display());
        let expected: (usize, usize, usize) = serde_json::from_slice(&output.stdout).unwrap();
        let observations = import(&Trivy, &std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(counts(&observations), expected, "{}", path.display());
        println!("{:?} assets, vulnerabilities, findings: {}", expected, path.display());
    }
}
