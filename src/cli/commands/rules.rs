//! Rules and SLA policies from the command line.

use std::io::Read as _;
use std::path::Path;

use poem::http::Method;
use serde_json::{Map, Value, json};

use super::{answer, plain, print_page, segment};
use crate::base::{Code, Error, Result};
use crate::cli::args::Resource;
use crate::cli::args::rules::{Does, RulesCommand, Runs, SlaCommand, Which};
use crate::cli::client::{Client, Content};
use crate::cli::{exit, output};

/// Lists, shows, makes, changes, removes or orders rules.
pub async fn rules(client: &Client, command: &RulesCommand, as_json: bool) -> Result<u8> {
    let it = Kind { resource: Resource::Rules, noun: "rule" };
    match command {
        RulesCommand::List => it.list(client, as_json).await,
        RulesCommand::Show { rule } => it.show(client, rule, as_json).await,
        RulesCommand::Create(args) => {
            let mut body = common(args.name.as_ref(), &args.which, enabled(false, args.disabled))?;
            does(&mut body, &args.does);
            it.create(client, body, args.dry_run, as_json).await
        }
        RulesCommand::Update(args) => {
            let enabled = enabled(args.enable, args.disable);
            let mut body = common(args.name.as_ref(), &args.which, enabled)?;
            does(&mut body, &args.does);
            it.update(client, &args.rule, body, as_json).await
        }
        RulesCommand::Delete { rule } => it.delete(client, rule, as_json).await,
        RulesCommand::Order { ids } => it.order(client, ids, as_json).await,
    }
}

/// Lists, shows, makes, changes, removes or orders SLA policies.
pub async fn sla(client: &Client, command: &SlaCommand, as_json: bool) -> Result<u8> {
    let it = Kind { resource: Resource::SlaPolicies, noun: "SLA policy" };
    match command {
        SlaCommand::List => it.list(client, as_json).await,
        SlaCommand::Show { policy } => it.show(client, policy, as_json).await,
        SlaCommand::Create(args) => {
            let mut body = common(args.name.as_ref(), &args.which, enabled(false, args.disabled))?;
            clock(&mut body, args.days, &args.runs);
            it.create(client, body, args.dry_run, as_json).await
        }
        SlaCommand::Update(args) => {
            let enabled = enabled(args.enable, args.disable);
            let mut body = common(args.name.as_ref(), &args.which, enabled)?;
            clock(&mut body, args.days, &args.runs);
            it.update(client, &args.policy, body, as_json).await
        }
        SlaCommand::Delete { policy } => it.delete(client, policy, as_json).await,
        SlaCommand::Order { ids } => it.order(client, ids, as_json).await,
    }
}

/// Rules or policies: the same commands for both.
struct Kind {
    resource: Resource,
    noun: &'static str,
}

impl Kind {
    fn one(&self, name: &str) -> String {
        format!("{}/{}", self.resource.path(), segment(name))
    }

    async fn list(&self, client: &Client, as_json: bool) -> Result<u8> {
        let path = format!("{}?page_size=1000", self.resource.path());
        let page = client.send(Method::GET, &path, Content::None).await?;
        if as_json {
            output::json(&page);
        } else {
            print_page(self.resource, &page);
        }
        Ok(exit::OK)
    }

    async fn show(&self, client: &Client, name: &str, as_json: bool) -> Result<u8> {
        let record = client.send(Method::GET, &self.one(name), Content::None).await?;
        if as_json {
            output::json(&record);
        } else {
            output::record(&record);
        }
        Ok(exit::OK)
    }

    async fn create(
        &self,
        client: &Client,
        body: Map<String, Value>,
        dry_run: bool,
        as_json: bool,
    ) -> Result<u8> {
        if dry_run {
            let path = format!("{}/preview", self.resource.path());
            let content = Content::Json(body.into());
            let seen = client.send(Method::POST, &path, content).await?;
            answer(&seen, as_json, || foresee(&seen));
            return Ok(exit::OK);
        }
        let content = Content::Json(body.into());
        let made = client.send(Method::POST, self.resource.path(), content).await?;
        self.tell(&made, as_json);
        Ok(exit::OK)
    }

    async fn update(
        &self,
        client: &Client,
        name: &str,
        body: Map<String, Value>,
        as_json: bool,
    ) -> Result<u8> {
        let content = Content::Json(body.into());
        let changed = client.send(Method::PATCH, &self.one(name), content).await?;
        self.tell(&changed, as_json);
        Ok(exit::OK)
    }

    fn tell(&self, record: &Value, as_json: bool) {
        answer(record, as_json, || {
            let is = if record["enabled"] == true { "used" } else { "not used" };
            let (id, order) = (&record["id"], &record["order"]);
            format!("{} {id} ({}), place {order}, is {is}", self.noun, plain(&record["name"]))
        });
    }

