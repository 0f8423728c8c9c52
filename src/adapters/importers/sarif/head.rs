//! The first pass: the facts about each run that its results refer to. Results are skipped
//! but for the message of the first, in which Grype names what it scanned.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess};

use super::model::{
    Artifact, ArtifactLocation, Invocation, Message, Revision, Rule, RunProperties,
};
use super::rules::{RuleFacts, Rules};
use crate::adapters::importers::json::{self, Array, Fields, Items, Object};
use crate::adapters::importers::kept::Kept;
use crate::adapters::importers::{Report, by_name, lenient, text};
use crate::base::{Code, Error, Result, Timestamp};
use crate::domain::observation::ReportInfo;

/// What the first pass has found.
#[derive(Debug, Default)]
pub struct Head {
    /// The runs in their order.
    pub runs: Vec<Run>,
}

/// What is known of one run.
#[derive(Debug, Default)]
pub struct Run {
    /// The tool's name, lower case.
    pub tool: String,
    pub version: Option<String>,
    pub rules: Rules,
    /// Base addresses by their ids.
    pub bases: HashMap<String, ArtifactLocation>,
    pub artifacts: Vec<ArtifactLocation>,
    pub invocations: Vec<Invocation>,
    pub revisions: Vec<Revision>,
    pub properties: RunProperties,
    /// It has results, or an empty list of them.
    pub has_results: bool,
    /// What the first result says.
    pub first_message: Option<String>,
}

impl Run {
    /// Whether its tool found no fault with itself.
    pub fn is_whole(&self) -> bool {
        let failed = |i: &Invocation| {
            let is_error = |level: &Option<String>| level.as_deref() == Some("error");
            i.execution_successful.as_deref() == Some("false")
                || i.tool_execution_notifications.iter().any(|n| is_error(&n.level))
        };
        self.has_results && !self.invocations.iter().any(failed)
    }

    /// Whether what its tool finds are secrets.
    pub fn is_for_secrets(&self) -> bool {
        let tools =
            ["gitleaks", "trufflehog", "detect-secrets", "ggshield", "kingfisher", "secret"];
        tools.iter().any(|t| self.tool.contains(t))
    }

    fn time(&self) -> Option<Timestamp> {
        let end = self.invocations.iter().filter_map(|i| i.end_time_utc).max();
        end.or_else(|| self.invocations.iter().filter_map(|i| i.start_time_utc).max())
    }
}

impl Head {
    /// Who made the report.
    pub fn info(&self) -> ReportInfo {
        let mut tools: Vec<&str> = self.runs.iter().map(|run| run.tool.as_str()).collect();
        tools.sort_unstable();
        tools.dedup();
        tools.retain(|tool| !tool.is_empty());
        let one = tools.len() == 1;
        let scanner = if tools.is_empty() { "sarif".to_owned() } else { tools.join("+") };
        let version = self.runs.iter().find_map(|run| run.version.clone()).filter(|_| one);
        ReportInfo {
            scanner: scanner[..scanner.floor_char_boundary(200)].to_owned(),
            scanner_version: version,
            created_at: self.runs.iter().filter_map(Run::time).max(),
            ..ReportInfo::default()
        }
    }
}

/// Reads the facts.
pub fn read(report: &Report) -> Result<Head> {
    let mut facts = Facts::default();
    let again = || Some(Pass(Facts::default()));
    let result = json::parse(report, report.peek()?, Object(&mut facts), again);
    if let Some(error) = facts.refused {
        return Err(error);
    }
    result?;
    if !facts.has_runs {
        return Err(Error::new(Code::BadReport, "this is no SARIF log: it has no runs"));
    }
    for run in &mut facts.runs {
        run.rules.finish(&run.tool);
    }
    Ok(Head { runs: facts.runs })
}

/// The pass as a seed that owns its facts: for finding the path of an error.
struct Pass(Facts);

impl<'de> DeserializeSeed<'de> for Pass {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, d: D) -> Result<(), D::Error> {
        Object(&mut self.0).deserialize(d)
    }
}

/// Everything so far; the last run is the one that is read.
struct Facts {
    runs: Vec<Run>,
    has_runs: bool,
    kept: Kept,
    refused: Option<Error>,
}

