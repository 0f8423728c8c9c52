//! The thing that is vulnerable inside an asset: a package, a library, a file.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

/// A component and where it lies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
pub struct Component {
    /// Package name as its ecosystem writes it.
    pub name: String,
    /// Installed version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Package URL (purl specification), without subpath.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// Ecosystem by its purl type: `deb`, `rpm`, `apk`, `npm`, `pypi`, `maven`, `golang`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecosystem: Option<String>,
    /// The source package that a distribution built it from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_package: Option<String>,
    /// Version of the source package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
    /// File or lock file that contains or names it, within the asset. Part of a finding's
    /// identity: the same library in two places is two findings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Image layer (diff id) that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
}
