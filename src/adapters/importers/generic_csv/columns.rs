//! Which column says what: by names that many tools use, or by a mapping.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::adapters::importers::table::folded;
use crate::domain::mapping::{MappedField as F, Mapping};

/// Names of columns, most telling first, in lower case without blanks and punctuation.
const NAMES: &[(F, &[&str])] = &[
    (
        F::Id,
        &[
            "cve",
            "cveid",
            "cveids",
            "cves",
            "vulnerabilityid",
            "vulnerabilityids",
            "vulnid",
            "vulnerability",
            "vulnerabilities",
            "advisory",
            "advisoryid",
            "ghsa",
            "ghsaid",
            "osvid",
            "id",
        ],
    ),
    (
        F::Title,
        &[
            "title",
            "vulnerabilityname",
            "vulnerabilitytitle",
            "findingname",
            "findingtitle",
            "finding",
            "issue",
            "issuename",
            "summary",
            "name",
        ],
    ),
    (F::Description, &["description", "vulnerabilitydescription", "details", "overview"]),
    (F::Impact, &["impact"]),
    (
        F::Solution,
        &[
            "solution",
            "remediation",
            "mitigation",
            "recommendation",
            "recommendations",
            "howtofix",
            "fix",
        ],
    ),
    (
        F::Severity,
        &[
            "severity",
            "severitylevel",
            "cvssseverity",
            "risk",
            "risklevel",
            "riskrating",
            "rating",
            "threat",
        ],
    ),
    (
        F::Cvss,
        &[
            "cvss",
            "cvssscore",
            "cvssbasescore",
            "basescore",
            "cvssvector",
            "cvssvectorstring",
            "vector",
            "vectorstring",
            "cvss2",
            "cvssv2",
            "cvss2score",
            "cvssv2score",
            "cvssv2basescore",
            "cvss2vector",
            "cvssv2vector",
            "cvss3",
            "cvssv3",
            "cvss3score",
            "cvssv3score",
            "cvssv3basescore",
            "cvss3vector",
            "cvssv3vector",
            "cvss31",
            "cvssv31",
            "cvss4",
            "cvssv4",
            "cvss4score",
            "cvssv4score",
            "cvss4vector",
            "cvssv4vector",
            "score",
        ],
    ),
    (F::Cwe, &["cwe", "cweid", "cweids", "cwes", "weakness"]),
    (
        F::References,
        &[
            "references",
            "reference",
            "links",
            "link",
            "seealso",
            "moreinfo",
            "moreinformation",
            "advisoryurl",
        ],
    ),
    (F::Epss, &["epss", "epssscore", "epssprobability"]),
    (F::Kev, &["kev", "knownexploited", "cisakev", "inkev", "iskev"]),
    (F::Exploit, &["exploit", "exploitavailable", "exploitable", "hasexploit", "exploited"]),
    (
        F::Published,
        &[
            "published",
            "publisheddate",
            "publicationdate",
            "datepublished",
            "publishedat",
            "publishdate",
        ],
    ),
    (
        F::Component,
        &[
            "component",
            "componentname",
            "package",
            "packagename",
            "pkg",
            "pkgname",
            "affectedpackage",
            "library",
            "dependency",
            "module",
            "artifact",
            "software",
            "softwarename",
            "product",
            "productname",
            "affectedsoftware",
            "affectedproduct",
        ],
    ),
    (
        F::Version,
        &[
            "installedversion",
            "version",
            "componentversion",
            "packageversion",
            "pkgversion",
            "currentversion",
            "softwareversion",
            "affectedversion",
            "affectedversions",
        ],
    ),
    (
        F::FixedVersion,
        &[
            "fixedversion",
            "fixedversions",
            "fixedin",
            "fixedinversion",
            "fixversion",
            "fixversions",
            "patchedversion",
            "patchedversions",
            "firstpatchedversion",
            "remediationversion",
        ],
    ),
    (F::Purl, &["purl", "packageurl", "packagepurl", "componentpurl"]),
    (
        F::Ecosystem,
        &["ecosystem", "packagetype", "packagemanager", "packageecosystem", "componentecosystem"],
    ),
    (F::Path, &["path", "filepath", "file", "filename", "manifest", "location", "componentpath"]),
    (F::Line, &["line", "linenumber", "startline", "placeline"]),
    (
        F::Asset,
        &[
            "asset",
            "assetname",
            "assetid",
            "host",
            "target",
            "targetname",
            "system",
            "server",
            "machine",
            "computer",
            "computername",
            "device",
            "devicename",
            "node",
            "image",
            "imagename",
            "containerimage",
            "repository",
            "project",
            "application",
            "endpoint",
        ],
    ),
    (F::Hostname, &["hostname", "fqdn", "dns", "dnsname"]),
    (
        F::IpAddress,
        &["ip", "ipaddress", "ipaddr", "ipv4", "hostip", "assetip", "assetipaddress", "ipv6"],
    ),
    (F::MacAddress, &["mac", "macaddress"]),
    (F::Os, &["os", "operatingsystem", "osname", "platform"]),
    (F::Port, &["port", "portnumber", "placeport"]),
    (F::Protocol, &["protocol", "portprotocol", "transport", "placeprotocol"]),
    (F::Service, &["service", "servicename"]),
    (F::Url, &["url", "uri", "endpointurl", "webaddress", "affectedurl", "endpoints", "placeurl"]),
    (F::Evidence, &["evidence", "proof", "output", "pluginoutput", "result", "stepstoreproduce"]),
    (
        F::Check,
        &["check", "checkid", "rule", "ruleid", "plugin", "pluginid", "template", "vulnidfromtool"],
    ),
    (F::Status, &["status", "state", "findingstatus"]),
    (
        F::FirstSeen,
        &[
            "firstseen",
            "firstfound",
            "firstdetected",
            "firstobserved",
            "discovered",
            "discoveredon",
            "detected",
            "detectedat",
            "detectiondate",
            "founddate",
            "createdat",
            "date",
        ],
    ),
    (F::Active, &["active", "isactive"]),
    (F::FalsePositive, &["falsepositive", "isfalsepositive", "falsep", "riskaccepted"]),
    (F::Duplicate, &["duplicate", "isduplicate"]),
    (F::Resolved, &["ismitigated", "mitigated", "resolved", "isresolved", "isfixed"]),
];

