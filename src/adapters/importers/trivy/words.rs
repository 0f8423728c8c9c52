//! Trivy's words and ours: types of results, operating systems.

use crate::domain::asset::AssetType;

/// The operating systems that Trivy finds, as its `Type` or `Family` says; their `ID` in
/// os-release; and the purl type of their packages.
const SYSTEMS: &[(&str, &str, &str)] = &[
    ("alma", "almalinux", "rpm"),
    ("alpine", "alpine", "apk"),
    ("amazon", "amzn", "rpm"),
    ("azurelinux", "azurelinux", "rpm"),
    ("bottlerocket", "bottlerocket", "bottlerocket"),
    ("cbl-mariner", "mariner", "rpm"),
    ("centos", "centos", "rpm"),
    ("chainguard", "chainguard", "apk"),
    ("coreos", "coreos", "rpm"),
    ("debian", "debian", "deb"),
    ("echo", "echo", "deb"),
    ("fedora", "fedora", "rpm"),
    ("minimos", "minimos", "apk"),
    ("opensuse", "opensuse", "rpm"),
    ("opensuse.leap", "opensuse-leap", "rpm"),
    ("opensuse.tumbleweed", "opensuse-tumbleweed", "rpm"),
    ("opensuse-leap", "opensuse-leap", "rpm"),
    ("opensuse-tumbleweed", "opensuse-tumbleweed", "rpm"),
    ("oracle", "ol", "rpm"),
    ("photon", "photon", "rpm"),
    ("redhat", "rhel", "rpm"),
    ("rocky", "rocky", "rpm"),
    ("slem", "sl-micro", "rpm"),
    ("sles", "sles", "rpm"),
    ("suse linux enterprise micro", "sl-micro", "rpm"),
    ("suse linux enterprise server", "sles", "rpm"),
    ("ubuntu", "ubuntu", "deb"),
    ("wolfi", "wolfi", "apk"),
];

/// Types of language packages and the purl type of what they contain.
const LANGUAGES: &[(&str, &str)] = &[
    ("bun", "npm"),
    ("bundler", "gem"),
    ("cargo", "cargo"),
    ("cocoapods", "cocoapods"),
    ("composer", "composer"),
    ("composer-vendor", "composer"),
    ("conan", "conan"),
    ("conda-environment", "conda"),
    ("conda-pkg", "conda"),
    ("dotnet-core", "nuget"),
    ("gemspec", "gem"),
    ("gobinary", "golang"),
    ("gomod", "golang"),
    ("gradle", "maven"),
    ("hex", "hex"),
    ("jar", "maven"),
    ("javascript", "npm"),
    ("julia", "julia"),
    ("node-pkg", "npm"),
    ("npm", "npm"),
    ("nuget", "nuget"),
    ("nuget-config", "nuget"),
    ("packages-props", "nuget"),
    ("pip", "pypi"),
    ("pipenv", "pypi"),
    ("pnpm", "npm"),
    ("poetry", "pypi"),
    ("pom", "maven"),
    ("pub", "pub"),
    ("pylock", "pypi"),
    ("python-pkg", "pypi"),
    ("rustbinary", "cargo"),
    ("sbt", "maven"),
    ("swift", "swift"),
    ("uv", "pypi"),
    ("yarn", "npm"),
];

/// Targets that stand for all packages of a kind in an image; no files.
const COLLECTIVE_TARGETS: &[&str] =
    &["Java", "Node.js", "Python", "Ruby", "Conda", "PHP", "Rust", "Julia", "Go", "C", "NuGet"];

fn system(kind: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    SYSTEMS.iter().find(|(family, ..)| family.eq_ignore_ascii_case(kind))
}

/// Whether a result of this type is about the packages of an operating system.
pub fn is_system(kind: &str) -> bool {
    system(kind).is_some()
}

/// The purl type of packages in results of type `kind`; an unknown type stays as it is.
pub fn ecosystem(kind: &str) -> String {
    let language = || LANGUAGES.iter().find(|(name, _)| *name == kind).map(|(_, purl)| *purl);
    system(kind).map(|(_, _, purl)| *purl).or_else(language).unwrap_or(kind).to_owned()
}

