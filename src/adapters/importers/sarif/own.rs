//! What our own exports say beside SARIF's words, in properties named `vulnzero`. Whatever
//! comes from a file may be forged, so it is held to the same limits as everything else.

use serde::Deserialize;

use super::head::Run;
use super::model::Entry;
use crate::adapters::importers::{lenient, packages, text};
use crate::base::{Code, Error, Result};
use crate::domain::asset::AssetType;
use crate::domain::component::Component;
use crate::domain::observation::FindingObservation;
use crate::domain::place::Place;
use crate::domain::scan::ScanKind;
use crate::domain::severity::Severity;

/// The name of our tool as it stands in a run, in lower case.
pub const TOOL: &str = "vulnzero";

/// Of a result.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Own {
    #[serde(deserialize_with = "lenient::object")]
    pub component: Option<Component>,
    #[serde(deserialize_with = "lenient::object")]
    pub place: Option<Place>,
    #[serde(deserialize_with = "lenient::severity")]
    pub severity: Severity,
    #[serde(deserialize_with = "lenient::name")]
    pub fixed_version: Option<String>,
}

/// Of a run.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OwnRun {
    #[serde(deserialize_with = "lenient::name")]
    pub asset: Option<String>,
    #[serde(rename = "type", deserialize_with = "lenient::name")]
    kind: Option<String>,
}

impl OwnRun {
    /// The kind of asset; another for a word that is none.
    pub fn asset_type(&self) -> AssetType {
        let known = |word: &str| AssetType::ALL.iter().copied().find(|t| t.word() == word);
        self.kind.as_deref().and_then(known).unwrap_or_default()
    }
}

fn of(entry: &Entry) -> Option<(&Own, &Component)> {
    let own = entry.properties.as_ref()?.vulnzero.as_ref()?;
    Some((own, own.component.as_ref()?))
}

/// Whether a result is one of ours.
pub fn is_of(entry: &Entry, run: &Run) -> bool {
    run.tool == TOOL && of(entry).is_some()
}

/// What it says about component and place.
pub fn finding(entry: &Entry) -> Result<FindingObservation> {
    let Some((own, component)) = of(entry) else { return Ok(FindingObservation::default()) };
    let mut component = component.clone();
    let Component {
        name,
        version,
        purl,
        ecosystem,
        source_package,
        source_version,
        architecture,
        cpe,
        path,
        layer,
    } = &mut component;
    let optional =
        [version, purl, ecosystem, source_package, source_version, architecture, cpe, path, layer];
    for text in optional {
        *text = clean(text.take())?;
    }
    *name = clean(Some(std::mem::take(name)))?.unwrap_or_else(|| "unnamed".to_owned());
    if component.purl.is_some() {
        packages::complete(&mut component);
    }
    let mut place = own.place.clone().unwrap_or_default();
    for text in [&mut place.protocol, &mut place.url, &mut place.fingerprint] {
        *text = clean(text.take())?;
    }
    Ok(FindingObservation {
        scan: scan(&component, &place),
        component,
        place,
        fixed_version: own.fixed_version.clone(),
        severity: own.severity,
        ..FindingObservation::default()
    })
}

/// The kind of scan that finds such a thing.
fn scan(component: &Component, place: &Place) -> ScanKind {
    match () {
        () if component.ecosystem.is_some() => {
            ScanKind::of_ecosystem(component.ecosystem.as_deref())
        }
        () if place.url.is_some() => ScanKind::Web,
        () if place.port.is_some() => ScanKind::Network,
        () => ScanKind::Code,
    }
}

fn clean(text: Option<String>) -> Result<Option<String>> {
    let clean = text.map_or(Ok(None), |text| text::to_name(&text));
    clean.map_err(|what| Error::new(Code::BadReport, format!("{what}, in properties.vulnzero")))
}
