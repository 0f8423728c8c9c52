//! House rules that no compiler knows: layers, sizes, headers, forbidden words. The layer
//! table is the one in the header of `src/lib.rs`; changing a rule means changing it there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

const FILE_LINES_MAX: usize = 600;
const FILE_LINES_P90: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;
const FUNCTION_LINES_P90: usize = 40;

/// Words that promise work instead of doing it; spelled so that this file has none.
const PROMISES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const FORBIDDEN_MACROS: &[&str] = &["todo", "unimplemented", "dbg"];

/// What one Rust file contains that the rules are about.
#[derive(Default)]
struct Facts {
    /// Name, first line, number of lines.
    functions: Vec<(String, usize, usize)>,
    /// Line and module of every `crate::module` outside tests.
    imports: Vec<(usize, String)>,
    /// Lines with `.unwrap()` outside tests.
    unwraps: Vec<usize>,
    /// Lines that name the crate `redb` outside tests.
    redb: Vec<usize>,
    /// Line and name of every forbidden macro.
    macros: Vec<(usize, String)>,
}

impl Facts {
    fn of(text: &str) -> Self {
        let mut facts = Self::default();
        let stream: TokenStream = text.parse().expect("the compiler reads it too");
        facts.walk(stream, false);
        facts
    }

    fn walk(&mut self, stream: TokenStream, in_test: bool) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        let mut test_until = 0;
        for at in 0..tokens.len() {
            if is_test_attribute(&tokens, at) {
                test_until = test_until.max(end_of_item(&tokens, at + 2));
            }
            let in_test = in_test || at < test_until;
            match &tokens[at] {
                TokenTree::Group(group) => self.walk(group.stream(), in_test),
                TokenTree::Ident(ident) => self.ident(&ident.to_string(), &tokens, at, in_test),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    fn ident(&mut self, name: &str, tokens: &[TokenTree], at: usize, in_test: bool) {
        let line = tokens[at].span().start().line;
        match name {
            "fn" => self.function(tokens, at),
            _ if FORBIDDEN_MACROS.contains(&name) && punct(tokens, at + 1, '!') => {
                self.macros.push((line, name.to_owned()));
            }
            "crate" if !in_test && path_separator(tokens, at + 1) => match tokens.get(at + 3) {
                Some(TokenTree::Ident(module)) => self.imports.push((line, module.to_string())),
                Some(TokenTree::Group(tree)) => self.use_tree(tree),
                _ => {}
            },
            "unwrap"
                if !in_test
                    && at > 0
                    && punct(tokens, at - 1, '.')
                    && group(tokens, at + 1, Delimiter::Parenthesis).is_some_and(is_empty) =>
            {
                self.unwraps.push(line);
            }
            "redb"
                if !in_test
                    && path_separator(tokens, at + 1)
                    && (at < 2 || !path_separator(tokens, at - 2)) =>
            {
                self.redb.push(line);
            }
            _ => {}
        }
    }

    /// The modules at the beginning of each branch of `crate::{a::b, c}`.
    fn use_tree(&mut self, tree: &Group) {
        let mut first = true;
        for token in tree.stream() {
            match token {
                TokenTree::Ident(module) if first => {
                    self.imports.push((module.span().start().line, module.to_string()));
                    first = false;
                }
                TokenTree::Punct(p) if p.as_char() == ',' => first = true,
                _ => {}
            }
        }
    }

    fn function(&mut self, tokens: &[TokenTree], at: usize) {
        let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else { return };
        let end = end_of_item(tokens, at);
        if let Some(body) = group(tokens, end - 1, Delimiter::Brace) {
            let first = tokens[at].span().start().line;
            let last = body.span_close().end().line;
            self.functions.push((name.to_string(), first, last - first + 1));
        }
    }
}

/// Whether `#[test]`, `#[tokio::test]` or `#[cfg(test)]` and the like begins here.
fn is_test_attribute(tokens: &[TokenTree], at: usize) -> bool {
    if !punct(tokens, at, '#') {
        return false;
    }
    let Some(group) = group(tokens, at + 1, Delimiter::Bracket) else { return false };
    let text: String = group.to_string().chars().filter(|c| !c.is_whitespace()).collect();
    let inner = &text[1..text.len() - 1];
    inner == "test"
        || inner.ends_with("::test")
        || inner.starts_with("cfg(test")
        || inner.starts_with("cfg(all(test")
}

/// The index behind the item that begins at `at`: behind its braces or its semicolon.
fn end_of_item(tokens: &[TokenTree], at: usize) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(p) => p.as_char() == ';',
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    };
    tokens[at..].iter().position(is_end).map_or(tokens.len(), |offset| at + offset + 1)
}

fn punct(tokens: &[TokenTree], at: usize, wanted: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == wanted)
}

fn path_separator(tokens: &[TokenTree], at: usize) -> bool {
    punct(tokens, at, ':') && punct(tokens, at + 1, ':')
}

