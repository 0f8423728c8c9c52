//! What people and scripts see: tables, JSON, errors, progress.

use std::io::{IsTerminal as _, Write as _};

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::resources::Column;
use crate::base::Error;

/// Prints a line on standard output. A reader that has gone (`| head`) ends the program
/// quietly, as of any other command.
#[expect(clippy::disallowed_methods, reason = "nobody reads any more, so nothing is left to do")]
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Prints a line for whoever still reads; for a server, which has better to do than to end.
pub fn tell(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(e) = writeln!(out, "{text}").and_then(|()| out.flush()) {
        tracing::debug!(error = %e, "nobody reads standard output");
    }
}

/// Prints JSON: for people with indentation, for pipes on one line.
pub fn json(value: &Value) {
    let pretty = std::io::stdout().is_terminal();
    let text = if pretty { format!("{value:#}") } else { value.to_string() };
    line(&text);
}

/// Prints an error on standard error: a problem document with `--json`, else a sentence,
/// the fields, and what to do.
pub fn error(e: &Error, as_json: bool) {
    if as_json {
        let fields: Vec<Value> =
            e.fields().iter().map(|f| json!({"pointer": f.pointer, "detail": f.detail})).collect();
        let code = e.code();
        eprintln!(
            "{}",
            json!({"type": format!("/docs/problems#{}", code.slug()), "code": code.slug(), "title": code.title(),
                "status": code.status(), "detail": e.to_string(), "remedy": code.remedy(), "errors": fields})
        );
        return;
    }
    let chain = e.chain();
    let lines: Vec<String> = chain.lines().map(clean).collect();
    eprintln!("error: {}", lines.join("\n  "));
    for field in e.fields().iter().filter(|f| !e.detail().contains(&f.detail)) {
        eprintln!("  {}: {}", clean(&field.pointer), clean(&field.detail));
    }
    eprintln!("  ({}) {}", e.code().slug(), e.code().remedy());
}

/// Text from reports must not command the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Prints rows as a table, cut to the terminal's width.
pub fn table(columns: &[Column], rows: &[Value]) {
    let cells: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|(_, path)| cell(row, path)).collect()).collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(n, (heading, _))| {
            cells.iter().map(|r| r[n].width()).chain([heading.width()]).max().unwrap_or(0).min(60)
        })
        .collect();
    let most = terminal_width();
    let print = |row: &mut dyn Iterator<Item = &str>| {
        let parts: Vec<String> = row.zip(&widths).map(|(text, width)| pad(text, *width)).collect();
        line(&cut(parts.join("  ").trim_end(), most));
    };
    print(&mut columns.iter().map(|(heading, _)| *heading));
    for row in &cells {
        print(&mut row.iter().map(String::as_str));
    }
}

/// Prints one record, a field a line.
pub fn record(value: &Value) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = match value {
            Value::Array(list) if list.iter().all(|v| !v.is_object()) => {
                list.iter().map(plain).collect::<Vec<_>>().join(", ")
            }
            Value::Object(_) | Value::Array(_) => value.to_string(),
            other => plain(other),
        };
        line(&format!("{name:18} {}", clean(&text)));
    }
}

fn cell(row: &Value, path: &str) -> String {
    let value = path.split('.').fold(row, |value, part| &value[part]);
    clean(&plain(value))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn pad(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let missing = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(missing))
}

fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if out.width() + 2 > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// Columns of the terminal; no limit if output goes elsewhere.
fn terminal_width() -> usize {
    let out = std::io::stdout();
    if !out.is_terminal() {
        return usize::MAX;
    }
    rustix::termios::tcgetwinsize(&out).map_or(usize::MAX, |size| usize::from(size.ws_col).max(40))
}

/// A progress bar for work on `bytes` bytes, on a terminal only.
#[must_use]
pub fn progress(bytes: u64, what: &str) -> indicatif::ProgressBar {
    if !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new(bytes);
    let style =
        indicatif::ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {eta}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_long_text_is_cut_by_what_it_takes_on_the_screen() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("日本語", 5), "日…");
        assert_eq!(pad("ab", 4), "ab  ");
        assert_eq!(clean("a\u{1b}[31mb"), "a\u{fffd}[31mb");
    }

    #[test]
    fn cells_reach_into_objects() {
        let row = json!({"a": {"b": 3}, "c": "x"});
        assert_eq!(cell(&row, "a.b"), "3");
        assert_eq!(cell(&row, "c"), "x");
        assert_eq!(cell(&row, "d.e"), "");
    }
}
