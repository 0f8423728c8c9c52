//! Trying out what columns mean, before that is saved or used.

use std::collections::BTreeMap;

use poem::web::Data;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;

use super::Tag;
use crate::domain::component::Component;
use crate::domain::mapping::{MappedField, Mapping};
use crate::domain::observation::Observation;
use crate::domain::place::Place;
use crate::domain::severity::Severity;
use crate::http::auth::Caller;
use crate::http::{Body, Problem, Reply};
use crate::services::{Core, mappings};

/// A mapping and the beginning of a file.
#[derive(Debug, Object)]
#[oai(deny_unknown_fields)]
pub struct MappingTrial {
    /// What each column means, as in a mapping; it may be empty, to learn the columns.
    #[oai(validator(max_properties = 200))]
    pub columns: BTreeMap<String, MappedField>,
    /// The beginning of a file: CSV, or JSON.
    #[oai(validator(min_length = 1, max_length = 1000000))]
    pub sample: String,
}

/// A column of a file.
#[derive(Debug, Serialize, Object)]
pub struct MappingColumn {
    /// Its name, or the key.
    pub name: String,
    /// What it is taken for by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guess: Option<MappedField>,
}

/// A finding that would come out, or something that would be skipped.
#[derive(Debug, Default, Serialize, Object)]
pub struct MappingRow {
    /// Why it would be skipped; then only its place is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// Where it stands in the file, if it would be skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The asset; absent if the file does not name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
    /// The vulnerability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vulnerability: Option<String>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How bad it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// The component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<Component>,
    /// Where on the asset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The lowest version that is not affected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_version: Option<String>,
}

/// What a mapping would make of a file.
#[derive(Debug, Serialize, Object)]
pub struct MappingPreview {
    /// The columns of the table, or the keys of its first entries.
    pub columns: Vec<MappingColumn>,
    /// The first twenty that come out.
    pub rows: Vec<MappingRow>,
    /// Why there are no more, if that is not because twenty are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Trying mappings out.
pub(super) struct Trials;

#[OpenApi(prefix_path = "/mappings", tag = Tag::Mappings)]
impl Trials {
    /// Preview a mapping
    ///
    /// Says what would come out of a file; nothing is stored.
    #[oai(path = "/preview", method = "post", operation_id = "preview_mapping")]
    async fn preview(
        &self,
        core: Data<&Core>,
        caller: Caller,
        body: Body<MappingTrial>,
    ) -> Result<Reply<MappingPreview>, Problem> {
        let MappingTrial { columns, sample } = body.0;
        let found = mappings::preview(&core, &caller.0, Mapping { columns }, sample).await?;
        let column = |(name, guess)| MappingColumn { name, guess };
        Ok(Reply::new(&MappingPreview {
            columns: found.columns.into_iter().map(column).collect(),
            rows: rows(found.observations),
            problem: found.problem.map(|e| e.to_string()),
        })?)
    }
}

fn rows(observations: Vec<Observation>) -> Vec<MappingRow> {
    let mut asset = None;
    let mut rows = Vec::new();
    for observation in observations {
        match observation {
            Observation::Asset(of) => asset = Some(of.asset_id).filter(|id| !id.is_empty()),
            Observation::Finding(f) => rows.push(MappingRow {
                asset: asset.clone(),
                vulnerability: Some(f.vulnerability.id),
                title: f.vulnerability.title,
                severity: Some(f.severity),
                component: Some(f.component),
                place: Some(f.place),
                fixed_version: f.fixed_version,
                ..MappingRow::default()
            }),
            Observation::Skipped(skip) => rows.push(MappingRow {
                skipped: Some(skip.reason.word().to_owned()),
                at: Some(skip.place),
                ..MappingRow::default()
            }),
            Observation::Report(_)
            | Observation::Component(_)
            | Observation::Service(_)
            | Observation::Advisory(_)
            | Observation::Statement(_) => {}
        }
    }
    rows
}
