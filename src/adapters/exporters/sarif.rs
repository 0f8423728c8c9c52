//! SARIF 2.1.0 (OASIS standard).
//!
//! - **Run** (§3.14): one for each asset, since nothing below a run says what was looked at.
//!   Properties of an object may come in any order, so results are written as they come and
//!   the rules after them; what is kept meanwhile is the set of their numbers.
//! - **Rule** (§3.49): a vulnerability. `security-severity` is its CVSS score, if there is one.
//! - **Result** (§3.27): a finding. Critical and high are errors, medium and unrated ones
//!   warnings, the rest notes. What is fixed has the baseline state `absent`.
//! - **Location** (§3.28): file and line, or web address, where that is known; the package
//!   always, as a logical location.
//! - **Fingerprint** (§3.27.17): made of asset, vulnerability, component and place: what makes
//!   it the same finding for us.
//! - **Suppression** (§3.35): what was decided, with the reason.
//! - **Properties** (§3.8): `vulnzero` holds component, place and severity as we have them;
//!   our importer reads them back.

use std::io::Write;
use std::rc::Rc;

use roaring::RoaringBitmap;
use serde_json::{Value, json};

use super::source::{Findings, Item, Order};
use super::{About, FindingFormat, Info, json as text, subject, verdict};
use crate::base::Result;
use crate::domain::asset::{Asset, AssetType};
use crate::domain::finding::Finding;
use crate::domain::severity::Severity;
use crate::domain::vulnerability::Vulnerability;

/// SARIF.
pub struct Sarif;

const INFO: Info = Info {
    name: "sarif",
    title: "SARIF 2.1.0",
    media_type: "application/sarif+json",
    extension: "sarif",
};

impl FindingFormat for Sarif {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn write(&self, _about: &About, findings: &dyn Findings, out: &mut dyn Write) -> Result<()> {
        text::put(
            out,
            "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[\n",
        )?;
        let mut runs = text::List::default();
        let mut run: Option<Run> = None;
        findings.each(Order::ByAsset, &mut |item| {
            if let Some(done) = run.take_if(|run| run.asset.id != item.asset.id) {
                done.end(findings, out)?;
            }
            let run = match &mut run {
                Some(run) => run,
                None => {
                    runs.next(out)?;
                    run.insert(Run::begin(&item.asset, out)?)
                }
            };
            run.results.item(out, &result(&item))?;
            run.rules.insert(item.finding.vulnerability_id as u32);
            Ok(())
        })?;
        if let Some(last) = run {
            last.end(findings, out)?;
        }
        text::put(out, "\n]}\n")
    }
}

/// A run that is being written.
struct Run {
    asset: Rc<Asset>,
    results: text::List,
    rules: RoaringBitmap,
}

impl Run {
    fn begin(asset: &Rc<Asset>, out: &mut dyn Write) -> Result<Self> {
        let mut id = String::from("vulnzero/");
        id.push_str(&asset.asset_id);
        let properties = json!({"vulnzero": {"asset": asset.asset_id, "type": asset.asset_type}});
        text::put(out, "{\"automationDetails\":{\"id\":")?;
        text::value(out, &format!("{}/", id.trim_end_matches('/')))?;
        text::put(out, "},\"properties\":")?;
        text::value(out, &properties)?;
        let is_repository = asset.asset_type == AssetType::Repository;
        if is_repository && subject::is_link(&asset.asset_id) {
            text::put(out, ",\"versionControlProvenance\":")?;
            text::value(out, &json!([{"repositoryUri": asset.asset_id}]))?;
        }
        text::put(out, ",\"results\":[\n")?;
        let (results, rules) = (text::List::default(), RoaringBitmap::new());
        Ok(Self { asset: asset.clone(), results, rules })
    }

