//! Words for search: what a text is found by.

/// Most words kept of one record.
const WORDS_MAX: usize = 32;

/// Lower-case words of `texts`: each run without white space or enclosing punctuation as
/// a whole, and its parts between `- _ . / : @ + ,` if they are at least three characters
/// long. Words that nearly every record has (`cve`, years) are left out: they would find
/// everything and cost an entry each.
pub fn words<'a>(texts: impl IntoIterator<Item = &'a str>, emit: &mut dyn FnMut(String)) {
    let mut seen: Vec<String> = Vec::new();
    let mut add = |word: &str| {
        if !is_noise(word) && seen.len() < WORDS_MAX && !seen.iter().any(|s| s == word) {
            seen.push(word.to_owned());
        }
    };
    for text in texts {
        let text = text.to_lowercase();
        for run in text.split(|c: char| c.is_whitespace() || "()[]{}<>\"'`,;!?".contains(c)) {
            let run = run.trim_matches(['.', ':', '-']);
            add(clip(run));
            if run.contains(SEPARATORS) {
                run.split(SEPARATORS).filter(|p| p.chars().count() >= 3).for_each(|p| add(clip(p)));
            }
        }
    }
    seen.into_iter().for_each(emit);
}

const SEPARATORS: [char; 7] = ['-', '_', '.', '/', ':', '@', '+'];

fn is_noise(word: &str) -> bool {
    word.is_empty()
        || word == "cve"
        || (word.len() == 4
            && (word.starts_with("19") || word.starts_with("20"))
            && word.bytes().all(|b| b.is_ascii_digit()))
}

/// Keys stay short: a word is cut at 64 bytes.
fn clip(word: &str) -> &str {
    &word[..word.floor_char_boundary(64)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        words([text], &mut |w| out.push(w));
        out
    }

    #[test]
    fn wholes_and_parts_are_kept_and_noise_is_not() {
        assert_eq!(of("CVE-2021-44228"), ["cve-2021-44228", "44228"]);
        assert_eq!(
            of("org.apache:log4j-core"),
            ["org.apache:log4j-core", "org", "apache", "log4j", "core"]
        );
        assert_eq!(of("  Heap (overflow), in \"GLIBC\" "), ["heap", "overflow", "in", "glibc"]);
        assert_eq!(of(""), Vec::<String>::new());
    }

    #[test]
    fn long_and_odd_text_does_not_grow_the_index() {
        assert!(of(&"ä".repeat(500))[0].len() <= 64);
        let many: Vec<String> = (0..1000).map(|n| format!("word{n}")).collect();
        assert_eq!(of(&many.join(" ")).len(), WORDS_MAX);
    }
}
