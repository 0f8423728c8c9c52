//! Which columns a table of each kind of record has.

use crate::base::record::Record;
use crate::domain::asset::Asset;
use crate::domain::decision::Decision;
use crate::domain::finding::Finding;
use crate::domain::package::Package;
use crate::domain::vulnerability::Vulnerability;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// What stands in the header.
    pub name: &'static str,
    /// Where its value lies in the record's JSON; dots lead into objects.
    pub path: &'static str,
}

/// A kind of record that can be exported.
pub trait Exported: Record {
    /// The columns of a table of it.
    const COLUMNS: &'static [Column];
    /// Whether there are documents of it beside tables.
    const HAS_DOCUMENTS: bool = false;
    /// The word in names of files.
    const FILE: &'static str;
}

/// A column that has the name of the field.
const fn same(name: &'static str) -> Column {
    Column { name, path: name }
}

const fn column(name: &'static str, path: &'static str) -> Column {
    Column { name, path }
}

impl Exported for Finding {
    const FILE: &'static str = "findings";
    const HAS_DOCUMENTS: bool = true;
    const COLUMNS: &'static [Column] = &[
        same("id"),
        same("cve_id"),
        same("title"),
        same("severity"),
        same("status"),
        same("asset"),
        column("component", "component.name"),
        column("installed_version", "component.version"),
        same("fixed_version"),
        column("ecosystem", "component.ecosystem"),
        column("purl", "component.purl"),
        column("path", "component.path"),
        column("line", "place.line"),
        column("port", "place.port"),
        column("protocol", "place.protocol"),
        column("url", "place.url"),
        same("priority_score"),
        same("cvss_score"),
        same("epss_score"),
        same("kev"),
        same("first_seen"),
        same("last_seen"),
        same("resolved_at"),
        same("due_at"),
        same("assigned_to"),
        same("status_reason"),
        same("notes"),
    ];
}

impl Exported for Vulnerability {
    const FILE: &'static str = "vulnerabilities";
    const COLUMNS: &'static [Column] = &[
        same("id"),
        same("cve_id"),
        same("aliases"),
        same("title"),
        same("severity"),
        same("status"),
        same("cvss_score"),
        same("cvss_vector"),
        same("epss_score"),
        same("kev"),
        same("exploit_available"),
        same("cwe_ids"),
        same("open_findings"),
        same("total_findings"),
        same("priority_score"),
        same("published_at"),
        same("modified_at"),
        same("discovered_at"),
        same("remediated_at"),
        same("assigned_to"),
        same("tags"),
        same("references"),
        same("description"),
        same("solution"),
        same("notes"),
    ];
}

impl Exported for Asset {
    const FILE: &'static str = "assets";
    const COLUMNS: &'static [Column] = &[
        same("id"),
        same("asset_id"),
        same("name"),
        same("type"),
        same("hostname"),
        same("ip_address"),
        same("mac_address"),
        same("os_type"),
        same("os_version"),
        same("os_architecture"),
        same("environment"),
        same("criticality"),
        same("exposure"),
        same("owner"),
        same("location"),
        same("is_active"),
        same("risk_score"),
        column("open_critical", "open_findings.critical"),
        column("open_high", "open_findings.high"),
        column("open_medium", "open_findings.medium"),
        column("open_low", "open_findings.low"),
        column("open_total", "open_findings.total"),
        same("last_seen"),
        same("last_scanned"),
        same("tags"),
        same("description"),
    ];
}

impl Exported for Package {
    const FILE: &'static str = "packages";
    const COLUMNS: &'static [Column] = &[
        same("id"),
        same("asset"),
        column("package", "component.name"),
        column("version", "component.version"),
        column("ecosystem", "component.ecosystem"),
        column("architecture", "component.architecture"),
        column("purl", "component.purl"),
        column("path", "component.path"),
        column("source_package", "component.source_package"),
        column("source_version", "component.source_version"),
        same("kind"),
        same("source"),
        same("first_seen"),
        same("removed_at"),
    ];
}

impl Exported for Decision {
    const FILE: &'static str = "decisions";
    const COLUMNS: &'static [Column] = &[
        same("id"),
        same("kind"),
        same("state"),
        same("scope"),
        same("vulnerability"),
        same("package"),
        same("package_version"),
        same("asset"),
        same("location"),
        same("tag"),
        same("reason"),
        same("justification"),
        same("compensating_control"),
        same("author"),
        same("created_at"),
        same("expires_at"),
        same("ended_at"),
        same("ended_by"),
        same("assigned_to"),
        same("due_at"),
        same("note"),
        column("document", "provenance.document_id"),
    ];
}
