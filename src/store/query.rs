//! Queries: filters, an order, a page. What they may name comes from a record's fields;
//! how they are run is in `plan.rs`.

use crate::base::page::stable_hash;
use crate::base::record::{Field, Index, Kind, Record, Value};
use crate::base::{Code, Error, Result, key, limits};

/// What one filter asks of a field's values.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// One of these.
    In(Vec<Value>),
    /// Between these, both included; `None` is open.
    Range(Option<Value>, Option<Value>),
    /// Text that starts like this.
    Prefix(String),
    /// For each of these, a word that starts like it; without any, everything passes.
    Words(Vec<String>),
}

/// A filter on one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Name of a declared field, or `id`.
    pub field: &'static str,
    /// What is asked.
    pub test: Test,
}

/// One step of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// Name of a declared field with at most one value, or `id`.
    pub field: &'static str,
    /// Largest first.
    pub descending: bool,
}

/// Which part of the result is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// Rows from this one on, counted from 0.
    Offset(u64),
    /// Rows after the one that a cursor names.
    After(String),
}

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// All must hold.
    pub filters: Vec<Filter>,
    /// The order; the number is the last step.
    pub sort: Vec<Sort>,
    /// Which part.
    pub window: Window,
    /// Most rows.
    pub limit: u64,
}

impl Query {
    /// Everything, in the record's default order.
    pub fn all<R: Record>() -> Result<Self> {
        Ok(Self {
            filters: Vec::new(),
            sort: parse_sort::<R>(R::DEFAULT_SORT)?,
            window: Window::Offset(0),
            limit: limits::PAGE_SIZE,
        })
    }

    /// Adds a filter from its text; see [`parse_filter`].
    pub fn filter<R: Record>(mut self, field: &str, texts: &[&str]) -> Result<Self> {
        self.filters.push(parse_filter::<R>(field, texts)?);
        Ok(self)
    }

    /// Identifies filters and order, for cursors.
    #[must_use]
    pub fn hash(&self) -> u64 {
        stable_hash(format!("{:?} {:?}", self.filters, self.sort).as_bytes())
    }
}

/// Name and kind of a field; `id` is one of every record.
pub(super) fn field_kind<R: Record>(name: &str) -> Option<(&'static str, Kind)> {
    if name == "id" {
        return Some(("id", Kind::U64));
    }
    R::field(name).map(|f| (f.name, f.kind))
}

/// Reads a filter: `a,b` is one of several, `x..y` a range (numbers and times), `abc*` a
/// beginning (texts), words for search. A comma or asterisk that is meant is written `\,`
/// or `\*`. Several texts add up like commas.
pub fn parse_filter<R: Record>(name: &str, texts: &[&str]) -> Result<Filter> {
    let (field, kind) = field_kind::<R>(name).ok_or_else(|| unknown_field::<R>(name))?;
    let wrong = |detail: String| {
        Error::new(Code::BadRequest, format!("{name}: {detail}")).with_field(name, detail)
    };
    if kind == Kind::Words {
        let words: Vec<String> =
            texts.iter().flat_map(|t| t.split_whitespace()).map(str::to_lowercase).collect();
        if words.len() > limits::SEARCH_WORDS {
            return Err(wrong(format!("give at most {} words", limits::SEARCH_WORDS)));
        }
        return Ok(Filter { field, test: Test::Words(words) });
    }
    let parts: Vec<Piece> = texts.iter().flat_map(|t| split(t)).collect();
    if parts.is_empty() || parts.len() > limits::FILTER_VALUES {
        return Err(wrong(format!("give one to {} values", limits::FILTER_VALUES)));
    }
    if let [one] = parts.as_slice() {
        if kind == Kind::Text && one.open_end {
            return Ok(Filter { field, test: Test::Prefix(one.text.clone()) });
        }
        if let Some((from, to)) = one.text.split_once("..").filter(|_| kind.is_ordered()) {
            let bound = |t: &str| if t.is_empty() { Ok(None) } else { kind.parse(t).map(Some) };
            let range = Test::Range(bound(from).map_err(wrong)?, bound(to).map_err(wrong)?);
            if range == Test::Range(None, None) {
                return Err(wrong("a range needs at least one end".into()));
            }
            return Ok(Filter { field, test: range });
        }
    }
    let values = parts
        .iter()
        .map(|p| kind.parse(&p.whole()))
        .collect::<Result<Vec<_>, String>>()
        .map_err(wrong)?;
    Ok(Filter { field, test: Test::In(values) })
}

struct Piece {
    text: String,
    open_end: bool,
}

impl Piece {
    fn whole(&self) -> String {
        if self.open_end { format!("{}*", self.text) } else { self.text.clone() }
    }
}