impl Default for Facts {
    fn default() -> Self {
        let kept = Kept::new("rules and files");
        Self { runs: Vec::new(), has_runs: false, kept, refused: None }
    }
}

impl Facts {
    fn run(&mut self) -> &mut Run {
        if self.runs.is_empty() {
            self.runs.push(Run::default());
        }
        let last = self.runs.len() - 1;
        &mut self.runs[last]
    }

    /// Counts what is kept.
    fn keep<E: serde::de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        self.kept.add(bytes).map_err(|error| self.refuse(error))
    }

    /// Ends the pass; serde carries only the text of an error.
    fn refuse<E: serde::de::Error>(&mut self, error: Error) -> E {
        let text = error.to_string();
        self.refused = Some(error);
        E::custom(text)
    }
}

#[derive(Deserialize)]
struct Text(#[serde(deserialize_with = "lenient::line")] Option<String>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum LogKey {
    Version,
    Runs,
    #[serde(other)]
    Other,
}

impl Fields for Facts {
    type Key = LogKey;

    fn field<'de, A: MapAccess<'de>>(&mut self, key: LogKey, map: &mut A) -> Result<(), A::Error> {
        match key {
            LogKey::Version => {
                let version = map.next_value::<Text>()?.0;
                if let Some(version) = version.filter(|v| !v.starts_with("2.1")) {
                    let version = text::clip(&version, 40);
                    let detail = format!("SARIF version '{version}' is not read, only 2.1.0");
                    return Err(self.refuse(Error::new(Code::BadReport, detail)));
                }
            }
            LogKey::Runs => {
                self.has_runs = true;
                map.next_value_seed(Array(&mut RunItems(self)))?;
            }
            LogKey::Other => _ = map.next_value::<IgnoredAny>()?,
        }
        Ok(())
    }
}

struct RunItems<'f>(&'f mut Facts);

impl Items for RunItems<'_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        self.0.keep(size_of::<Run>())?;
        self.0.runs.push(Run::default());
        Object(&mut RunFields(self.0)).deserialize(element)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum RunKey {
    Tool,
    OriginalUriBaseIds,
    VersionControlProvenance,
    Invocations,
    Artifacts,
    Properties,
    Results,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Bases(#[serde(deserialize_with = "by_name::objects")] Vec<(String, ArtifactLocation)>);

#[derive(Deserialize)]
struct Revisions(#[serde(deserialize_with = "lenient::list")] Vec<Revision>);

#[derive(Deserialize)]
struct Invocations(#[serde(deserialize_with = "lenient::list")] Vec<Invocation>);

#[derive(Deserialize)]
struct OfRun(#[serde(deserialize_with = "lenient::object")] Option<RunProperties>);

struct RunFields<'f>(&'f mut Facts);

impl Fields for RunFields<'_> {
    type Key = RunKey;

    fn field<'de, A: MapAccess<'de>>(&mut self, key: RunKey, map: &mut A) -> Result<(), A::Error> {
        let facts = &mut *self.0;
        match key {
            RunKey::Tool => map.next_value_seed(Object(&mut ToolFields(facts)))?,
            RunKey::OriginalUriBaseIds => {
                let bases = map.next_value::<Bases>()?.0;
                facts.keep(bases.iter().map(|(id, b)| id.len() + length(b.uri.as_ref())).sum())?;
                facts.run().bases.extend(bases);
            }
            RunKey::VersionControlProvenance => {
                facts.run().revisions = map.next_value::<Revisions>()?.0;
            }
            RunKey::Invocations => facts.run().invocations = map.next_value::<Invocations>()?.0,
            RunKey::Artifacts => map.next_value_seed(Array(&mut ArtifactItems(facts)))?,
            RunKey::Properties => {
                facts.run().properties = map.next_value::<OfRun>()?.0.unwrap_or_default();
            }
            RunKey::Results => {
                let mut results = ResultItems::default();
                map.next_value_seed(Array(&mut results))?;
                facts.run().has_results |= results.is_list;
                facts.run().first_message = results.first;
            }
            RunKey::Other => _ = map.next_value::<IgnoredAny>()?,
        }
        Ok(())
    }
}

fn length(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
}

struct ArtifactItems<'f>(&'f mut Facts);

impl Items for ArtifactItems<'_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let artifact = Artifact::deserialize(element)?;
        let location = artifact.location.unwrap_or_default();
        self.0.keep(length(location.uri.as_ref()))?;
        self.0.run().artifacts.push(location);
        Ok(())
    }
}

