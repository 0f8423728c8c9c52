//! The REST API: one file per resource, handlers of a few lines. Paths and schemas are
//! declared here; what is allowed is decided by services and domain.

mod accounts;
mod admin;
mod common;
mod decisions;
mod edit;
mod export;
mod identity;
mod imports;
mod mappings;
mod originals;
mod read;
mod rules;
mod session;
mod uploads;

use poem_openapi::{OpenApi, OpenApiService, Tags};

/// Groups of operations in the documentation.
#[derive(Tags)]
pub(crate) enum Tag {
    /// Set-up, log-in and log-out.
    Session,
    /// Vulnerabilities on assets: what needs work.
    Findings,
    /// Advisories, each known once.
    Vulnerabilities,
    /// What can be vulnerable.
    Assets,
    /// What is installed where.
    Packages,
    /// What listens on which port.
    Services,
    /// What was decided about findings instead of fixing them.
    Decisions,
    /// What follows for findings without anybody saying it each time.
    Rules,
    /// Fixes.
    Patches,
    /// Scanner reports that were taken in.
    Imports,
    /// What imports and bulk edits did, to be undone.
    Changes,
    /// What columns mean that no known format explains.
    Mappings,
    /// Background work.
    Jobs,
    /// Accounts.
    Users,
    /// API tokens.
    Tokens,
    /// Who did what.
    Audit,
    /// The overview.
    Overview,
    /// Looking after the server.
    Maintenance,
}

/// The whole API, to be mounted below `/api/v1`.
#[must_use]
pub fn service() -> OpenApiService<impl OpenApi + use<>, ()> {
    let reading = (
        read::Findings,
        read::Vulnerabilities,
        read::Assets,
        (read::Packages, read::Services, read::Mappings),
        read::Decisions,
        (read::Rules, read::SlaPolicies),
        read::Patches,
        read::Imports,
        read::Changes,
        read::Jobs,
        read::Users,
        read::Tokens,
        read::AuditLogs,
    );
    let writing = (
        edit::Findings,
        edit::Vulnerabilities,
        edit::Assets,
        edit::Patches,
        imports::Posted,
        imports::Put,
        imports::Reverting,
        originals::Originals,
        (edit::Mappings, mappings::Trials),
        accounts::Accounts,
    );
    let exporting = (
        export::Findings,
        export::Vulnerabilities,
        export::Assets,
        export::Packages,
        export::Decisions,
    );
    let deciding = (
        decisions::Decisions,
        decisions::Aliases,
        imports::Quarantine,
        decisions::Changes,
        identity::Rules,
        identity::Identity,
        (rules::Rules, rules::SlaPolicies),
    );
    let rest = (session::Sessions, admin::Overview, admin::Maintenance, admin::JobControl);
    OpenApiService::new(
        (reading, exporting, writing, deciding, rest),
        "VulnZero",
        env!("CARGO_PKG_VERSION"),
    )
    .description(
        "Vulnerability remediation for your own machines. Every error is a problem (RFC 9457).",
    )
    .url_prefix("/api/v1")
}
