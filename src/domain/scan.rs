//! Kinds of scan. A report that is complete for one kind says nothing about another, so
//! kinds are what closing is about: asset × scanner × kind.

use super::words::word_enum;

word_enum! {
    /// What was looked at.
    ScanKind default Other {
        /// Packages of the operating system (dpkg, rpm, apk, Windows updates, …).
        OsPackages "os_packages",
        /// Libraries of applications (npm, PyPI, Maven, Go modules, …).
        Libraries "libraries",
        /// A host over the network, with or without a login.
        Network "network",
        /// A web site or web application.
        Web "web",
        /// Source code.
        Code "code",
        /// Anything else.
        Other "other",
    }
}

impl ScanKind {
    /// The kind of scan that finds components of this ecosystem (purl type).
    #[must_use]
    pub fn of_ecosystem(ecosystem: Option<&str>) -> Self {
        match ecosystem {
            Some("deb" | "rpm" | "apk" | "alpm" | "bottlerocket" | "portage" | "windows") => {
                Self::OsPackages
            }
            _ => Self::Libraries,
        }
    }
}
