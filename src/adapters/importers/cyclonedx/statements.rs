//! What a vulnerability's analysis says about each component that it affects: a finding, or
//! a statement. The rules stand in the header of the parent module.

use super::components::Known;
use super::import::Context;
use super::model::{Affected, Version, Vulnerability};
use crate::domain::component::Component;
use crate::domain::observation::VulnerabilityObservation;
use crate::domain::vex::{Justification, Product, Statement, Subject, VexStatus};

/// What a vulnerability means, component by component.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// On these it is a finding.
    pub findings: Vec<Component>,
    /// These are stated.
    pub statements: Vec<Statement>,
    /// So many references lead nowhere.
    pub unknown: u64,
}

/// What the analysis says; none says that it is affected.
fn status(v: &Vulnerability) -> VexStatus {
    match v.analysis.as_ref().and_then(|a| a.state.as_deref()) {
        Some("not_affected" | "false_positive") => VexStatus::NotAffected,
        Some("resolved" | "resolved_with_pedigree") => VexStatus::Fixed,
        Some("in_triage") => VexStatus::UnderInvestigation,
        _ => VexStatus::Affected,
    }
}

/// Whether nothing is left to do.
pub fn is_closed(v: &Vulnerability) -> bool {
    matches!(status(v), VexStatus::NotAffected | VexStatus::Fixed)
}

/// Takes the verdicts out of a vulnerability.
pub fn verdicts(v: &Vulnerability, context: &Context) -> Verdicts {
    let (status, is_closed) = (status(v), is_closed(v));
    let mut verdicts = Verdicts::default();
    let affected = v.affects.as_deref().unwrap_or_default();
    for affected in affected {
        let Some(known) = known(affected, context) else {
            verdicts.unknown += 1;
            continue;
        };
        let versions = versions(affected, &known, status, context);
        let is_affected = versions.iter().any(|(s, _)| *s != VexStatus::NotAffected);
        for (status, version) in versions {
            let is_statement = matches!(status, VexStatus::NotAffected | VexStatus::Fixed)
                || !context.has_components;
            if is_statement {
                verdicts.state(status, subject(&known, version, context));
            }
        }
        if context.has_components && !is_closed && is_affected {
            match known.component {
                Some(component) => verdicts.findings.push(component),
                None => verdicts.unknown += 1,
            }
        }
    }
    if affected.is_empty() && (is_closed || !context.has_components) {
        verdicts.statements.push(Statement { status, ..Statement::default() });
    }
    verdicts
}

impl Verdicts {
    fn state(&mut self, status: VexStatus, subject: Subject) {
        match self.statements.iter_mut().find(|s| s.status == status) {
            Some(statement) => statement.subjects.push(subject),
            None => self.statements.push(Statement {
                status,
                subjects: vec![subject],
                ..Statement::default()
            }),
        }
    }
}

/// The component that is affected; none if nothing tells which.
fn known(affected: &Affected, context: &Context) -> Option<Known> {
    if let Some(facts) = &affected.component {
        return Some(Known::of(facts));
    }
    let reference = affected.reference.as_deref()?;
    let found = context.index.find(reference).cloned();
    Some(found.unwrap_or_else(|| Known::of_reference(reference)))
}

/// The versions that are named, with what is said about each; none named is all.
///
/// What the analysis says of a component in a product goes before what affects the package
/// in general. A document that holds the component knows its version, and only what is said
/// of that one counts.
fn versions(
    affected: &Affected,
    known: &Known,
    status: VexStatus,
    context: &Context,
) -> Vec<(VexStatus, Option<String>)> {
    let is_closed = matches!(status, VexStatus::NotAffected | VexStatus::Fixed);
    let of_version = |v: &Version| match v.status.as_deref() {
        _ if is_closed => status,
        Some("unaffected") => VexStatus::NotAffected,
        Some("unknown") => VexStatus::UnderInvestigation,
        _ => status,
    };
    let named = affected.versions.as_deref().unwrap_or_default();
    if let Some(own) = known.product.version.as_ref().filter(|_| context.has_components) {
        let same = named.iter().find(|v| v.version.as_ref() == Some(own));
        return vec![(same.map_or(status, of_version), Some(own.clone()))];
    }
    let version = |v: &Version| v.version.clone().or_else(|| v.range.clone());
    let named = named.iter().filter_map(|v| Some((of_version(v), Some(version(v)?))));
    let named: Vec<_> = named.collect();
    if named.is_empty() { vec![(status, known.product.version.clone())] } else { named }
}

/// A component in what the document describes, or by itself.
fn subject(known: &Known, version: Option<String>, context: &Context) -> Subject {
    let product = Product { version, ..known.product.clone() };
    match &context.subject {
        Some(subject) if subject.product != known.product => {
            Subject { product: subject.product.clone(), components: vec![product] }
        }
        _ => Subject { product, components: Vec::new() },
    }
}

/// The statement with all that the document says of one of its vulnerabilities.
pub fn with(
    statement: &Statement,
    v: &Vulnerability,
    vulnerability: &VulnerabilityObservation,
) -> Statement {
    let analysis = v.analysis.as_ref();
    let response = analysis.map(|a| a.response.join(", ")).filter(|r| !r.is_empty());
    let recommended = v.recommendation.clone().or_else(|| v.workaround.clone());
    let is_not_affected = statement.status == VexStatus::NotAffected;
    let justification = analysis.and_then(|a| a.justification.as_deref());
    Statement {
        vulnerability: vulnerability.clone(),
        justification: justification
            .filter(|_| is_not_affected)
            .and_then(Justification::of_cyclonedx),
        impact: analysis.and_then(|a| a.detail.clone()),
        action: recommended.or(response),
        at: analysis.and_then(|a| a.last_updated.or(a.first_issued)),
        ..statement.clone()
    }
}
