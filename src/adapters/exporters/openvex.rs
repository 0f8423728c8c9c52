//! OpenVEX 0.2.0 (<https://github.com/openvex/spec>, "OpenVEX Specification").
//!
//! - **Statement**: one for all that is said alike about one vulnerability on one asset, so
//!   that a single pass is enough and one statement is of bounded size. What is said is in
//!   `verdict.rs`.
//! - **Product**: the asset, by `urn:vulnzero:asset:<name>`, since a product must be an IRI
//!   ("Product Data Structure"); its subcomponents are the packages, by their package URLs.
//! - **Not affected**: the specification's JSON schema wants either a justification or an
//!   impact statement; with both, the reason is in `status_notes`.
//! - **Empty**: a document needs a statement, so there is none of no findings.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Map, Value, json};

use super::source::{Findings, Item, each_pair};
use super::verdict::{self, Verdict};
use super::{About, FindingFormat, Info, json as text, subject};
use crate::base::Result;
use crate::domain::vex::VexStatus;

/// OpenVEX.
pub struct OpenVex;

const INFO: Info = Info {
    name: "openvex",
    title: "OpenVEX 0.2.0",
    media_type: "application/json",
    extension: "openvex.json",
};

impl FindingFormat for OpenVex {
    fn info(&self) -> &'static Info {
        &INFO
    }

    fn needs_findings(&self) -> bool {
        true
    }

    fn write(&self, about: &About, findings: &dyn Findings, out: &mut dyn Write) -> Result<()> {
        let id = format!("{}/openvex/{}", about.namespace, about.id(&INFO));
        text::put(out, "{\"@context\":\"https://openvex.dev/ns/v0.2.0\",\"@id\":")?;
        text::value(out, &id)?;
        text::put(out, ",\"author\":")?;
        text::value(out, &about.author)?;
        text::put(out, ",\"timestamp\":")?;
        text::value(out, &about.time())?;
        text::put(out, ",\"version\":1,\"tooling\":")?;
        text::value(out, &format!("{} {}", About::TOOL, About::VERSION))?;
        text::put(out, ",\"statements\":[\n")?;
        let mut statements = text::List::default();
        each_pair(findings, &mut |pair| {
            for statement in of_pair(pair) {
                statements.item(out, &statement)?;
            }
            Ok(())
        })?;
        text::put(out, "\n]}\n")
    }
}

/// What is said about one vulnerability on one asset.
fn of_pair(pair: &[Item]) -> Vec<Value> {
    let said = verdict::of_subjects(pair, |item| subject::purl(&subject::component(&item.finding)));
    let mut groups: BTreeMap<Verdict, Vec<String>> = BTreeMap::new();
    for (purl, (verdict, _)) in said {
        groups.entry(verdict).or_default().push(purl);
    }
    let Some(first) = pair.first() else { return Vec::new() };
    groups.iter().map(|(verdict, purls)| statement(first, verdict, purls)).collect()
}

fn statement(item: &Item, verdict: &Verdict, purls: &[String]) -> Value {
    let vulnerability = &item.vulnerability;
    let mut named = json!({"name": vulnerability.cve_id});
    if !vulnerability.aliases.is_empty() {
        let mut aliases = vulnerability.aliases.clone();
        aliases.sort();
        aliases.dedup();
        named["aliases"] = json!(aliases);
    }
    let components: Vec<Value> =
        purls.iter().map(|purl| json!({"@id": purl, "identifiers": {"purl": purl}})).collect();
    let product =
        json!({"@id": subject::asset_iri(&item.asset.asset_id), "subcomponents": components});
    let mut statement = Map::new();
    statement.insert("vulnerability".into(), named);
    if let Some(at) = verdict.at {
        statement.insert("timestamp".into(), json!(at));
    }
    statement.insert("products".into(), json!([product]));
    statement.insert("status".into(), json!(verdict.status));
    if verdict.status == VexStatus::NotAffected {
        let (justified, why) = (verdict.justification, verdict.impact.as_ref());
        let place = if justified.is_some() { "status_notes" } else { "impact_statement" };
        statement.extend(justified.map(|j| ("justification".to_owned(), json!(j))));
        statement.extend(why.map(|why| (place.to_owned(), json!(why))));
    }
    let action = verdict.action.as_ref();
    statement.extend(action.map(|a| ("action_statement".to_owned(), json!(a.text()))));
    Value::Object(statement)
}
