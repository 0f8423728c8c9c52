//! Reading a document: first what is referred to and what there is, then everything in
//! order. The rules stand in the header of the parent module.

use super::assets::{self, Census};
use super::components::{self, Index, Known};
use super::model::{Component, Head, Vulnerability};
use super::{Document, statements, vulnerabilities};
use crate::adapters::importers::emit::Emitter;
use crate::adapters::importers::{Report, Sink};
use crate::base::Result;
use crate::domain::observation::{ReportInfo, SkipReason};

/// Imports a document.
pub fn import(report: &Report, document: &dyn Document, sink: &mut Sink<'_>) -> Result<()> {
    let head = document.head()?;
    let mut index = Index::new();
    let (mut listed, mut open) = (0_u64, 0_u64);
    document.vulnerabilities(true, &mut |_, vulnerability| {
        listed += 1;
        open += u64::from(!statements::is_closed(&vulnerability));
        let affected = vulnerability.affects.unwrap_or_default();
        let mut references = affected.iter().filter_map(|a| a.reference.as_deref());
        references.try_for_each(|reference| index.want(reference))
    })?;
    let subject = head.metadata.as_ref().and_then(|m| m.component.as_ref());
    subject.map_or(Ok(()), |subject| index.offer(subject))?;
    let mut census = Census::default();
    document.components(true, &mut |_, component| {
        for_each(component, &mut |facts| {
            census.add(facts);
            index.offer(facts)
        })
    })?;

    let context = Context {
        has_components: census.components > 0,
        subject: subject.map(Known::of),
        scanner: scanner(&head).0,
        index,
    };
    let mut emitter = Emitter::begin(report, sink, info(&head))?;
    if context.has_components || (subject.is_some() && listed == 0) {
        emitter.asset(assets::asset(&head, census, open > 0))?;
    }
    document.components(false, &mut |place, component| {
        for_each(component, &mut |facts| emit_component(facts, place, &mut emitter))
    })?;
    document.vulnerabilities(false, &mut |place, vulnerability| {
        context.emit(&vulnerability, place, &mut emitter)
    })
}

/// Calls `each` for a component and all that lie in it.
fn for_each(component: Component, each: &mut dyn FnMut(&Component) -> Result<()>) -> Result<()> {
    let mut component = component;
    let inner = component.components.0.take().unwrap_or_default();
    each(&component)?;
    inner.into_iter().try_for_each(|inner| for_each(inner, each))
}

fn emit_component(facts: &Component, place: &str, emitter: &mut Emitter<'_>) -> Result<()> {
    match components::component(facts) {
        None => emitter.skip(SkipReason::Unidentified, place),
        Some(_) if !components::is_package(facts) => emitter.skip(SkipReason::Informational, place),
        Some(component) => emitter.component(component),
    }
}

/// The tool that made the document, and its version.
fn scanner(head: &Head) -> (String, Option<String>) {
    let tools = head.metadata.iter().flat_map(|m| &m.tools);
    let mut tools = tools.flat_map(|t| [t].into_iter().chain(&t.components).chain(&t.services));
    let tool = tools.find_map(|tool| Some((tool.name.as_ref()?, tool.version.clone())));
    tool.map_or(("cyclonedx".to_owned(), None), |(name, version)| (name.to_lowercase(), version))
}

fn info(head: &Head) -> ReportInfo {
    let (scanner, scanner_version) = scanner(head);
    let metadata = head.metadata.as_ref();
    let author = metadata.and_then(|m| {
        let mut named = m.authors.iter().chain(&m.manufacturer).chain(&m.supplier);
        named.find_map(|n| n.name.clone())
    });
    ReportInfo {
        scanner,
        scanner_version,
        created_at: metadata.and_then(|m| m.timestamp),
        author,
        document_id: head.serial_number.clone(),
    }
}

/// What is known of the document when its vulnerabilities come.
pub struct Context {
    /// It describes an asset with components, so that vulnerabilities are findings.
    pub has_components: bool,
    /// What it describes.
    pub subject: Option<Known>,
    /// The tool that made it.
    pub scanner: String,
    /// The components that are referred to.
    pub index: Index,
}

impl Context {
    fn emit(&self, v: &Vulnerability, place: &str, emitter: &mut Emitter<'_>) -> Result<()> {
        let observed = vulnerabilities::observations(v);
        if observed.is_empty() {
            return emitter.skip(SkipReason::Unidentified, place);
        }
        let verdicts = statements::verdicts(v, self);
        if verdicts.unknown > 0 {
            emitter.skip(SkipReason::Unidentified, place)?;
        }
        for vulnerability in observed {
            for component in &verdicts.findings {
                let component = component.clone();
                emitter.finding(vulnerabilities::finding(v, &vulnerability, component, self))?;
            }
            for statement in &verdicts.statements {
                emitter.statement(statements::with(statement, v, &vulnerability))?;
            }
            if verdicts.findings.is_empty() && verdicts.statements.is_empty() {
                emitter.advisory(vulnerability)?;
            }
        }
        Ok(())
    }
}