/// The message of a result.
#[derive(Deserialize)]
struct Said {
    #[serde(default, deserialize_with = "lenient::object")]
    message: Option<Message>,
}

#[derive(Default)]
struct ResultItems {
    is_list: bool,
    first: Option<String>,
}

impl Items for ResultItems {
    fn begin(&mut self) {
        self.is_list = true;
    }

    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        if self.first.is_none() {
            let said = Said::deserialize(element)?.message.unwrap_or_default();
            self.first = Some(said.text.unwrap_or_default());
        } else {
            IgnoredAny::deserialize(element)?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ToolKey {
    Driver,
    Extensions,
    #[serde(other)]
    Other,
}

struct ToolFields<'f>(&'f mut Facts);

impl Fields for ToolFields<'_> {
    type Key = ToolKey;

    fn field<'de, A: MapAccess<'de>>(&mut self, key: ToolKey, map: &mut A) -> Result<(), A::Error> {
        match key {
            ToolKey::Driver => {
                let mut driver = ComponentFields { facts: self.0, extension: None };
                map.next_value_seed(Object(&mut driver))?;
            }
            ToolKey::Extensions => map.next_value_seed(Array(&mut ExtensionItems(self.0)))?,
            ToolKey::Other => _ = map.next_value::<IgnoredAny>()?,
        }
        Ok(())
    }
}

struct ExtensionItems<'f>(&'f mut Facts);

impl Items for ExtensionItems<'_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        self.0.keep(0)?;
        let extension = self.0.run().rules.begin_extension();
        let mut fields = ComponentFields { facts: self.0, extension: Some(extension) };
        Object(&mut fields).deserialize(element)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum ComponentKey {
    Name,
    Version,
    SemanticVersion,
    Rules,
    GlobalMessageStrings,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Messages(#[serde(deserialize_with = "by_name::objects")] Vec<(String, Message)>);

/// The driver, or an extension.
struct ComponentFields<'f> {
    facts: &'f mut Facts,
    extension: Option<usize>,
}

impl Fields for ComponentFields<'_> {
    type Key = ComponentKey;

    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: ComponentKey,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let is_driver = self.extension.is_none();
        match key {
            ComponentKey::Rules => map.next_value_seed(Array(self)),
            ComponentKey::Name if is_driver => {
                let name = map.next_value::<Text>()?.0.unwrap_or_default();
                self.facts.run().tool = name.to_lowercase();
                Ok(())
            }
            ComponentKey::Version | ComponentKey::SemanticVersion if is_driver => {
                let version = map.next_value::<Text>()?.0;
                let known = &mut self.facts.run().version;
                if matches!(key, ComponentKey::Version) || known.is_none() {
                    *known = version.or(known.take());
                }
                Ok(())
            }
            ComponentKey::GlobalMessageStrings => {
                let messages = map.next_value::<Messages>()?.0;
                let texts =
                    messages.into_iter().filter_map(|(id, m)| Some((id, m.said()?.clone())));
                let texts: Vec<_> = texts.collect();
                self.facts.keep(texts.iter().map(|(id, text)| id.len() + text.len()).sum())?;
                self.facts.run().rules.messages.extend(texts);
                Ok(())
            }
            _ => map.next_value::<IgnoredAny>().map(|_| ()),
        }
    }
}

impl Items for ComponentFields<'_> {
    fn item<'de, D: Deserializer<'de>>(&mut self, element: D) -> Result<(), D::Error> {
        let rule = Rule::deserialize(element)?;
        let rule = RuleFacts::of(rule, |bytes| self.facts.kept.has_room(bytes));
        self.facts.keep(rule.size())?;
        let extension = self.extension;
        self.facts.run().rules.add(extension, rule);
        Ok(())
    }
}
