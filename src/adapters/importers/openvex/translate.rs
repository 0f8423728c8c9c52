//! From OpenVEX's words to ours. The rules stand in the header of the parent module.

use super::model::{self, Vulnerability};
use crate::adapters::importers::lenient::Mixed;
use crate::adapters::importers::{ids, packages, text};
use crate::domain::observation::VulnerabilityObservation;
use crate::domain::vex::{Product, Statement, Subject, VexStatus};

/// The statements that one is: one for each vulnerability that it names.
pub fn statements(mut s: model::Statement, status: VexStatus) -> Vec<Statement> {
    let mut vulnerability = vulnerability(&mut s);
    vulnerability.description = vulnerability.description.or(s.vuln_description.take());
    let template = Statement {
        subjects: subjects(&mut s),
        status,
        justification: s.justification.as_deref().and_then(|j| {
            j.parse().map_err(|e| tracing::debug!(error = %e, "no justification")).ok()
        }),
        impact: s.impact_statement.or(s.status_notes).or(s.statement),
        action: s.action_statement,
        at: s.last_updated.or(s.timestamp),
        vulnerability: VulnerabilityObservation::default(),
    };
    let own = vulnerability.name.as_deref().or(vulnerability.id.as_deref()).map(last_part);
    let settled = ids::settle(own, vulnerability.aliases.iter().map(|a| last_part(a)));
    let link = vulnerability.id.as_deref().and_then(text::to_link);
    let each = settled.into_iter().map(|ids| Statement {
        vulnerability: VulnerabilityObservation {
            id: ids.id,
            aliases: ids.aliases,
            description: vulnerability.description.clone(),
            references: link.iter().cloned().collect(),
            ..VulnerabilityObservation::default()
        },
        ..template.clone()
    });
    each.collect()
}

fn vulnerability(s: &mut model::Statement) -> Vulnerability {
    match s.vulnerability.drain(..).next() {
        Some(Mixed::Object(vulnerability)) => vulnerability,
        Some(Mixed::Name(name)) => Vulnerability { name: Some(name), ..Vulnerability::default() },
        None => Vulnerability::default(),
    }
}

/// The id at the end of an address; what is none stays whole.
fn last_part(name: &str) -> &str {
    if text::to_link(name).is_none() {
        return name;
    }
    name.trim_end_matches('/').rsplit('/').next().unwrap_or(name)
}

fn subjects(s: &mut model::Statement) -> Vec<Subject> {
    let of_statement: Vec<Product> = s
        .subcomponents
        .drain(..)
        .filter_map(|c| match c {
            Mixed::Name(name) => Some(packages::product(&name)),
            Mixed::Object(component) => product(&component),
        })
        .collect();
    let products = s.products.take().map(|p| p.0).unwrap_or_default();
    let subject = |named: model::Product| {
        let (product, own) = match named {
            model::Product::Name(name) => {
                let name = text::to_name(&name).unwrap_or_default()?;
                (packages::product(&name), Vec::new())
            }
            model::Product::Object(object) => {
                let own = object.subcomponents.unwrap_or_default();
                (product(&object.component)?, own.iter().filter_map(product).collect())
            }
        };
        let components = if own.is_empty() { of_statement.clone() } else { own };
        Some(Subject { product, components })
    };
    products.into_iter().filter_map(subject).collect()
}

/// A product by all the names that it has; none if it has no name.
fn product(named: &model::Component) -> Option<Product> {
    let mut found = named.id.as_deref().map(packages::product).unwrap_or_default();
    if let Some(identifiers) = &named.identifiers {
        if let Some(purl) = &identifiers.purl {
            let of_purl = packages::product(purl);
            found.version = found.version.or(of_purl.version);
            found.purl = found.purl.or(of_purl.purl);
            found.digests.extend(of_purl.digests);
        }
        found.cpe = found.cpe.or(identifiers.cpe23.clone()).or(identifiers.cpe22.clone());
    }
    let hashes = named.hashes.iter().flatten();
    found.digests.extend(hashes.filter_map(|(name, hex)| packages::digest_of(name, hex)));
    text::distinct(&mut found.digests);
    (found != Product::default()).then_some(found)
}
