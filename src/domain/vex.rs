//! VEX: what somebody states about a vulnerability in a product (OpenVEX 0.2.0, CSAF 2.0
//! profile 5, `CycloneDX` `analysis`), in one language.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::observation::VulnerabilityObservation;
use super::words::word_enum;
use crate::base::Timestamp;

word_enum! {
    /// Whether a product is affected (OpenVEX specification, "Status Labels").
    VexStatus default UnderInvestigation {
        /// Not known yet.
        UnderInvestigation "under_investigation",
        /// Nothing needs to be done.
        NotAffected "not_affected",
        /// Something should be done.
        Affected "affected",
        /// These versions contain the fix.
        Fixed "fixed",
    }
}

word_enum! {
    /// Why a product is not affected (OpenVEX specification, "Status Justifications"; CSAF
    /// 2.0 §3.2.3.5 has the same five as flags).
    Justification default VulnerableCodeNotInExecutePath {
        /// The component is not in the product.
        ComponentNotPresent "component_not_present",
        /// The vulnerable code is not in the component.
        VulnerableCodeNotPresent "vulnerable_code_not_present",
        /// The vulnerable code is never run.
        VulnerableCodeNotInExecutePath "vulnerable_code_not_in_execute_path",
        /// An attacker cannot reach or control the vulnerable code.
        VulnerableCodeCannotBeControlledByAdversary
            "vulnerable_code_cannot_be_controlled_by_adversary",
        /// Something else in place prevents the exploit.
        InlineMitigationsAlreadyExist "inline_mitigations_already_exist",
    }
}

impl Justification {
    /// The justification that a word of `CycloneDX` (`analysis.justification`, 1.4 and
    /// later) means.
    #[must_use]
    pub fn of_cyclonedx(word: &str) -> Option<Self> {
        Some(match word {
            "code_not_present" => Self::VulnerableCodeNotPresent,
            "code_not_reachable" => Self::VulnerableCodeNotInExecutePath,
            "requires_configuration" | "requires_dependency" | "requires_environment" => {
                Self::VulnerableCodeCannotBeControlledByAdversary
            }
            "protected_by_compiler"
            | "protected_at_runtime"
            | "protected_at_perimeter"
            | "protected_by_mitigating_control" => Self::InlineMitigationsAlreadyExist,
            _ => return None,
        })
    }

    /// The nearest word of `CycloneDX` (`analysis.justification`, 1.4 and later).
    #[must_use]
    pub const fn cyclonedx(self) -> &'static str {
        match self {
            Self::ComponentNotPresent | Self::VulnerableCodeNotPresent => "code_not_present",
            Self::VulnerableCodeNotInExecutePath => "code_not_reachable",
            Self::VulnerableCodeCannotBeControlledByAdversary => "requires_environment",
            Self::InlineMitigationsAlreadyExist => "protected_by_mitigating_control",
        }
    }
}

/// A product, or a component in one, by every name that a statement gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(default)]
pub struct Product {
    /// Name for people, or the document's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Version, if the statement is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Package URL, with or without a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// CPE 2.2 or 2.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpe: Option<String>,
    /// Digests (`sha256:…`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<String>,
}

/// What a statement is about: a product, or components inside of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The product.
    pub product: Product,
    /// The components in it that the statement is about; none means the product itself.
    pub components: Vec<Product>,
}

/// One statement of a VEX document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statement {
    /// The vulnerability, with all that the document says of it.
    pub vulnerability: VulnerabilityObservation,
    /// What it is about. None: everything that the document is about; then it is an
    /// advisory only.
    pub subjects: Vec<Subject>,
    /// Whether they are affected.
    pub status: VexStatus,
    /// Why not.
    pub justification: Option<Justification>,
    /// Why not, in words; for `affected` and `fixed` notes.
    pub impact: Option<String>,
    /// What to do.
    pub action: Option<String>,
    /// When it was stated, if it says so itself.
    pub at: Option<Timestamp>,
}