fn split(text: &str) -> Vec<Piece> {
    let mut pieces = vec![Piece { text: String::new(), open_end: false }];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let last = pieces.last_mut().expect("there is always one");
        match c {
            '\\' if chars.peek().is_some_and(|n| ",*\\".contains(*n)) => {
                last.text.extend(chars.next());
            }
            ',' => pieces.push(Piece { text: String::new(), open_end: false }),
            '*' if chars.peek().is_none_or(|n| *n == ',') => last.open_end = true,
            c => last.text.push(c),
        }
    }
    pieces
}

/// Reads an order: field names with commas between, `-` before a field for largest first.
pub fn parse_sort<R: Record>(text: &str) -> Result<Vec<Sort>> {
    let mut sort: Vec<Sort> = Vec::new();
    for step in text.split(',') {
        let (name, descending) = step.strip_prefix('-').map_or((step, false), |name| (name, true));
        let field = sortable::<R>().find(|f| *f == name).ok_or_else(|| {
            let known = sortable::<R>().collect::<Vec<_>>().join(", ");
            let detail = format!("cannot order by '{name}'; use one of: {known}");
            Error::new(Code::BadRequest, format!("sort: {detail}")).with_field("sort", detail)
        })?;
        if sort.iter().any(|s| s.field == field) {
            continue; // A second mention cannot change the order any more.
        }
        sort.push(Sort { field, descending });
    }
    Ok(sort)
}

/// Names that an order may use: `id`, and what some index has first or last or a facet orders.
pub fn sortable<R: Record>() -> impl Iterator<Item = &'static str> {
    let fields = R::fields().iter().filter(|f| is_sortable::<R>(f)).map(|f| f.name);
    std::iter::once("id").chain(fields)
}

fn is_sortable<R: Record>(field: &Field<R>) -> bool {
    let indexed = |i: &Index| {
        i.parts.last().is_some_and(|p| p.field == field.name)
            || super::select::leads::<R>(i, field.name)
    };
    !field.multi && (field.facet || R::indexes().iter().any(indexed))
}

/// Names that a filter may use: `id`, every facet, and what some index has first.
pub fn filterable<R: Record>() -> impl Iterator<Item = (&'static str, Kind, &'static str)> {
    let fields = R::fields()
        .iter()
        .filter(|f| f.facet || R::indexes().iter().any(|i| super::select::leads::<R>(i, f.name)));
    std::iter::once(("id", Kind::U64, "Number.")).chain(fields.map(|f| (f.name, f.kind, f.about)))
}

fn unknown_field<R: Record>(name: &str) -> Error {
    let known = filterable::<R>().map(|f| f.0).collect::<Vec<_>>().join(", ");
    let detail = format!("there is no such parameter; the filters of {} are: {known}", R::TABLE);
    Error::new(Code::BadRequest, format!("{name}: {detail}")).with_field(name, detail)
}

/// How an order compares: keys built from these parts, read backwards if `reverse`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) parts: Vec<(&'static str, bool)>,
    pub(super) reverse: bool,
}

impl Order {
    /// The number is the last step of every order and unique, so steps behind it mean
    /// nothing. Without a word on it, it goes down if everything else does.
    pub(super) fn of(sort: &[Sort]) -> Self {
        let named = sort.iter().position(|s| s.field == "id").unwrap_or(sort.len());
        let reverse = match sort.get(named) {
            Some(id) => id.descending,
            None => !sort.is_empty() && sort.iter().all(|s| s.descending),
        };
        let parts = sort[..named].iter().map(|s| (s.field, s.descending != reverse));
        Self { parts: parts.collect(), reverse }
    }

    /// The key of a record: its parts, then its number.
    pub(super) fn key<R: Record>(&self, record: &R) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        for (field, descending) in &self.parts {
            let value = super::keys::field::<R>(field)
                .values(record)
                .into_iter()
                .next()
                .unwrap_or(Value::Null);
            key::push(&mut out, &value, *descending);
        }
        out.extend_from_slice(&record.head().id.to_be_bytes());
        out
    }
}

/// Whether a record passes a filter, decided on the record itself.
#[must_use]
pub fn passes<R: Record>(filter: &Filter, record: &R) -> bool {
    let values = if filter.field == "id" {
        vec![Value::U64(record.head().id)]
    } else {
        super::keys::field::<R>(filter.field).values(record)
    };
    let any = |test: &dyn Fn(&Value) -> bool| values.iter().any(test);
    match &filter.test {
        Test::In(wanted) => any(&|v| wanted.contains(v)),
        Test::Range(from, to) => any(&|v| {
            *v != Value::Null
                && from.as_ref().is_none_or(|f| f <= v)
                && to.as_ref().is_none_or(|t| v <= t)
        }),
        Test::Prefix(prefix) => {
            any(&|v| matches!(v, Value::Text(t) if t.starts_with(prefix.as_str())))
        }
        Test::Words(words) => {
            words.iter().all(|w| any(&|v| matches!(v, Value::Text(t) if t.starts_with(w.as_str()))))
        }
    }
}
