//! From the XML of a CycloneDX document to the parts that JSON has too.

use super::model::{
    Advisory, Affected, Analysis, Component, Composition, Evidence, ExternalReference, Facts, Hash,
    Head, Inner, Metadata, Named, Occurrence, Property, Rating, Reference, Tool, Version,
    Vulnerability,
};
use super::{Document, Each};
use crate::adapters::importers::xml::{Element, Event, Node, Xml};
use crate::adapters::importers::{Report, lenient, text};
use crate::base::{Result, Timestamp, limits};

/// A document in XML.
pub struct XmlDocument<'r>(pub &'r Report);

impl XmlDocument<'_> {
    fn open(&self, look: bool) -> Result<Xml> {
        let mut xml = if look { Xml::peek(self.0)? } else { Xml::open(self.0)? };
        let root = xml.next_start()?;
        match root {
            Some(root) if root.name == "bom" => Ok(xml),
            _ => Err(xml.bad("this is no CycloneDX document: its outermost element is not <bom>")),
        }
    }
}

impl Document for XmlDocument<'_> {
    fn head(&self) -> Result<Head> {
        let mut xml = Xml::peek(self.0)?;
        let root = xml.next_start()?.unwrap_or_default();
        if root.name != "bom" {
            return Err(xml.bad("this is no CycloneDX document: there is no <bom> outermost"));
        }
        let mut head = Head {
            serial_number: name(root.attr("serialNumber")),
            version: name(root.attr("version")),
            ..Head::default()
        };
        while let Some(start) = xml.next_start()? {
            match start.name.as_str() {
                "metadata" => head.metadata = Some(metadata(&node(&mut xml, start)?)),
                "compositions" => head.compositions = compositions(&xml.node(start)?),
                _ => xml.skip()?,
            }
        }
        Ok(head)
    }

    fn components(&self, look: bool, each: &mut Each<'_, Component>) -> Result<()> {
        let mut xml = self.open(look)?;
        while let Some(start) = xml.next_start()? {
            match start.name.as_str() {
                "components" => for_each(&mut xml, "component", &mut |xml, start| {
                    let component =
                        component(xml, start, &mut |place, c| each(place, facts(&c.0)))?;
                    each(&xml.place(), facts(&component.0))
                })?,
                "metadata" => {
                    let metadata = node(&mut xml, start)?;
                    let nested = metadata.at(&["component", "components"]);
                    for node in nested.into_iter().flat_map(|n| n.all("component")) {
                        each(&xml.place(), nested_component(node))?;
                    }
                }
                _ => xml.skip()?,
            }
        }
        Ok(())
    }

    fn vulnerabilities(&self, look: bool, each: &mut Each<'_, Vulnerability>) -> Result<()> {
        let mut xml = self.open(look)?;
        while let Some(start) = xml.next_start()? {
            match start.name.as_str() {
                "components" => for_each(&mut xml, "component", &mut |xml, start| {
                    let component = component(xml, start, &mut |place, c| inner(c, place, each))?;
                    inner(component, &xml.place(), each)
                })?,
                "vulnerabilities" => for_each(&mut xml, "vulnerability", &mut |xml, start| {
                    let node = node(xml, start)?;
                    each(&xml.place(), vulnerability(&node, None))
                })?,
                _ => xml.skip()?,
            }
        }
        Ok(())
    }
}

/// A component's own node, without the components in it.
struct Own(Node);

/// Calls `each` for every element of that name in the one that has just begun.
fn for_each(
    xml: &mut Xml,
    name: &str,
    each: &mut dyn FnMut(&mut Xml, Element) -> Result<()>,
) -> Result<()> {
    let depth = xml.path().len();
    while let Some(event) = xml.next()? {
        match event {
            Event::Start(start) if start.name == name => each(xml, start)?,
            Event::Start(_) => xml.skip()?,
            Event::End(_) if xml.path().len() < depth => return Ok(()),
            Event::End(_) | Event::Text(_) => {}
        }
    }
    Ok(())
}

