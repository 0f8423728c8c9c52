//! Where on an asset a scanner saw something, beyond the component and its path.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

/// A port, a web address, a line: whatever the scanner names. Part of a finding's identity
/// but for the line when there is a fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(default)]
pub struct Place {
    /// Port number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `tcp`, `udp`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Web address, or what a web scanner matched at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Line in the component's file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The scanner's own fingerprint of the place, which survives shifted lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

impl Place {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What makes it the same place in the next scan; empty if it says nothing. A
    /// fingerprint stands for the line.
    #[must_use]
    pub fn key(&self) -> String {
        let mut key = String::new();
        if let Some(port) = self.port {
            key = format!("{port}/{}", self.protocol.as_deref().unwrap_or("tcp"));
        }
        for part in [self.url.as_deref(), self.fingerprint.as_deref()].into_iter().flatten() {
            key.push('\u{1e}');
            key.push_str(part);
        }
        if let (Some(line), None) = (self.line, &self.fingerprint) {
            key.extend(["\u{1e}:", &line.to_string()]);
        }
        key
    }
}
