//! Writes the configuration for people: what holds and why, the commented reference file,
//! and the table of the README. All three come from the table of options.

use std::fmt::Write as _;

use super::load::Loaded;
use super::table::{OPTIONS, OTHER_VARIABLES, SECTIONS, Spec};
use super::types::Kind;

/// What holds, as a configuration file, with the origin of each value as a comment.
#[must_use]
pub fn effective(loaded: &Loaded) -> String {
    let mut out = String::new();
    let width = loaded.effective.iter().map(|e| assignment(e.spec, &e.value).len()).max();
    for (section, _) in SECTIONS {
        let gap = if out.is_empty() { "" } else { "\n" };
        line(&mut out, format_args!("{gap}[{section}]"));
        for item in loaded.effective.iter().filter(|e| e.spec.section == *section) {
            let text = if item.value.is_empty() && item.spec.kind != Kind::List {
                format!("# {} is not set", item.spec.key)
            } else if item.spec.secret {
                format!("# {} = \"***\"", item.spec.key)
            } else {
                assignment(item.spec, &item.value)
            };
            let width = width.unwrap_or_default().min(60);
            line(&mut out, format_args!("{text:width$}  # {}", item.origin));
        }
    }
    out
}

/// The reference file: every option with its documentation, all of them commented out.
#[must_use]
pub fn reference() -> String {
    let mut out = String::from(
        "# The configuration of VulnZero, with every option and its default.\n\
         # Written by `vulnzero config reference`; remove the # to change a value.\n\
         # Stronger than this file are variables (named in each entry) and flags.\n",
    );
    for (section, doc) in SECTIONS {
        line(&mut out, format_args!("\n#{doc}\n[{section}]"));
        for spec in OPTIONS.iter().filter(|spec| spec.section == *section) {
            line(&mut out, format_args!("\n# {}", spec.doc()));
            let unit = spec.unit.map(|unit| format!(" Unit: {unit}.")).unwrap_or_default();
            line(&mut out, format_args!("# Allowed: {}.{unit}", spec.allowed()));
            line(&mut out, format_args!("# Variable: {}", spec.env()));
            let default = spec.default();
            if default.is_empty() && spec.kind != Kind::List {
                line(&mut out, format_args!("# Not set by default. Example:"));
                line(&mut out, format_args!("# {}", assignment(spec, spec.example)));
            } else {
                line(&mut out, format_args!("# Example: {}", assignment(spec, spec.example)));
                line(&mut out, format_args!("# {}", assignment(spec, &default)));
            }
            if spec.secret {
                let key = spec.key;
                line(&mut out, format_args!("# Better: the path of a file that holds it."));
                line(&mut out, format_args!("# {key}_file = \"/run/secrets/{key}\""));
            }
        }
    }
    out
}

/// The options and the other variables as Markdown tables.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from("| option | default | allowed | meaning |\n|---|---|---|---|\n");
    for spec in OPTIONS {
        let default = spec.default();
        let default = if default.is_empty() { String::from("–") } else { format!("`{default}`") };
        let unit = spec.unit.map(|unit| format!(" ({unit})")).unwrap_or_default();
        let secret = if spec.secret {
            let name = spec.name;
            format!(" Better as `{name}_file`, or a systemd credential called `{name}`.")
        } else {
            String::new()
        };
        let (allowed, doc) = (cell(&spec.allowed()), cell(spec.doc()));
        line(
            &mut out,
            format_args!("| `{}` | {default} | {allowed}{unit} | {doc}{secret} |", spec.name),
        );
    }
    out.push_str("\n| other variable | meaning |\n|---|---|\n");
    for (name, doc) in OTHER_VARIABLES {
        line(&mut out, format_args!("| `{name}` | {} |", cell(doc)));
    }
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("writing to a String cannot fail");
}

/// `key = value` as the file wants it.
fn assignment(spec: &Spec, value: &str) -> String {
    let value = match spec.kind {
        Kind::Number | Kind::Bool => value.to_owned(),
        Kind::Size if value.bytes().all(|b| b.is_ascii_digit()) => value.to_owned(),
        Kind::Text | Kind::Size => quoted(value),
        Kind::List => {
            let items: Vec<String> =
                value.split(',').filter(|item| !item.is_empty()).map(quoted).collect();
            format!("[{}]", items.join(", "))
        }
    };
    format!("{} = {value}", spec.key)
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
