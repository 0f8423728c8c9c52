//! Reads a configuration file into layers, and names line and column of what is wrong.

use std::fmt;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::layers::{Found, Layer, Layers, Origin, did_you_mean, find};
use super::table::{OPTIONS, SECTIONS};
use super::types::Kind;

/// Takes the file at `path`, whose content is `text`.
pub fn collect(layers: &mut Layers<'_>, path: &Path, text: &str) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let file = File { path, text };
    for error in &errors {
        let start = error.span().map_or(0, |span| span.start);
        layers.problem(file.place(start), "", error.message().trim().replace('\n', ", "));
    }
    if !errors.is_empty() {
        return;
    }
    for (section, value) in document.get_ref() {
        let name: &str = section.get_ref();
        match value.get_ref() {
            DeValue::Table(table) if SECTIONS.iter().any(|(known, _)| *known == name) => {
                file.section(layers, name, table);
            }
            _ => {
                let hint = unknown_section(name);
                layers.problem(file.place(section.span().start), name, hint);
            }
        }
    }
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

/// `path:line:column`, both counted from one.
struct Place<'a> {
    path: &'a Path,
    line: usize,
    column: usize,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

impl<'a> File<'a> {
    fn place(&self, offset: usize) -> Place<'a> {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            path: self.path,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    fn section(&self, layers: &mut Layers<'_>, section: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let place = self.place(key.span().start);
            let name = format!("{section}.{}", key.get_ref());
            let Some(found) = find(&name) else {
                layers.problem(place, &name, unknown_key(section, key.get_ref()));
                continue;
            };
            match as_text(found, value) {
                Ok(text) => {
                    let origin = Origin::File(self.path.to_owned(), place.line);
                    layers.set(found, text, Layer::File, origin);
                }
                Err(text) => {
                    layers.problem(self.place(value.span().start), &name, text);
                }
            }
        }
    }
}

/// The text of a value if it has the type that the option wants.
fn as_text(found: Found, value: &Spanned<DeValue<'_>>) -> Result<String, String> {
    let kind = if found.by_file { Kind::Text } else { found.spec.kind };
    match (kind, value.get_ref()) {
        (Kind::Text | Kind::Size | Kind::List, DeValue::String(text)) => Ok(text.to_string()),
        (Kind::Number | Kind::Size, DeValue::Integer(number)) => integer(number),
        (Kind::Bool, DeValue::Boolean(value)) => Ok(value.to_string()),
        (Kind::List, DeValue::Array(items)) => {
            let texts: Option<Vec<&str>> = items.iter().map(|i| i.get_ref().as_str()).collect();
            texts
                .map(|texts| texts.join(","))
                .ok_or_else(|| String::from("expected a list of strings"))
        }
        (_, other) => {
            let found_type = other.type_str();
            Err(format!("expected {}, found a value of type {found_type}", found.spec.allowed()))
        }
    }
}

fn integer(number: &DeInteger<'_>) -> Result<String, String> {
    let digits = number.as_str().replace('_', "");
    i128::from_str_radix(&digits, number.radix())
        .map(|value| value.to_string())
        .map_err(|_| format!("'{digits}' is not a whole number that fits"))
}

fn unknown_section(name: &str) -> String {
    let sections: Vec<&str> = SECTIONS.iter().map(|(section, _)| *section).collect();
    if sections.contains(&name) {
        return format!("'{name}' is a table: write [{name}]");
    }
    let home = OPTIONS.iter().find(|spec| spec.key == name);
    let hint = home.map_or_else(
        || did_you_mean(name, sections.iter().copied()),
        |spec| format!("; it belongs to [{}]", spec.section),
    );
    format!("there is no table '{name}'{hint}; tables: {}", sections.join(", "))
}

fn unknown_key(section: &str, key: &str) -> String {
    let mut keys: Vec<String> = Vec::new();
    for spec in OPTIONS.iter().filter(|spec| spec.section == section) {
        keys.push(spec.key.to_owned());
        if spec.secret {
            keys.push(format!("{}_file", spec.key));
        }
    }
    let home = OPTIONS.iter().find(|spec| spec.key == key);
    let hint = home.map_or_else(
        || did_you_mean(key, keys.iter().map(String::as_str)),
        |spec| format!("; it belongs to [{}]", spec.section),
    );
    format!("there is no key '{key}' in [{section}]{hint}; keys: {}", keys.join(", "))
}
