//! Query parameters of lists, and conditions on versions, read from the record's
//! declarations: what may be filtered, sorted, included.

use poem::http::{HeaderMap, header};
use poem::{FromRequest, Request, RequestBody};

use super::layers::etag::Condition;
use super::problem::Problem;
use crate::base::page::stable_hash;
use crate::base::record::Record;
use crate::base::{Code, Error, Result, limits};
use crate::services::exports::{self, Exported, Wanted};
use crate::services::listing::{Related, Relation};
use crate::services::query::{self, Filter, Query, Window};

/// The parameters of a list of `R`.
pub struct ListParams<R: Record> {
    /// Filters, order and page.
    pub query: Query,
    /// Number of the page; `None` if it was asked for by cursor only.
    pub page: Option<u64>,
    /// Fields to keep of each row; all if `None`.
    pub fields: Option<Vec<String>>,
    /// Related records that are wanted too.
    pub include: Vec<Relation<R>>,
    /// Identifies the parameters, for the ETag.
    pub hash: u64,
    /// Headers of the request, for conditions.
    pub headers: HeaderMap,
}

/// The parameters of a count by facets of `R`.
pub struct FacetParams<R: Record> {
    /// Filters.
    pub filters: Vec<Filter>,
    /// Facets to count.
    pub fields: Vec<String>,
    of: std::marker::PhantomData<fn() -> R>,
}

/// The parameters of an export of `R`.
pub struct ExportParams<R: Record> {
    /// What is wanted.
    pub wanted: Wanted,
    of: std::marker::PhantomData<fn() -> R>,
}

/// Name and value pairs of a query string, in order.
fn pairs(req: &Request) -> Vec<(String, String)> {
    form_urlencoded::parse(req.uri().query().unwrap_or_default().as_bytes()).into_owned().collect()
}

fn wrong(name: &str, detail: impl Into<String>) -> Error {
    let detail = detail.into();
    Error::new(Code::BadRequest, format!("{name}: {detail}")).with_field(name, detail)
}

/// A parameter that may stand once.
fn once<'a>(pairs: &'a [(String, String)], name: &str) -> Result<Option<&'a str>> {
    let mut values = pairs.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(wrong(name, "it stands there twice")),
        (value, None) => Ok(value),
    }
}

fn number(pairs: &[(String, String)], name: &str, default: u64, max: u64) -> Result<u64> {
    let Some(text) = once(pairs, name)? else { return Ok(default) };
    let range = 1..=max;
    text.parse()
        .ok()
        .filter(|n| range.contains(n))
        .ok_or_else(|| wrong(name, format!("'{text}' is not a whole number from 1 to {max}")))
}

fn filters<R: Record>(pairs: &[(String, String)], reserved: &[&str]) -> Result<Vec<Filter>> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in pairs.iter().filter(|(n, _)| !reserved.contains(&n.as_str())) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
        .into_iter()
        .map(|name| {
            let values: Vec<&str> =
                pairs.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect();
            query::parse_filter::<R>(name, &values)
        })
        .collect()
}

const OF_LISTS: &[&str] = &["page", "page_size", "cursor", "sort", "fields", "include"];

impl<R: Related> ListParams<R> {
    fn read(req: &Request) -> Result<Self> {
        let pairs = pairs(req);
        let size = number(&pairs, "page_size", limits::PAGE_SIZE, limits::PAGE_SIZE_MAX)?;
        let page = number(&pairs, "page", 1, limits::OFFSET_MAX)?;
        let (window, page) = match once(&pairs, "cursor")? {
            // The cursor decides; a number only numbers the answer.
            Some(cursor) => {
                let page = once(&pairs, "page")?.map(|_| page);
                (Window::After(cursor.to_owned()), page)
            }
            None => (Window::Offset((page - 1) * size), Some(page)),
        };
        let sort = query::parse_sort::<R>(once(&pairs, "sort")?.unwrap_or(R::DEFAULT_SORT))?;
        let query = Query { filters: filters::<R>(&pairs, OF_LISTS)?, sort, window, limit: size };
        Ok(Self {
            query,
            page,
            fields: words(&pairs, "fields")?,
            include: includes::<R>(&pairs)?,
            hash: stable_hash(req.uri().query().unwrap_or_default().as_bytes()),
            headers: req.headers().clone(),
        })
    }
}

/// Comma-separated words.
fn words(pairs: &[(String, String)], name: &str) -> Result<Option<Vec<String>>> {
    let Some(text) = once(pairs, name)? else { return Ok(None) };
    let words: Vec<String> = text.split(',').map(|w| w.trim().to_owned()).collect();
    if words.len() > 100 || words.iter().any(String::is_empty) {
        return Err(wrong(name, "give 1 to 100 names with commas between"));
    }
    Ok(Some(words))
}

fn includes<R: Related>(pairs: &[(String, String)]) -> Result<Vec<Relation<R>>> {
    let names = words(pairs, "include")?.unwrap_or_default();
    names
        .iter()
        .map(|name| {
            R::RELATIONS.iter().find(|r| r.name == name).copied().ok_or_else(|| {
                let known: Vec<_> = R::RELATIONS.iter().map(|r| r.name).collect();
                wrong("include", format!("'{name}' is none of: {}", known.join(", ")))
            })
        })
        .collect()
}

