//! Rules: what is kept of them, and how a result finds its own.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::model::{Descriptor, Entry, Message, Properties, Rule};
use super::packages;
use crate::adapters::importers::{ids, lenient, text};

/// Where an argument of a message stands.
static PLACEHOLDER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\{(\d{1,3})\}").expect("the pattern is written here"));

/// Most rules of a run among which a result without one is looked for by its message.
const SEARCHED: usize = 1000;

/// What is kept of a rule.
#[derive(Debug, Default, Clone)]
pub struct RuleFacts {
    pub id: Option<String>,
    pub name: Option<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub link: Option<String>,
    pub level: Option<String>,
    pub score: Option<f64>,
    /// Ids of vulnerability databases, its own first.
    pub advisories: Vec<String>,
    pub weaknesses: Vec<String>,
    pub purls: Vec<String>,
    /// What Grype says in its help.
    pub help: packages::Help,
    pub is_for_secrets: bool,
    messages: Vec<(String, String)>,
}

impl RuleFacts {
    /// What is kept of `rule`; `has_room` says whether texts for people may be kept.
    pub fn of(rule: Rule, has_room: impl Fn(usize) -> bool) -> Self {
        let properties = rule.properties.unwrap_or_default();
        let said = |m: &Option<Message>| m.as_ref().and_then(Message::said).cloned();
        let help = said(&rule.help);
        // Some tools write only an address there.
        let link = help.as_deref().and_then(text::to_link);
        let description =
            said(&rule.full_description).or_else(|| help.clone().filter(|_| link.is_none()));
        let bytes = description.as_ref().map_or(0, String::len);
        let named = rule.id.iter().chain(&rule.deprecated_ids).chain(&properties.cve);
        let advisories = advisories(named.chain(&properties.tags).map(String::as_str));
        let is_secret = |text: &String| text.to_lowercase().contains("secret");
        let tags = properties.tags.iter().chain(&rule.name).chain(&rule.id);
        let messages = rule.message_strings.into_iter();
        Self {
            is_for_secrets: tags.into_iter().any(is_secret),
            weaknesses: weaknesses(
                &properties,
                rule.relationships.iter().filter_map(|r| r.target.as_ref()),
            ),
            title: said(&rule.short_description)
                .or(rule.name.clone().filter(|name| Some(name) != rule.id.as_ref()))
                .and_then(|title| text::to_line(&title)),
            description: description.filter(|_| has_room(bytes)),
            link: rule.help_uri.or(link),
            level: rule.default_configuration.and_then(|c| c.level),
            score: properties.score,
            advisories,
            purls: properties.purls,
            help: help.as_deref().map(packages::Help::of).unwrap_or_default(),
            messages: messages.filter_map(|(id, m)| Some((id, m.said()?.clone()))).collect(),
            id: rule.id,
            name: rule.name,
        }
    }

    /// Bytes that it takes.
    pub fn size(&self) -> usize {
        let texts = [&self.id, &self.name, &self.title, &self.description, &self.link, &self.level];
        let lists = [&self.advisories, &self.weaknesses, &self.purls];
        let lists = lists.into_iter().flatten().map(|text| text.len() + size_of::<String>());
        let messages = self.messages.iter().map(|(id, text)| id.len() + text.len() + 48);
        let own = size_of::<Self>() + lists.sum::<usize>() + messages.sum::<usize>();
        own + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

/// The ids of vulnerability databases in `texts`, in upper case, each once.
pub fn advisories<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut found: Vec<String> = texts.flat_map(ids::in_text).collect();
    text::distinct(&mut found);
    found
}

/// The weaknesses in tags (`external/cwe/cwe-079`), properties and entries of the taxonomy.
pub fn weaknesses<'t>(
    properties: &Properties,
    taxa: impl Iterator<Item = &'t Descriptor>,
) -> Vec<String> {
    let mut found = Vec::new();
    for tag in properties.tags.iter().chain(&properties.cwe) {
        let last = tag.rsplit('/').next().unwrap_or_default();
        let is_marked = last.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("cwe-"));
        found.extend(Some(last).filter(|_| is_marked).and_then(to_weakness));
    }
    for target in taxa {
        let of_cwe = target.tool_component.as_ref().and_then(|c| c.name.as_deref()) == Some("CWE");
        found.extend(target.id.as_deref().filter(|_| of_cwe).and_then(to_weakness));
    }
    text::distinct(&mut found);
    found
}