/// The type of a package URL (`pkg:deb/debian/…` → `deb`).
pub fn purl_type(purl: &str) -> Option<String> {
    let (kind, _) = purl.strip_prefix("pkg:")?.trim_start_matches('/').split_once('/')?;
    (!kind.is_empty()).then(|| kind.to_ascii_lowercase())
}

/// `ID` in os-release of an operating system family; an unknown one stays as it is.
pub fn os_id(family: &str) -> String {
    system(family).map_or_else(|| family.to_ascii_lowercase(), |(_, id, _)| (*id).to_owned())
}

/// Whether `target` is a title and not a path.
pub fn is_collective(target: &str) -> bool {
    COLLECTIVE_TARGETS.contains(&target)
}

/// Splits `name (family version)` at the operating system: the name, and, if there is one,
/// family and version. `kind` is the result's type; without it every known family fits.
pub fn split_target<'t>(
    target: &'t str,
    kind: Option<&str>,
) -> (&'t str, Option<(&'t str, &'t str)>) {
    let none = (target, None);
    let Some(body) = target.strip_suffix(')') else { return none };
    for (at, _) in body.match_indices(" (") {
        let inside = &body[at + 2..];
        let family = SYSTEMS
            .iter()
            .map(|(family, ..)| *family)
            .filter(|family| kind.is_none_or(|kind| kind.eq_ignore_ascii_case(family)))
            .find(|family| {
                inside.get(..family.len()).is_some_and(|f| f.eq_ignore_ascii_case(family))
                    && inside[family.len()..].starts_with(' ')
            });
        if let Some(family) = family {
            let (family, version) = inside.split_at(family.len());
            return (&target[..at], Some((family, version.trim())));
        }
    }
    none
}

/// What kind of asset an artifact is; the reasons stand in the module's header.
pub fn artifact_asset_type(kind: Option<&str>, has_os: bool, has_image: bool) -> AssetType {
    match kind.unwrap_or_default() {
        "container_image" => AssetType::Container,
        "filesystem" if has_os => AssetType::Server,
        "filesystem" | "repository" => AssetType::Repository,
        "vm" => AssetType::VirtualMachine,
        "cyclonedx" | "spdx" if has_image => AssetType::Container,
        "cyclonedx" | "spdx" => AssetType::Application,
        _ => AssetType::Other,
    }
}

/// What kind of asset a Kubernetes object is.
pub fn kubernetes_asset_type(kind: &str) -> AssetType {
    match kind {
        "Pod"
        | "Deployment"
        | "ReplicaSet"
        | "ReplicationController"
        | "StatefulSet"
        | "DaemonSet"
        | "Job"
        | "CronJob" => AssetType::Container,
        "Node" | "NodeInfo" | "NodeComponents" => AssetType::Server,
        _ => AssetType::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_split_at_the_operating_system() {
        for (target, kind, name, os) in [
            (
                "alpine:3.10 (alpine 3.10.2)",
                Some("alpine"),
                "alpine:3.10",
                Some(("alpine", "3.10.2")),
            ),
            ("a.tar (amazon 2 (Karoo))", Some("amazon"), "a.tar", Some(("amazon", "2 (Karoo)"))),
            (
                "x (suse linux enterprise server 15.1)",
                None,
                "x",
                Some(("suse linux enterprise server", "15.1")),
            ),
            ("x (opensuse.leap 15.1)", None, "x", Some(("opensuse.leap", "15.1"))),
            ("app (copy).lock", Some("npm"), "app (copy).lock", None),
            ("dir (debian stuff)", Some("npm"), "dir (debian stuff)", None),
            ("dir (my)", None, "dir (my)", None),
            ("é (é)", None, "é (é)", None),
            ("", None, "", None),
        ] {
            assert_eq!(split_target(target, kind), (name, os), "{target}");
        }
    }

    #[test]
    fn ecosystems_are_purl_types() {
        assert_eq!(ecosystem("jar"), "maven");
        assert_eq!(ecosystem("centos"), "rpm");
        assert_eq!(ecosystem("something-new"), "something-new");
        assert_eq!(purl_type("pkg:DEB/debian/apt@1").as_deref(), Some("deb"));
        assert_eq!(purl_type("pkg:npm"), None);
        assert_eq!(purl_type("apt"), None);
    }
}