fn group(tokens: &[TokenTree], at: usize, delimiter: Delimiter) -> Option<&Group> {
    match tokens.get(at) {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

fn is_empty(group: &Group) -> bool {
    group.stream().is_empty()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files below the root with one of these extensions, as relative paths, sorted.
fn files(dirs: &[&str], extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut todo: Vec<PathBuf> = dirs.iter().map(PathBuf::from).collect();
    while let Some(path) = todo.pop() {
        let full = root().join(&path);
        if full.is_dir() {
            for entry in fs::read_dir(full).unwrap() {
                let name = entry.unwrap().file_name();
                if name != "node_modules" && name != "dist" {
                    todo.push(path.join(name));
                }
            }
        } else if path.extension().is_some_and(|e| extensions.iter().any(|x| e == *x)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn rust_files() -> Vec<(PathBuf, String)> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        (path, text)
    };
    files(&["src", "tests", "benches", "build", "build.rs"], &["rs"])
        .into_iter()
        .map(read)
        .collect()
}

fn p90(mut sizes: Vec<usize>) -> usize {
    sizes.sort_unstable();
    sizes.get(sizes.len() * 9 / 10).copied().unwrap_or_default()
}

fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn files_are_short_and_say_what_lives_in_them() {
    let mut problems = Vec::new();
    let files = rust_files();
    for (path, text) in &files {
        let (path, lines) = (path.display(), text.lines().count());
        if lines > FILE_LINES_MAX {
            problems.push(format!("{path}: {lines} lines, at most {FILE_LINES_MAX}"));
        }
        if !text.starts_with("//! ") {
            problems.push(format!("{path}:1: no `//!` header"));
        }
    }
    let p90 = p90(files.iter().map(|(_, text)| text.lines().count()).collect());
    println!("files: {}, p90 {p90} lines", files.len());
    if p90 > FILE_LINES_P90 {
        problems.push(format!("p90 of file lengths is {p90}, at most {FILE_LINES_P90}"));
    }
    none(&problems);
}

#[test]
fn functions_are_short() {
    let mut problems = Vec::new();
    let mut sizes = Vec::new();
    for (path, text) in rust_files() {
        for (name, line, lines) in Facts::of(&text).functions {
            sizes.push(lines);
            if lines > FUNCTION_LINES_MAX {
                let place = format!("{}:{line}", path.display());
                problems.push(format!("{place}: {name} has {lines}, at most {FUNCTION_LINES_MAX}"));
            }
        }
    }
    let count = sizes.len();
    let p90 = p90(sizes);
    println!("functions: {count}, p90 {p90} lines");
    if p90 > FUNCTION_LINES_P90 {
        problems.push(format!("p90 of function lengths is {p90}, at most {FUNCTION_LINES_P90}"));
    }
    none(&problems);
}

#[test]
fn nothing_is_promised_and_nothing_is_left_from_debugging() {
    let mut problems = Vec::new();
    let extensions = ["rs", "ts", "mjs", "js", "svelte", "css", "html", "toml", "sh", "yaml"];
    let dirs = ["src", "tests", "benches", "build", "build.rs", "web", "packaging", "Cargo.toml"];
    for path in files(&dirs, &extensions) {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        for (at, line) in text.lines().enumerate() {
            let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            for word in words.filter(|word| PROMISES.contains(word)) {
                problems.push(format!("{}:{}: {word}", path.display(), at + 1));
            }
        }
    }
    for (path, text) in rust_files() {
        for (line, name) in Facts::of(&text).macros {
            problems.push(format!("{}:{line}: {name}!", path.display()));
        }
    }
    none(&problems);
}

#[test]
fn only_tests_unwrap_and_only_the_engine_knows_redb() {
    let mut problems = Vec::new();
    let tests = test_modules();
    for (path, text) in rust_files() {
        if !path.starts_with("src") {
            continue;
        }
        if tests.iter().any(|module| path.starts_with(module)) {
            continue;
        }
        let facts = Facts::of(&text);
        for line in facts.unwraps {
            problems.push(format!("{}:{line}: .unwrap() outside a test", path.display()));
        }
        if !path.to_string_lossy().starts_with("src/store/engine/redb") {
            for line in facts.redb {
                let hint = "redb belongs to src/store/engine/redb*.rs (our own: self::redb)";
                problems.push(format!("{}:{line}: {hint}", path.display()));
            }
        }
    }
    none(&problems);
}

/// Files and folders of modules that are declared `#[cfg(test)] mod name;`.
fn test_modules() -> Vec<PathBuf> {
    let mut modules = Vec::new();
    for (path, text) in rust_files() {
        let folder = match path.file_stem().and_then(|s| s.to_str()) {
            Some("mod" | "lib" | "main") | None => {
                path.parent().expect("a file has a folder").to_owned()
            }
            Some(_) => path.with_extension(""),
        };
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            let Some(name) = (line == "#[cfg(test)]").then(|| lines.next()).flatten() else {
                continue;
            };
            let name = name.strip_prefix("pub(crate) ").unwrap_or(name);
            if let Some(name) = name.strip_prefix("mod ").and_then(|n| n.strip_suffix(';')) {
                modules.extend([folder.join(name), folder.join(format!("{name}.rs"))]);
            }
        }
    }
    modules
}

/// Which top modules each top module may import.
type Layers = BTreeMap<String, BTreeSet<String>>;

/// Reads the table in the header of `src/lib.rs`.
fn layers(header: &str) -> Layers {
    let rows: Vec<(usize, Vec<String>, &str)> = header
        .lines()
        .filter_map(|line| line.strip_prefix("//! L"))
        .map(|line| {
            let (level, rest) = line.split_once("  ").expect("level, two spaces, modules");
            let (names, allowed) = rest.trim().split_once("  ").expect("modules, then imports");
            let names = names.split(['·', '│']).map(|name| name.trim().to_owned()).collect();
            let allowed = allowed.trim().split(" (").next().unwrap_or_default();
            (level.parse().expect("a level"), names, allowed)
        })
        .collect();
    let mut layers = Layers::new();
    for (level, names, allowed) in &rows {
        let mut set: BTreeSet<String> = match *allowed {
            // The doors may also use each other.
            "may import anything below" => {
                rows.iter().filter(|row| row.0 <= *level).flat_map(|row| row.1.clone()).collect()
            }
            "nothing" => BTreeSet::new(),
            list => list.split(", ").map(str::to_owned).collect(),
        };
        if *level >= 2 {
            set.insert(String::from("telemetry"));
        }
        for name in names {
            layers.insert(name.clone(), set.clone());
        }
    }
    assert!(header.contains("//! telemetry: usable from L2 up"), "that rule is built in here");
    layers.insert(String::from("telemetry"), BTreeSet::from([String::from("base")]));
    layers
}

fn trespasses(layers: &Layers, path: &Path, text: &str) -> Vec<String> {
    let top = path.iter().nth(1).expect("below src").to_string_lossy();
    let module = top.strip_suffix(".rs").unwrap_or(&top).to_owned();
    let Some(allowed) = layers.get(&module) else {
        return vec![format!("{}: '{module}' is not in the layer table", path.display())];
    };
    let imports = Facts::of(text).imports.into_iter();
    imports
        .filter(|(_, target)| *target != module && layers.contains_key(target))
        .filter(|(_, target)| !allowed.contains(target))
        .map(|(line, target)| format!("{}:{line}: {module} imports {target}", path.display()))
        .collect()
}

#[test]
fn modules_import_only_what_is_below_them() {
    let layers = layers(&fs::read_to_string(root().join("src/lib.rs")).unwrap());
    let mut problems = Vec::new();
    for (path, text) in rust_files() {
        let is_root = path == Path::new("src/lib.rs") || path == Path::new("src/main.rs");
        if path.starts_with("src") && !is_root {
            problems.extend(trespasses(&layers, &path, &text));
        }
    }
    none(&problems);
}

/// The rules themselves: each finds what it is there for.
mod the_rules {
    use super::*;

    #[test]
    fn layers_are_read_from_the_header_and_held() {
        let layers = layers(&fs::read_to_string(root().join("src/lib.rs")).unwrap());
        let found = |path: &str, text: &str| trespasses(&layers, Path::new(path), text).len();
        assert_eq!(found("src/domain/asset.rs", "use crate::base::Error;"), 0);
        assert_eq!(found("src/domain/asset.rs", "use crate::store::Tx;"), 1);
        assert_eq!(found("src/domain/asset.rs", "fn f() { crate::http::ui::mount() }"), 1);
        assert_eq!(found("src/store/tx.rs", "use crate::{base::Error, domain::{a, b}};"), 1);
        assert_eq!(found("src/http/api/x.rs", "use crate::store::Tx;"), 1);
        assert_eq!(found("src/http/api/x.rs", "use crate::telemetry::metrics;"), 0);
        assert_eq!(found("src/base/x.rs", "use crate::telemetry::metrics;"), 1);
        assert_eq!(found("src/app.rs", "use crate::{config, http, services, store};"), 0);
        assert_eq!(found("src/base/x.rs", "#[cfg(test)] mod t { use crate::store::Tx; }"), 0);
        assert_eq!(found("src/elsewhere/x.rs", ""), 1);
    }

    #[test]
    fn unwraps_in_tests_do_not_count() {
        let facts = Facts::of(
            "fn a() { x.unwrap(); y.unwrap_or(1); z!(q.unwrap()) }\n\
             #[cfg(test)] mod t { fn b() { x.unwrap() } }\n\
             #[tokio::test]\n async fn c() { x.unwrap() }\n\
             fn d() { x.unwrap() }",
        );
        assert_eq!(facts.unwraps, [1, 1, 5]);
    }

    #[test]
    fn foreign_redb_is_told_from_our_own() {
        let facts = Facts::of("use redb::Database;\nuse self::redb::Engine;\nmod redb;");
        assert_eq!(facts.redb, [1]);
    }

    #[test]
    fn functions_are_measured_from_their_name_to_their_last_brace() {
        let facts = Facts::of("#[doc = \"x\"]\nfn a(f: fn(u8) -> u8)\nwhere\n{\n}\nfn b() {}");
        let a = (String::from("a"), 2, 4);
        assert_eq!(facts.functions, [a, (String::from("b"), 6, 1)]);
    }
}
