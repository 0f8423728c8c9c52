//! What scanners call package managers and operating systems, and the purl types and
//! os-release ids that they mean.

/// Words (lower case) and purl types. Sorted by purl type.
const WORDS: &[(&str, &[&str])] = &[
    ("alpm", &["alpm", "arch", "arch linux", "pacman"]),
    ("apk", &["alpaquita", "alpine", "apk", "bellsoft hardened containers", "chainguard", "wolfi"]),
    ("bitnami", &["bitnami"]),
    ("cargo", &["cargo", "crates.io", "crates", "rust", "rust-crate", "rustbinary"]),
    ("cocoapods", &["cocoapods", "pod"]),
    ("composer", &["composer", "packagist", "php", "php-composer", "php-pear"]),
    ("conan", &["conan", "conancenter"]),
    ("conda", &["conda"]),
    ("cran", &["cran", "r-package"]),
    ("deb", &["deb", "debian", "dpkg", "echo", "raspbian", "ubuntu"]),
    ("gem", &["bundler", "gem", "gemspec", "ruby", "rubygems"]),
    ("generic", &["binary", "generic"]),
    ("github", &["actions", "github actions", "github-action", "github-action-workflow"]),
    ("golang", &["go", "go-module", "gobinary", "golang", "gomod"]),
    ("hackage", &["hackage"]),
    ("hex", &["elixir", "erlang", "hex"]),
    (
        "maven",
        &[
            "gradle",
            "graalvm-native-image",
            "jar",
            "java",
            "java-archive",
            "jenkins-plugin",
            "maven",
            "pom",
            "sbt",
        ],
    ),
    ("npm", &["javascript", "node", "nodejs", "node-pkg", "nodepkg", "npm", "pnpm", "yarn"]),
    ("nuget", &["dotnet", "dotnet-core", "nuget"]),
    ("portage", &["gentoo", "portage"]),
    ("pub", &["dart", "dart-pub", "pub"]),
    ("pypi", &["pip", "pipenv", "poetry", "pypi", "python", "python-pkg", "pythonpkg", "uv"]),
    (
        "rpm",
        &[
            "alma",
            "almalinux",
            "almalinux os",
            "amazon",
            "azure linux",
            "azurelinux",
            "centos",
            "fedora",
            "mageia",
            "mariner",
            "openeuler",
            "opensuse",
            "opensuse.leap",
            "opensuse.tumbleweed",
            "oracle",
            "oracle linux",
            "photon os",
            "red hat",
            "redhat",
            "rocky",
            "rocky linux",
            "rpm",
            "suse",
            "suse.linux.enterprise.desktop",
            "suse.linux.enterprise.server",
        ],
    ),
    ("swift", &["swift", "swifturl"]),
    ("vscode", &["vscode", "vscode-extension"]),
];

/// The purl type of packages of what a scanner calls `word`, in any case; what follows a
/// colon (`Debian:12`) does not count. `None` if it is not known.
#[must_use]
pub fn known(word: &str) -> Option<&'static str> {
    let word = word.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
    let it = |(_, words): &&(&str, &[&str])| words.contains(&word.as_str());
    WORDS.iter().find(it).map(|(purl, _)| *purl)
}

/// The same; an unknown word stays as it is, in lower case, and an empty one is none.
#[must_use]
pub fn purl_type(word: &str) -> Option<String> {
    let word = word.trim();
    let other = || word.to_ascii_lowercase();
    (!word.is_empty()).then(|| known(word).map_or_else(other, str::to_owned))
}

/// What scanners call operating systems where that is not the `ID` of os-release.
const SYSTEMS: &[(&str, &str)] = &[
    ("alma", "almalinux"),
    ("amazon", "amzn"),
    ("amazonlinux", "amzn"),
    ("amazon_linux", "amzn"),
    ("archlinux", "arch"),
    ("cbl-mariner", "mariner"),
    ("opensuse.leap", "opensuse-leap"),
    ("opensuse.tumbleweed", "opensuse-tumbleweed"),
    ("oracle", "ol"),
    ("oracle_linux", "ol"),
    ("oraclelinux", "ol"),
    ("redhat", "rhel"),
    ("rocky_linux", "rocky"),
    ("rockylinux", "rocky"),
    ("suse.linux.enterprise.desktop", "sled"),
    ("suse.linux.enterprise.server", "sles"),
];

/// `ID` in os-release of what a scanner calls `word`; what is not known stays as it is, in
/// lower case.
#[must_use]
pub fn os_id(word: &str) -> String {
    let word = word.trim().to_ascii_lowercase();
    let known = SYSTEMS.iter().find(|(name, _)| *name == word);
    known.map_or(word, |(_, id)| (*id).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_purl_types() {
        for (word, purl) in [
            ("Debian:12", Some("deb")),
            ("PyPI", Some("pypi")),
            ("Rocky Linux:9", Some("rpm")),
            ("Something New", Some("something new")),
            (" ", None),
        ] {
            assert_eq!(purl_type(word).as_deref(), purl, "{word}");
        }
        let words: Vec<_> = WORDS.iter().flat_map(|(_, words)| *words).collect();
        let once: std::collections::BTreeSet<_> = words.iter().collect();
        assert_eq!(words.len(), once.len(), "each word once");
    }
}