/// By folded name: what it says, and how telling it is among those that say the same.
static KNOWN: LazyLock<HashMap<&str, (F, usize)>> = LazyLock::new(|| {
    let all = NAMES.iter().flat_map(|(field, names)| {
        names.iter().enumerate().map(move |(rank, name)| (*name, (*field, rank)))
    });
    all.collect()
});

/// Names that a person would only give to a column with ids of vulnerabilities.
const CERTAIN: &[&str] = &[
    "cve",
    "cveid",
    "cveids",
    "cves",
    "vulnerabilityid",
    "vulnerabilityids",
    "vulnid",
    "ghsa",
    "ghsaid",
];

/// Names that stand together where an entry is a record of ours: its version is not that of
/// a package.
const RECORD: &[&str] = &["id", "version", "createdat", "updatedat"];

/// One column that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What it says.
    pub field: F,
    /// Where it stands.
    pub at: usize,
    /// Its folded name.
    pub name: String,
}

/// The columns that say something, most telling first.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Columns {
    columns: Vec<Column>,
    is_mapped: bool,
    /// Columns that a mapping names, and that are not there.
    missing: Vec<String>,
}

impl Columns {
    /// What columns with these names say.
    pub fn of<S: AsRef<str>>(names: &[S], mapping: Option<&Mapping>) -> Self {
        let Some(mapping) = mapping else { return Self::by_names(names) };
        let folded_names: Vec<_> = names.iter().map(|name| folded(name.as_ref())).collect();
        let mut all = Self { is_mapped: true, ..Self::default() };
        for (name, field) in &mapping.columns {
            let exact = names.iter().position(|n| n.as_ref() == name);
            let wanted = folded(name);
            match exact.or_else(|| folded_names.iter().position(|n| *n == wanted)) {
                Some(at) => all.columns.push(Column { field: *field, at, name: wanted }),
                None => all.missing.push(name.clone()),
            }
        }
        all
    }

    /// Columns that a mapping has found already, in the order of the cells.
    pub fn found(fields: impl Iterator<Item = (F, String)>) -> Self {
        let column =
            |(at, (field, name)): (usize, (F, String))| Column { field, at, name: folded(&name) };
        let columns = fields.enumerate().map(column).collect();
        Self { columns, is_mapped: true, missing: Vec::new() }
    }

