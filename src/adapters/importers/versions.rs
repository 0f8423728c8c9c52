//! Version ranges as package managers write them (`>=1.2.3 <2 || ^3.1`): only their ends,
//! which say where a fix is. Nothing here compares versions.

/// The ends of ranges of the versions that are fixed (`>=0.2.1 <1.0.0 || >=1.2.3`): the
/// lowest of each range. What begins with no version (`<0.0.0`: never fixed) has none.
#[must_use]
pub fn lowest(ranges: &str) -> Vec<String> {
    ends(ranges, &[">=", "^", "~", "="])
}

/// The ends of ranges of the versions that are vulnerable (`<7.2.2 || >=8.0.0 <8.1.1`): the
/// first above each. Ranges that include their end (`<=1.2.3`) do not say.
#[must_use]
pub fn first_above(ranges: &str) -> Vec<String> {
    ends(ranges, &["<"])
}

/// The versions behind these operators, each once.
fn ends(ranges: &str, operators: &[&str]) -> Vec<String> {
    let mut ends: Vec<String> = Vec::new();
    for (operator, version) in comparators(ranges) {
        let is_version = version.starts_with(|c: char| c.is_ascii_digit());
        if is_version && operators.contains(&operator) && !ends.iter().any(|v| v == version) {
            ends.push(version.to_owned());
        }
    }
    ends
}

/// Operators with their versions; between them may be blanks.
fn comparators(ranges: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_operator = |c: char| matches!(c, '<' | '>' | '=' | '^' | '~' | '!');
    let is_end = move |c: char| c.is_whitespace() || matches!(c, ',' | '|') || is_operator(c);
    let mut rest = ranges;
    std::iter::from_fn(move || {
        rest = &rest[rest.find(is_operator)?..];
        let (operator, after) = rest.split_at(rest.find(|c| !is_operator(c))?);
        let after = after.trim_start();
        let (version, after) = after.split_at(after.find(is_end).unwrap_or(after.len()));
        rest = after;
        Some((operator, version.trim_start_matches('v')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_ends() {
        for (fixed, expected) in [
            (">=0.2.1 <1.0.0 || >=1.2.3", &["0.2.1", "1.2.3"][..]),
            (">= 0.6.1", &["0.6.1"]),
            (">=4.0.1, <4.1.0", &["4.0.1"]),
            ("^1.2.3", &["1.2.3"]),
            ("<0.0.0", &[]),
            (">1.0.0", &[]),
            ("", &[]),
            (">=", &[]),
            (">= ü", &[]),
        ] {
            assert_eq!(lowest(fixed), expected, "{fixed}");
        }
        for (vulnerable, expected) in [
            ("<7.2.2 || >=8.0.0 <8.1.1", &["7.2.2", "8.1.1"][..]),
            ("<=1.2.3", &[]),
            ("< 7.5.2", &["7.5.2"]),
            ("*", &[]),
        ] {
            assert_eq!(first_above(vulnerable), expected, "{vulnerable}");
        }
    }
}
