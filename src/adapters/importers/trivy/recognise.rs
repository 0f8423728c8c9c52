//! Whether the beginning of a file is a Trivy report: by the keys near its top, without
//! parsing it, because the beginning usually ends in the middle of something.

/// True if `head` begins a document in one of the shapes that this importer reads.
pub fn is_trivy(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let keys = Keys::of(head);
    let at = |depth, key: &str| keys.has(depth, key);
    let artifact = (at(1, "SchemaVersion") || at(1, "ArtifactName"))
        && (at(1, "ArtifactName") || at(1, "ArtifactType") || at(1, "Results"))
        || at(1, "Results") && is_result(&keys, 3);
    let cluster = at(1, "ClusterName")
        && ["Resources", "Findings", "Vulnerabilities", "Misconfigurations"]
            .iter()
            .any(|key| at(1, key));
    match head.trim_ascii_start().first() {
        Some(b'{') => artifact || cluster,
        Some(b'[') => is_result(&keys, 2),
        _ => false,
    }
}

/// Whether there are objects at `depth` that look like scan results.
fn is_result(keys: &Keys<'_>, depth: usize) -> bool {
    keys.has(depth, "Target")
        && ["Vulnerabilities", "Class", "Misconfigurations"].iter().any(|k| keys.has(depth, k))
}

/// The keys of the first three levels with their depth.
struct Keys<'h>(Vec<(usize, &'h [u8])>);

impl<'h> Keys<'h> {
    fn of(head: &'h [u8]) -> Self {
        let mut found = Vec::new();
        let (mut at, mut depth) = (0, 0_usize);
        while let Some(&byte) = head.get(at) {
            at += 1;
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b'"' => {
                    let text = string(&head[at..]);
                    at += text.len() + 1;
                    let rest = head.get(at..).unwrap_or_default().trim_ascii_start();
                    if depth <= 3 && rest.first() == Some(&b':') {
                        found.push((depth, text));
                    }
                }
                _ => {}
            }
        }
        Self(found)
    }

    fn has(&self, depth: usize, key: &str) -> bool {
        self.0.iter().any(|&(d, k)| d == depth && k == key.as_bytes())
    }
}

/// What stands before the quote that ends a string.
fn string(bytes: &[u8]) -> &[u8] {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    &bytes[..at.min(bytes.len())]
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