    /// Columns that the mapping names, and that are not there.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// What a column is taken for by its name.
    pub fn guess(&self, at: usize) -> Option<F> {
        self.columns.iter().find(|c| c.at == at).map(|c| c.field)
    }

    fn by_names<S: AsRef<str>>(names: &[S]) -> Self {
        let names: Vec<String> = names.iter().map(|name| folded(name.as_ref())).collect();
        let is_record = RECORD.iter().all(|own| names.iter().any(|name| name == own));
        let mut ranked = Vec::new();
        for (at, name) in names.into_iter().enumerate() {
            if is_record && name == "version" {
                continue;
            }
            if let Some((field, rank)) = KNOWN.get(name.as_str()) {
                ranked.push((*rank, Column { field: *field, at, name }));
            }
        }
        ranked.sort_by_key(|(rank, column)| (*rank, column.at));
        let mut columns: Vec<_> = ranked.into_iter().map(|(_, column)| column).collect();
        let says = |columns: &[Column], field| columns.iter().any(|c| c.field == field);
        // Where a version stands beside, a bare `name` is the package's.
        let bare = !says(&columns, F::Component) && says(&columns, F::Version);
        if bare
            && says(&columns, F::Id)
            && let Some(column) = columns.iter_mut().find(|c| c.name == "name")
        {
            column.field = F::Component;
        }
        Self { columns, is_mapped: false, missing: Vec::new() }
    }

    /// The columns that say `field`, most telling first.
    pub fn of_field(&self, field: F) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(move |c| c.field == field)
    }

    fn says(&self, field: F) -> bool {
        self.of_field(field).next().is_some()
    }

    /// The columns with ids of vulnerabilities: those whose names leave no doubt, if any.
    pub fn of_ids(&self) -> impl Iterator<Item = &Column> {
        let is_certain = |c: &&Column| self.is_mapped || CERTAIN.contains(&c.name.as_str());
        let any = self.of_field(F::Id).any(|c| is_certain(&c));
        self.of_field(F::Id).filter(move |c| !any || is_certain(c))
    }

    /// Whether these are columns of findings.
    pub fn suffice(&self) -> bool {
        if self.is_mapped {
            return self.missing.is_empty();
        }
        let is_named = self.says(F::Id) || self.says(F::Title);
        let is_rated = self.says(F::Severity) || self.says(F::Cvss);
        let wheres = [F::Component, F::Purl, F::Asset, F::Hostname, F::IpAddress];
        let is_certain = self.of_field(F::Id).any(|c| CERTAIN.contains(&c.name.as_str()));
        is_named && is_rated || is_certain && wheres.iter().any(|field| self.says(*field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_says_one_thing() {
        let names: Vec<_> = NAMES.iter().flat_map(|(_, names)| *names).collect();
        assert_eq!(names.len(), KNOWN.len(), "a name stands twice");
        assert!(names.iter().all(|name| folded(name) == **name));
    }

    #[test]
    fn columns_of_findings_are_told_from_others() {
        for (header, suffices) in [
            ("CVE,Severity", true),
            ("Title,CVSS Score,Url", true),
            ("host,cve", true),
            ("package,version,CVE-ID", true),
            ("id,name", false),
            ("id,host", false),
            ("name,version,license", false),
            ("date,amount", false),
        ] {
            let names: Vec<_> = header.split(',').collect();
            assert_eq!(Columns::of(&names, None).suffice(), suffices, "{header}");
        }
    }

    #[test]
    fn the_version_of_a_record_is_not_the_packages() {
        let versions = |names: &[&str]| Columns::of(names, None).of_field(F::Version).count();
        assert_eq!(versions(&["id", "version", "cve_id", "component name"]), 1);
        assert_eq!(versions(&["id", "version", "created_at", "updated_at", "cve_id"]), 0);
    }

    #[test]
    fn a_bare_name_is_what_stands_beside_it() {
        let field = |header: &str| {
            let names: Vec<_> = header.split(',').collect();
            let columns = Columns::of(&names, None);
            columns.columns.iter().find(|c| c.name == "name").map(|c| c.field)
        };
        assert_eq!(field("name,version,cve"), Some(F::Component));
        assert_eq!(field("name,severity,cve"), Some(F::Title));
        assert_eq!(field("name,version,cve,package"), Some(F::Title));
    }
}
