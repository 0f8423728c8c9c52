//! L1: the business. Records with their declarations, words, life cycles and scores.
//!
//! Pure: no HTTP, no storage, no clock of its own; time and randomness come as arguments.
//! `poem_openapi` is used for descriptions only.

pub mod alias;
pub mod asset;
pub mod audit;
pub mod change;
pub mod component;
pub mod decision;
pub mod finding;
pub mod idempotency;
pub mod identity;
pub mod import;
pub mod job;
pub mod mapping;
pub mod matcher;
pub mod merge;
pub mod observation;
mod openapi;
pub mod origin;
pub mod package;
pub mod patch;
pub mod place;
pub mod priority;
pub mod purl;
pub mod rule;
pub mod ruleset;
pub mod scan;
pub mod search;
pub mod service;
pub mod severity;
pub mod sla;
pub mod status;
pub mod user;
pub mod vex;
pub mod vulnerability;
mod words;

/// Calls a macro with every record type. The one list from which catalogue, `check`,
/// index rebuilds, documentation and tests iterate.
#[macro_export]
macro_rules! for_each_record {
    ($macro:ident) => {
        $macro! {
            $crate::domain::vulnerability::Vulnerability,
            $crate::domain::asset::Asset,
            $crate::domain::finding::Finding,
            $crate::domain::decision::Decision,
            $crate::domain::rule::Rule,
            $crate::domain::sla::SlaPolicy,
            $crate::domain::package::Package,
            $crate::domain::service::Service,
            $crate::domain::mapping::SavedMapping,
            $crate::domain::patch::Patch,
            $crate::domain::import::Import,
            $crate::domain::change::Change,
            $crate::domain::change::ChangeStep,
            $crate::domain::idempotency::IdempotencyKey,
            $crate::domain::job::Job,
            $crate::domain::user::User,
            $crate::domain::user::Credential,
            $crate::domain::user::Session,
            $crate::domain::user::ApiToken,
            $crate::domain::user::TokenSecret,
            $crate::domain::audit::AuditLog
        }
    };
}
