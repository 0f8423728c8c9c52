//! Whether the beginning of a file is a Trivy report: by the keys near its top, without
//! parsing it, because the beginning usually ends in the middle of something.

use crate::adapters::importers::peek::Keys;

/// True if `head` begins a document in one of the shapes that this importer reads.
pub fn is_trivy(head: &[u8]) -> bool {
    let keys = Keys::of(head);
    let at = |depth, key: &str| keys.has(depth, key);
    let artifact = (at(1, "SchemaVersion") || at(1, "ArtifactName"))
        && (at(1, "ArtifactName") || at(1, "ArtifactType") || at(1, "Results"))
        || at(1, "Results") && is_result(&keys, 3);
    let cluster = at(1, "ClusterName")
        && ["Resources", "Findings", "Vulnerabilities", "Misconfigurations"]
            .iter()
            .any(|key| at(1, key));
    keys.is_object() && (artifact || cluster) || keys.is_array() && is_result(&keys, 2)
}

/// Whether there are objects at `depth` that look like scan results.
fn is_result(keys: &Keys<'_>, depth: usize) -> bool {
    keys.has(depth, "Target")
        && ["Vulnerabilities", "Class", "Misconfigurations"].iter().any(|k| keys.has(depth, k))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_are_recognised_by_their_keys() {
        for yes in [
            r#"{"SchemaVersion":2,"ArtifactName":"x"#,
            r#"{ "SchemaVersion" : 2 , "CreatedAt":"2024", "Results" : ["#,
            "\u{feff}\n{\"ArtifactName\":\"a\\\"}\",\"ArtifactType\":\"vm\"",
            r#"{"Results":[{"Class":"os-pkgs","Target":"x","Vuln"#,
            r#"{"ClusterName":"","Resources":["#,
            r#"[{"Target":"x (alpine 3.10.2)","Vulnerabilities":null}]"#,
        ] {
            assert!(is_trivy(yes.as_bytes()), "{yes}");
        }
        for no in [
            "",
            "{",
            "[]",
            "null",
            "\"",
            "{\"\\",
            r#"{"a":{"SchemaVersion":2,"ArtifactName":"x"}}"#,
            r#"{"SchemaVersion":2,"Target":"Results"}"#,
            r#"{"SchemaVersion":"2018-10-08","Findings":[]}"#,
            r#"{"apiVersion":"aquasecurity.github.io/v1alpha1","report":{"artifact":{}}}"#,
            r#"[{"target":"x","Vulnerabilities":[]}]"#,
            "Target,Vulnerabilities",
        ] {
            assert!(!is_trivy(no.as_bytes()), "{no}");
        }
    }
}
