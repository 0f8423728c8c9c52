//! An inventory as a `CycloneDX` 1.6 document, as our importer and other tools read it. There
//! is no serial number: the same host with the same packages is the same document, but for
//! its time.

use serde_json::{Value, json};

use super::Host;
use crate::base::Timestamp;
use crate::domain::component::Component;

/// The document of what was found at `at`.
#[must_use]
pub fn document(host: &Host, at: Timestamp, version: &str) -> Value {
    let mut components: Vec<Value> = Vec::with_capacity(host.components.len() + 1);
    if let Some(id) = &host.os_id {
        let mut system = json!({"bom-ref": "system", "type": "operating-system", "name": id});
        set(&mut system, "version", host.os_version.as_ref());
        set(&mut system, "description", host.os_name.as_ref());
        components.push(system);
    }
    let packages = host.components.iter().enumerate();
    components.extend(packages.map(|(number, c)| component(number + 1, c)));
    let aggregate = if host.missed.is_empty() { "complete" } else { "incomplete" };
    let references: Vec<&Value> = components.iter().map(|c| &c["bom-ref"]).collect();
    let composition = json!({"aggregate": aggregate, "assemblies": references});
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": at,
            "tools": {"components": [{"type": "application", "name": "vulnzero", "version": version}]},
            "component": subject(host),
        },
        "components": components,
        "compositions": [composition],
    })
}

fn subject(host: &Host) -> Value {
    let name = host.name.as_deref().unwrap_or("localhost");
    let mut properties = Vec::new();
    let mut add = |name: &str, value: &str| properties.push(json!({"name": name, "value": value}));
    if let Some(kernel) = &host.kernel {
        add("vulnzero:kernel", kernel);
    }
    host.deleted.iter().for_each(|library| add("vulnzero:deleted_library", library));
    host.missed.iter().for_each(|what| add("vulnzero:missed", what));
    json!({"bom-ref": "host", "type": "operating-system", "name": name, "properties": properties})
}

fn component(number: usize, c: &Component) -> Value {
    let mut json =
        json!({"bom-ref": format!("package-{number}"), "type": "library", "name": c.name});
    set(&mut json, "version", c.version.as_ref());
    set(&mut json, "purl", c.purl.as_ref());
    let properties: Vec<Value> = [
        ("vulnzero:source_package", &c.source_package),
        ("vulnzero:source_version", &c.source_version),
        ("vulnzero:architecture", &c.architecture),
        ("vulnzero:ecosystem", &c.ecosystem),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(json!({"name": name, "value": value.as_ref()?})))
    .collect();
    json["properties"] = json!(properties);
    if let Some(path) = &c.path {
        json["evidence"] = json!({"occurrences": [{"location": path}]});
    }
    json
}

fn set(json: &mut Value, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        json[name] = json!(value);
    }
}