/// Without the zeros that tags put before the number.
fn to_weakness(text: &str) -> Option<String> {
    let weakness = lenient::to_weakness(text)?;
    Some(format!("CWE-{}", weakness["CWE-".len()..].trim_start_matches('0')))
}

/// The rules of a run.
#[derive(Debug, Default)]
pub struct Rules {
    /// The driver's and the extensions' in one list.
    all: Vec<RuleFacts>,
    /// Positions in `all` of the driver's rules.
    driver: Vec<usize>,
    /// Likewise of each extension.
    extensions: Vec<Vec<usize>>,
    by_id: HashMap<String, usize>,
    /// Texts that all rules share.
    pub messages: HashMap<String, String>,
}

impl Rules {
    /// The next extension begins; returns its number.
    pub fn begin_extension(&mut self) -> usize {
        self.extensions.push(Vec::new());
        self.extensions.len() - 1
    }

    /// Adds a rule of the driver or an extension.
    pub fn add(&mut self, extension: Option<usize>, rule: RuleFacts) {
        let list = match extension {
            Some(extension) => &mut self.extensions[extension],
            None => &mut self.driver,
        };
        list.push(self.all.len());
        self.all.push(rule);
    }

    /// All of them.
    pub fn all(&self) -> &[RuleFacts] {
        &self.all
    }

    /// All have been read. Only Trivy's and Grype's rules say something about packages.
    pub fn finish(&mut self, tool: &str) {
        for (index, rule) in self.all.iter_mut().enumerate() {
            if tool != "grype" {
                rule.help = packages::Help::default();
            }
            if let Some(id) = &rule.id {
                self.by_id.entry(id.clone()).or_insert(index);
            }
        }
    }

    /// The rule of a result (SARIF 2.1.0 §3.52.3): by its position, by its id, by the id
    /// without its last part, and last by what the message begins with.
    pub fn find(&self, entry: &Entry, message: &str) -> Option<&RuleFacts> {
        let reference = entry.rule.as_ref();
        let component = reference.and_then(|r| r.tool_component.as_ref()?.index);
        let list = match component {
            Some(index) => self.extensions.get(index as usize)?,
            None => &self.driver,
        };
        let id = entry.rule_id.as_deref().or_else(|| reference?.id.as_deref());
        let index = entry.rule_index.or_else(|| reference?.index).filter(|i| *i >= 0.0);
        let by_index = index.and_then(|i| self.all.get(*list.get(i as usize)?));
        // A position that leads to another rule than the id is wrong, and the id is right.
        let agrees = |rule: &&RuleFacts| match (id, &rule.id) {
            (Some(id), Some(of_rule)) => id == of_rule || id.starts_with(&format!("{of_rule}/")),
            _ => true,
        };
        if let Some(rule) = by_index.filter(agrees) {
            return Some(rule);
        }
        let by_id = |id: &str| self.by_id.get(id).map(|index| &self.all[*index]);
        match id {
            Some(id) => by_id(id).or_else(|| by_id(id.rsplit_once('/')?.0)),
            None => self.by_message(message),
        }
    }

    fn by_message(&self, message: &str) -> Option<&RuleFacts> {
        let begins = |text: &Option<String>| {
            let text = text.as_deref().filter(|t| message.starts_with(t));
            text.map_or(0, str::len)
        };
        let length = |rule: &&RuleFacts| begins(&rule.id).max(begins(&rule.name));
        let few = &self.all[..self.all.len().min(SEARCHED)];
        few.iter().max_by_key(length).filter(|rule| length(rule) > 0)
    }

    /// What a message says, with its arguments put in.
    pub fn said(&self, rule: Option<&RuleFacts>, message: &Message) -> Option<String> {
        let of_rule = |id: &String| {
            let mut own = rule?.messages.iter();
            own.find(|(known, _)| known == id).map(|(_, text)| text)
        };
        let by_id = || {
            let id = message.id.as_ref()?;
            of_rule(id).or_else(|| self.messages.get(id))
        };
        let text = message.text.as_ref().or_else(by_id).or(message.markdown.as_ref())?;
        let said = PLACEHOLDER.replace_all(text, |found: &regex::Captures<'_>| {
            let argument = found[1].parse().map(|index: usize| message.arguments.get(index));
            argument.ok().flatten().cloned().unwrap_or_else(|| found[0].to_owned())
        });
        text::to_text(&said)
    }
}