/// Reads a component; those in it go to `each`, so that a tree is never whole in memory.
fn component(xml: &mut Xml, start: Element, each: &mut Each<'_, Own>) -> Result<Own> {
    let depth = xml.path().len();
    let mut own = Node { element: start, ..Node::default() };
    while let Some(event) = xml.next()? {
        match event {
            Event::Start(start) if start.name == "components" => {
                for_each(xml, "component", &mut |xml, start| {
                    let inner = component(xml, start, each)?;
                    each(&xml.place(), inner)
                })?;
            }
            Event::Start(start) => own.children.push(node(xml, start)?),
            Event::End(_) if xml.path().len() < depth => break,
            Event::End(_) | Event::Text(_) => {}
        }
    }
    Ok(Own(own))
}

fn nested_component(node: &Node) -> Component {
    let inner = node.child("components").into_iter().flat_map(|n| n.all("component"));
    Component { components: Inner(Some(inner.map(nested_component).collect())), ..facts(node) }
}

/// The vulnerabilities that stand inside of a component.
fn inner(own: Own, place: &str, each: &mut Each<'_, Vulnerability>) -> Result<()> {
    let Some(vulnerabilities) = own.0.child("vulnerabilities") else { return Ok(()) };
    let facts = facts(&own.0);
    for node in vulnerabilities.all("vulnerability") {
        each(place, vulnerability(node, Some(&facts)))?;
    }
    Ok(())
}

/// The whole element that has just begun. What identifies something is never cut, so names
/// that are too long are an error.
fn node(xml: &mut Xml, start: Element) -> Result<Node> {
    let node = xml.node(start)?;
    if let Some(bytes) = long_name(&node) {
        let max = limits::NAME_BYTES;
        return Err(xml.bad(&format!("a name of {bytes} bytes, longer than {max}")));
    }
    Ok(node)
}

/// Bytes of a name in `node` that is too long.
fn long_name(node: &Node) -> Option<usize> {
    let names = ["id", "ref", "name", "version", "purl", "cpe", "group", "location", "range"];
    let is_long = |text: &str| text.trim().len() > limits::NAME_BYTES;
    let is_name = names.contains(&node.name()) && is_long(&node.text);
    let of_attributes = node.element.attributes.iter().map(|(_, value)| value);
    let own = Some(&node.text).filter(|_| is_name);
    own.or(of_attributes.into_iter().find(|value| is_long(value)))
        .map(String::len)
        .or_else(|| node.children.iter().find_map(long_name))
}

/// A name; those that are too long have been refused.
fn name(text: Option<&str>) -> Option<String> {
    text.and_then(|t| text::to_name(t).unwrap_or_default())
}

fn line(text: Option<&str>) -> Option<String> {
    text.and_then(text::to_line)
}

fn long(node: &Node, child: &str) -> Option<String> {
    node.text_of(child).and_then(text::to_text)
}

fn time(node: &Node, child: &str) -> Option<Timestamp> {
    node.text_of(child).and_then(lenient::to_time)
}

/// The children of a list, up to the limit.
fn children<'n>(node: &'n Node, list: &str, child: &'n str) -> impl Iterator<Item = &'n Node> {
    let nodes = node.child(list).into_iter().flat_map(move |n| n.all(child));
    nodes.take(limits::LIST_VALUES)
}

fn metadata(node: &Node) -> Metadata {
    let tool = |n: &Node| Tool {
        name: name(n.text_of("name")),
        version: name(n.text_of("version")),
        ..Tool::default()
    };
    let mut tools: Vec<Tool> = children(node, "tools", "tool").map(tool).collect();
    if let Some(list) = node.child("tools") {
        tools.extend(children(list, "components", "component").map(tool));
        tools.extend(children(list, "services", "service").map(tool));
    }
    Metadata {
        timestamp: time(node, "timestamp"),
        tools,
        authors: children(node, "authors", "author").map(named).collect(),
        manufacturer: node.child("manufacturer").map(named),
        supplier: node.child("supplier").map(named),
        component: node.child("component").map(facts),
    }
}

fn compositions(node: &Node) -> Vec<Composition> {
    let all = node.all("composition").take(limits::LIST_VALUES);
    all.map(|c| Composition { aggregate: line(c.text_of("aggregate")) }).collect()
}

/// In the old extension a name is an attribute.
fn named(node: &Node) -> Named {
    Named {
        name: line(node.text_of("name").or(node.attr("name"))),
        url: node.text_of("url").and_then(text::to_link),
    }
}