    async fn delete(&self, client: &Client, name: &str, as_json: bool) -> Result<u8> {
        let done = client.send(Method::DELETE, &self.one(name), Content::None).await?;
        answer(&done, as_json, || "removed".to_owned());
        Ok(exit::OK)
    }

    async fn order(&self, client: &Client, ids: &[u64], as_json: bool) -> Result<u8> {
        let path = format!("{}/order", self.resource.path());
        let content = Content::Json(json!({"ids": ids}));
        let done = client.send(Method::POST, &path, content).await?;
        answer(&done, as_json, || format!("in this order: {}", done["ids"]));
        Ok(exit::OK)
    }
}

/// A preview in a sentence or two.
fn foresee(seen: &Value) -> String {
    let least = if seen["complete"] == true { "" } else { "at least " };
    format!(
        "means {least}{} findings; {} would change, {} of them their due date; {} would become \
         overdue, {} no longer be",
        seen["matched"],
        seen["changed"],
        seen["due_changed"],
        seen["newly_overdue"],
        seen["no_longer_overdue"],
    )
}

const fn enabled(on: bool, off: bool) -> Option<bool> {
    match (on, off) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        (false, false) => None,
    }
}

/// What rules and policies have in common.
fn common(
    name: Option<&String>,
    which: &Which,
    enabled: Option<bool>,
) -> Result<Map<String, Value>> {
    let mut body = which.file.as_deref().map_or_else(|| Ok(Map::new()), read)?;
    let mut say = |field: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(field.to_owned(), value);
        }
    };
    say("name", name.map(|name| json!(name)));
    say("description", which.description.as_ref().map(|text| json!(text)));
    say("enabled", enabled.map(|is| json!(is)));
    if which.all {
        say("matcher", Some(json!({"all": true})));
    } else if !which.conditions.is_empty() {
        say("matcher", Some(matcher(&which.conditions)?.into()));
    }
    Ok(body)
}

fn does(body: &mut Map<String, Value>, does: &Does) {
    let mut actions = Map::new();
    let mut say = |field: &str, value: Option<Value>| {
        actions.extend(value.map(|value| (field.to_owned(), value)));
    };
    say("assign_to", does.assign.as_ref().map(|who| json!(who)));
    say("due_days", does.due_days.map(|days| json!(days)));
    say("triage", does.triage.then_some(json!(true)));
    say("note", does.note.as_ref().map(|text| json!(text)));
    if !actions.is_empty() {
        body.insert("actions".to_owned(), actions.into());
    }
    if does.stop {
        body.insert("stop".to_owned(), json!(true));
        body.entry("actions").or_insert_with(|| json!({}));
    }
}

fn clock(body: &mut Map<String, Value>, days: Option<u64>, runs: &Runs) {
    let values = [
        ("days", days.map(|days| json!(days))),
        ("on_reopen", runs.on_reopen.as_ref().map(|word| json!(word))),
        ("while_accepted", runs.while_accepted.as_ref().map(|word| json!(word))),
    ];
    body.extend(values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
}

/// A JSON object from a file or standard input.
fn read(path: &Path) -> Result<Map<String, Value>> {
    let failed = |e: &dyn std::fmt::Display| {
        Error::new(Code::Invalid, format!("{} cannot be read: {e}", path.display()))
    };
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map_err(|e| failed(&e))?;
    } else {
        text = std::fs::read_to_string(path).map_err(|e| failed(&e))?;
    }
    serde_json::from_str(&text).map_err(|e| failed(&e))
}

/// Fields of a matcher that have one value, not a list.
const SINGLE: &[&str] =
    &["kev", "exploit_available", "fix_available", "epss_min", "cvss_min", "criticality_min"];

/// A matcher from `field=value` texts; a field that stands there twice means either.
fn matcher(conditions: &[String]) -> Result<Map<String, Value>> {
    let mut matcher = Map::new();
    for condition in conditions {
        let (field, text) = condition.split_once('=').ok_or_else(|| {
            let detail = format!("'{condition}': write a condition as field=value");
            Error::new(Code::Invalid, detail)
        })?;
        if SINGLE.contains(&field) {
            let value = serde_json::from_str(text).unwrap_or_else(|_| json!(text));
            matcher.insert(field.to_owned(), value);
            continue;
        }
        let list = matcher.entry(field).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.extend(text.split(',').map(|value| json!(value.trim())));
        }
    }
    Ok(matcher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_become_a_matcher() {
        let of = |texts: &[&str]| {
            matcher(&texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()).map(Value::from)
        };
        let all =
            ["severity=critical, high", "tag=team=web", "tag=env=*", "kev=true", "epss_min=0.5"];
        assert_eq!(
            of(&all).unwrap(),
            json!({"severity": ["critical", "high"], "tag": ["team=web", "env=*"], "kev": true,
                "epss_min": 0.5})
        );
        assert_eq!(of(&["kev"]).unwrap_err().code(), Code::Invalid);
    }
}