impl<'a, R: Related> FromRequest<'a> for ListParams<R> {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self::read(req).map_err(Problem::from)?)
    }
}

impl<R: Related + Exported> ExportParams<R> {
    fn read(req: &Request) -> Result<Self> {
        let pairs = pairs(req);
        let formats = || exports::formats::<R>().join(", ");
        let format = once(&pairs, "format")?
            .ok_or_else(|| wrong("format", format!("name one of: {}", formats())))?;
        let sort = query::parse_sort::<R>(once(&pairs, "sort")?.unwrap_or(R::DEFAULT_SORT))?;
        let filters = filters::<R>(&pairs, &["format", "sort"])?;
        let query = Query { filters, sort, window: Window::Offset(0), limit: limits::PAGE_SIZE };
        let text = req.uri().query().unwrap_or_default().to_owned();
        let wanted = Wanted { format: format.to_owned(), query, text };
        Ok(Self { wanted, of: std::marker::PhantomData })
    }
}

impl<'a, R: Related + Exported> FromRequest<'a> for ExportParams<R> {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self::read(req).map_err(Problem::from)?)
    }
}

impl<'a, R: Related> FromRequest<'a> for FacetParams<R> {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let pairs = pairs(req);
        let read = || -> Result<Self> {
            let fields = match words(&pairs, "fields")? {
                Some(fields) => fields,
                None => R::fields()
                    .iter()
                    .filter(|f| f.facet && !f.multi)
                    .map(|f| f.name.to_owned())
                    .collect(),
            };
            if fields.len() > 16 {
                return Err(wrong("fields", "at most 16 facets at once"));
            }
            Ok(Self {
                filters: filters::<R>(&pairs, &["fields"])?,
                fields,
                of: std::marker::PhantomData,
            })
        };
        Ok(read().map_err(Problem::from)?)
    }
}

/// The key that a client gave to its request, if it did.
pub struct IdempotencyKey(pub Option<String>);

impl<'a> FromRequest<'a> for IdempotencyKey {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let Some(value) = req.headers().get("idempotency-key") else { return Ok(Self(None)) };
        let text = value.to_str().map_err(|_| {
            Problem::from(wrong("Idempotency-Key", "it must be of visible ASCII characters"))
        })?;
        Ok(Self(Some(text.to_owned())))
    }
}

/// The version that `If-Match` names, if there is such a header.
pub struct IfMatch(pub Option<u64>);

impl<'a> FromRequest<'a> for IfMatch {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(expected_version(req.headers()).map_err(Problem::from)?))
    }
}

/// A record's tag is `"version-hash"`; what follows the version does not matter here.
fn expected_version(headers: &HeaderMap) -> Result<Option<u64>> {
    let tags = match Condition::read(headers, header::IF_MATCH) {
        None | Some(Condition::Any) => return Ok(None),
        Some(Condition::Tags(tags)) => tags,
    };
    let version =
        |tag: &String| tag.strip_prefix('"')?.trim_end_matches('"').split('-').next()?.parse().ok();
    let none = || Error::new(Code::VersionMismatch, "If-Match names no version of a record");
    tags.iter().find_map(version).ok_or_else(none).map(Some)
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;
    use crate::domain::finding::Finding;

    fn read(query: &str) -> Result<ListParams<Finding>> {
        let uri = format!("/x?{query}").parse().unwrap();
        ListParams::read(&Request::builder().uri(uri).finish())
    }

    #[test]
    fn filters_pages_and_orders_are_read_and_mistakes_are_named() {
        let p = read("severity=critical,high&severity=low&priority_score=70..&page=3&page_size=10&sort=-first_seen,id").unwrap();
        assert_eq!(p.query.window, Window::Offset(20));
        assert_eq!(p.query.filters.len(), 2);
        for (query, name) in [
            ("severity=terrible", "severity"),
            ("colour=red", "colour"),
            ("page=0", "page"),
            ("page_size=1001", "page_size"),
            ("sort=nothing", "sort"),
            ("include=friends", "include"),
            ("page=1&page=2", "page"),
            ("first_seen=soon", "first_seen"),
            ("priority_score=..", "priority_score"),
            ("fields=a,,b", "fields"),
        ] {
            let e = read(query).err().expect(query);
            assert_eq!(e.fields()[0].pointer, name, "{query}: {e}");
        }
    }

    #[test]
    fn if_match_reads_the_version_of_each_variant() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MATCH, HeaderValue::from_static(text));
            expected_version(&headers)
        };
        assert_eq!(of("\"7-00ff\"").unwrap(), Some(7));
        assert_eq!(of("\"7-00ff-gzip\"").unwrap(), Some(7));
        assert_eq!(of("\"7\"").unwrap(), Some(7));
        assert_eq!(of("*").unwrap(), None);
        assert_eq!(expected_version(&HeaderMap::new()).unwrap(), None);
        assert_eq!(of("W/\"7\"").unwrap_err().code(), Code::VersionMismatch);
        assert_eq!(of("\"x\"").unwrap_err().code(), Code::VersionMismatch);
    }
}