fn facts<C: Default>(node: &Node) -> Facts<C> {
    let occurrences = node.child("evidence").map(|e| Evidence {
        occurrences: children(e, "occurrences", "occurrence")
            .map(|o| Occurrence { location: name(o.text_of("location")) })
            .collect(),
    });
    let reference =
        |r: &Node| ExternalReference { kind: line(r.attr("type")), url: line(r.text_of("url")) };
    let property =
        |p: &Node| Property { name: line(p.attr("name")), value: p.text().and_then(text::to_text) };
    Facts {
        reference: name(node.attr("bom-ref")),
        kind: name(node.attr("type")),
        group: name(node.text_of("group")),
        name: name(node.text_of("name")),
        version: name(node.text_of("version")),
        purl: name(node.text_of("purl")),
        cpe: name(node.text_of("cpe")),
        hashes: children(node, "hashes", "hash")
            .map(|h| Hash { alg: line(h.attr("alg")), content: line(h.text()) })
            .collect(),
        properties: children(node, "properties", "property").map(property).collect(),
        evidence: occurrences,
        external_references: children(node, "externalReferences", "reference")
            .map(reference)
            .collect(),
        components: C::default(),
    }
}

/// A vulnerability; `within` is the component that it stands in. In the old extension the
/// attribute `ref` is the component's name otherwise.
fn vulnerability(node: &Node, within: Option<&Facts>) -> Vulnerability {
    let reference =
        |n: &Node| Reference { id: line(n.text_of("id")), source: n.child("source").map(named) };
    let advisory =
        |n: &Node| Advisory { url: n.text_of("url").or(n.text()).and_then(text::to_link) };
    let recommendations = || {
        let all = children(node, "recommendations", "recommendation").filter_map(Node::text);
        text::to_text(&all.collect::<Vec<_>>().join("\n"))
    };
    Vulnerability {
        id: name(node.text_of("id")),
        source: node.child("source").map(named),
        references: children(node, "references", "reference").map(reference).collect(),
        ratings: children(node, "ratings", "rating").map(rating).collect(),
        cwes: children(node, "cwes", "cwe")
            .filter_map(|c| lenient::to_weakness(c.text()?))
            .collect(),
        description: long(node, "description"),
        detail: long(node, "detail"),
        recommendation: long(node, "recommendation").or_else(recommendations),
        workaround: long(node, "workaround"),
        advisories: children(node, "advisories", "advisory").map(advisory).collect(),
        published: time(node, "published"),
        updated: time(node, "updated"),
        analysis: node.child("analysis").map(analysis),
        affects: Some(affects(node, within)),
    }
}

fn affects(node: &Node, within: Option<&Facts>) -> Vec<Affected> {
    if let Some(component) = within {
        return vec![Affected { component: Some(component.clone()), ..Affected::default() }];
    }
    let version = |n: &Node| Version {
        version: name(n.text_of("version")),
        range: name(n.text_of("range")),
        status: line(n.text_of("status")),
    };
    let target = |n: &Node| Affected {
        reference: name(n.text_of("ref")),
        versions: n.child("versions").map(|v| v.all("version").map(version).collect()),
        component: None,
    };
    let of_attribute = node.attr("ref").filter(|_| node.child("affects").is_none());
    let of_attribute = of_attribute
        .map(|reference| Affected { reference: name(Some(reference)), ..Affected::default() });
    let targets = node.child("affects").into_iter().flat_map(|n| n.all("target")).map(target);
    targets.chain(of_attribute).collect()
}

/// In the old extension the score is an element with a base score in it.
fn rating(node: &Node) -> Rating {
    let score = node.text_of("score").or_else(|| node.at(&["score", "base"])?.text());
    let score = score.map(|s| s.parse().map_err(|e| tracing::trace!(error = %e, "no score")));
    Rating {
        source: node.child("source").map(named),
        score: score.and_then(Result::ok),
        severity: node.text_of("severity").map(lenient::to_severity).unwrap_or_default(),
        method: line(node.text_of("method")),
        vector: line(node.text_of("vector")),
    }
}

fn analysis(node: &Node) -> Analysis {
    let responses = children(node, "responses", "response");
    Analysis {
        state: line(node.text_of("state")),
        justification: line(node.text_of("justification")),
        response: responses.filter_map(|r| line(r.text())).collect(),
        detail: long(node, "detail"),
        first_issued: time(node, "firstIssued"),
        last_updated: time(node, "lastUpdated"),
    }
}
