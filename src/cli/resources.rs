//! How each resource looks in tables: its path and its columns.

use super::args::Resource;

/// A column: heading, and where its value lies in the JSON (dots lead into objects).
pub type Column = (&'static str, &'static str);

impl Resource {
    /// Its path below `/api/v1`.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Findings => "/findings",
            Self::Vulnerabilities => "/vulnerabilities",
            Self::Assets => "/assets",
            Self::Packages => "/packages",
            Self::Services => "/services",
            Self::Mappings => "/mappings",
            Self::Decisions => "/decisions",
            Self::Rules => "/rules",
            Self::SlaPolicies => "/sla-policies",
            Self::Patches => "/patches",
            Self::Imports => "/imports",
            Self::Changes => "/changes",
            Self::Jobs => "/jobs",
            Self::Users => "/users",
            Self::Tokens => "/tokens",
            Self::AuditLogs => "/audit-logs",
        }
    }

    /// Its columns.
    #[must_use]
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Findings => FINDINGS,
            Self::Vulnerabilities => VULNERABILITIES,
            Self::Assets => ASSETS,
            Self::Packages => PACKAGES,
            Self::Services => SERVICES,
            Self::Mappings => MAPPINGS,
            Self::Decisions => DECISIONS,
            Self::Rules => RULES,
            Self::SlaPolicies => SLA_POLICIES,
            Self::Patches => PATCHES,
            Self::Imports => IMPORTS,
            Self::Changes => CHANGES,
            Self::Jobs => JOBS,
            Self::Users => USERS,
            Self::Tokens => TOKENS,
            Self::AuditLogs => AUDIT_LOGS,
        }
    }
}

const FINDINGS: &[Column] = &[
    ("ID", "id"),
    ("PRIORITY", "priority_score"),
    ("SEVERITY", "severity"),
    ("STATUS", "status"),
    ("VULNERABILITY", "cve_id"),
    ("ASSET", "asset"),
    ("PACKAGE", "component.name"),
    ("INSTALLED", "component.version"),
    ("FIXED IN", "fixed_version"),
    ("DUE", "due_at"),
];
const VULNERABILITIES: &[Column] = &[
    ("ID", "id"),
    ("VULNERABILITY", "cve_id"),
    ("PRIORITY", "priority_score"),
    ("SEVERITY", "severity"),
    ("CVSS", "cvss_score"),
    ("STATUS", "status"),
    ("OPEN", "open_findings"),
    ("TITLE", "title"),
];
const ASSETS: &[Column] = &[
    ("ID", "id"),
    ("ASSET", "asset_id"),
    ("TYPE", "type"),
    ("OS", "os_type"),
    ("VERSION", "os_version"),
    ("RISK", "risk_score"),
    ("CRITICAL", "open_findings.critical"),
    ("HIGH", "open_findings.high"),
    ("OPEN", "open_findings.total"),
    ("LAST SCANNED", "last_scanned"),
];
const PACKAGES: &[Column] = &[
    ("ID", "id"),
    ("ASSET", "asset"),
    ("PACKAGE", "component.name"),
    ("VERSION", "component.version"),
    ("ARCHITECTURE", "component.architecture"),
    ("ECOSYSTEM", "component.ecosystem"),
    ("SINCE", "first_seen"),
    ("REMOVED", "removed_at"),
];
const SERVICES: &[Column] = &[
    ("ID", "id"),
    ("ASSET", "asset"),
    ("PORT", "port"),
    ("PROTOCOL", "protocol"),
    ("SERVICE", "name"),
    ("PRODUCT", "product"),
    ("VERSION", "product_version"),
    ("FIRST SEEN", "first_seen"),
    ("LAST SEEN", "last_seen"),
    ("GONE", "gone_at"),
];
const MAPPINGS: &[Column] = &[
    ("ID", "id"),
    ("MAPPING", "name"),
    ("DESCRIPTION", "description"),
    ("AUTHOR", "created_by"),
    ("CHANGED", "updated_at"),
];
const DECISIONS: &[Column] = &[
    ("ID", "id"),
    ("KIND", "kind"),
    ("STATE", "state"),
    ("SCOPE", "scope"),
    ("VULNERABILITY", "vulnerability"),
    ("PACKAGE", "package"),
    ("ASSET", "asset"),
    ("TAG", "tag"),
    ("EXPIRES", "expires_at"),
    ("AUTHOR", "author"),
    ("REASON", "reason"),
];
const RULES: &[Column] = &[
    ("ID", "id"),
    ("ORDER", "order"),
    ("NAME", "name"),
    ("USED", "enabled"),
    ("ASSIGN TO", "actions.assign_to"),
    ("DUE DAYS", "actions.due_days"),
    ("TRIAGE", "actions.triage"),
    ("STOP", "stop"),
    ("NOTE", "actions.note"),
];
const SLA_POLICIES: &[Column] = &[
    ("ID", "id"),
    ("ORDER", "order"),
    ("NAME", "name"),
    ("USED", "enabled"),
    ("DAYS", "days"),
    ("ON REOPEN", "on_reopen"),
    ("WHILE ACCEPTED", "while_accepted"),
    ("DESCRIPTION", "description"),
];
const PATCHES: &[Column] = &[
    ("ID", "id"),
    ("PATCH", "patch_id"),
    ("STATUS", "status"),
    ("TYPE", "patch_type"),
    ("TITLE", "title"),
];
const IMPORTS: &[Column] = &[
    ("ID", "id"),
    ("FILE", "filename"),
    ("FORMAT", "format"),
    ("STATUS", "status"),
    ("ASSETS", "assets"),
    ("FINDINGS", "findings"),
    ("NEW", "new"),
    ("SEEN", "seen"),
    ("REOPENED", "reopened"),
    ("CLOSED", "closed"),
    ("SKIPPED", "skipped"),
    ("ERROR", "error.detail"),
];
const CHANGES: &[Column] = &[
    ("ID", "id"),
    ("KIND", "kind"),
    ("ACTION", "action"),
    ("IMPORT", "import_id"),
    ("RECORDS", "records"),
    ("STATE", "state"),
    ("BY", "author"),
    ("AT", "created_at"),
    ("UNDONE", "undone_at"),
];
const JOBS: &[Column] = &[
    ("ID", "id"),
    ("KIND", "kind"),
    ("STATUS", "status"),
    ("ATTEMPTS", "attempts"),
    ("PROGRESS", "progress"),
    ("CREATED", "created_at"),
    ("ERROR", "error"),
];
const USERS: &[Column] = &[
    ("ID", "id"),
    ("USER", "username"),
    ("ROLE", "role"),
    ("ACTIVE", "is_active"),
    ("LAST LOG-IN", "last_login_at"),
];
const TOKENS: &[Column] = &[
    ("ID", "id"),
    ("NAME", "name"),
    ("PREFIX", "prefix"),
    ("ROLE", "role"),
    ("OWNER", "username"),
    ("EXPIRES", "expires_at"),
    ("LAST USED", "last_used_at"),
    ("REVOKED", "revoked_at"),
];
const AUDIT_LOGS: &[Column] = &[
    ("ID", "id"),
    ("WHEN", "created_at"),
    ("ACTOR", "actor"),
    ("ACTION", "action"),
    ("RESOURCE", "resource_type"),
    ("NAME", "resource"),
    ("OK", "success"),
    ("DETAIL", "detail"),
];