    fn end(self, findings: &dyn Findings, out: &mut dyn Write) -> Result<()> {
        text::put(out, "\n],\"tool\":{\"driver\":{\"name\":")?;
        text::value(out, &About::TOOL)?;
        text::put(out, ",\"version\":")?;
        text::value(out, &About::VERSION)?;
        text::put(
            out,
            ",\"informationUri\":\"https://github.com/vulnzero/vulnzero\",\"rules\":[\n",
        )?;
        let mut rules = text::List::default();
        for id in self.rules {
            rules.item(out, &rule(&*findings.vulnerability(id.into())?))?;
        }
        text::put(out, "\n]}}}")
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium | Severity::Unknown => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn rule(v: &Vulnerability) -> Value {
    let title = if v.title.trim().is_empty() { &v.cve_id } else { &v.title };
    let mut tags = vec!["security".to_owned(), "vulnerability".to_owned()];
    for tag in v.aliases.iter().chain(&v.cwe_ids) {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    let mut rule = json!({"id": v.cve_id, "shortDescription": {"text": title},
        "defaultConfiguration": {"level": level(v.severity)}, "properties": {"tags": tags}});
    if let Some(description) = v.description.as_ref().filter(|d| !d.trim().is_empty()) {
        rule["fullDescription"] = json!({"text": description});
    }
    if let Some(solution) = v.solution.as_ref().filter(|s| !s.trim().is_empty()) {
        rule["help"] = json!({"text": solution});
    }
    if let Some(link) = v.references.iter().find(|link| subject::is_link(link)) {
        rule["helpUri"] = json!(link);
    }
    if let Some(score) = v.cvss_score {
        rule["properties"]["security-severity"] = json!(format!("{score:.1}"));
    }
    rule
}

fn result(item: &Item) -> Value {
    let finding = &*item.finding;
    let state = if finding.status.is_fixed() { "absent" } else { "unchanged" };
    let print = [&item.asset.asset_id, &finding.cve_id, &finding.identity()];
    let print = subject::digest(&print.map(String::as_str));
    let mut own = json!({"component": finding.component, "place": finding.place,
        "severity": finding.severity, "status": finding.status});
    if let Some(version) = &finding.fixed_version {
        own["fixed_version"] = json!(version);
    }
    let mut result = json!({
        "ruleId": finding.cve_id,
        "level": level(finding.severity),
        "message": {"text": message(finding)},
        "locations": [location(finding)],
        "partialFingerprints": {"vulnzeroFinding/v1": print},
        "baselineState": state,
        "provenance": {"firstDetectionTimeUtc": finding.first_seen,
            "lastDetectionTimeUtc": finding.last_seen},
        "properties": {"vulnzero": own},
    });
    if let Some(verdict) = finding.status.verdict() {
        let why = verdict::reason(item).unwrap_or_else(|| verdict.to_string());
        let mut properties = json!({"verdict": verdict});
        if let Some(decision) = &item.decision {
            properties["author"] = json!(decision.author);
            if let Some(at) = decision.expires_at {
                properties["expires_at"] = json!(at);
            }
        }
        result["suppressions"] = json!([{"kind": "external", "status": "accepted",
            "justification": why, "properties": properties}]);
    }
    result
}

fn message(finding: &Finding) -> String {
    let component = subject::label(&finding.component);
    let fixed = finding.fixed_version.as_ref();
    let fixed = fixed.map(|version| format!(" (fixed in {version})")).unwrap_or_default();
    let Finding { asset, cve_id, title, .. } = finding;
    format!("{component} on {asset} has {cve_id}: {title}{fixed}")
}

fn location(finding: &Finding) -> Value {
    let purl = subject::purl(&finding.component);
    let logical = json!({"name": finding.component.name, "fullyQualifiedName": purl,
        "kind": "package"});
    let mut location = json!({"logicalLocations": [logical]});
    let path = finding.component.location();
    let url = finding.place.url.as_deref().filter(|url| subject::is_link(url));
    let uri = match url {
        Some(url) => Some(url.to_owned()),
        None => (!path.is_empty()).then(|| subject::path_uri(path)),
    };
    if let Some(uri) = uri {
        let mut physical = json!({"artifactLocation": {"uri": uri}});
        if let Some(line) = finding.place.line.filter(|line| *line > 0) {
            physical["region"] = json!({"startLine": line});
        }
        location["physicalLocation"] = physical;
    }
    location
}
