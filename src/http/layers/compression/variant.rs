//! ETags of encoded answers. A strong ETag names bytes, so each encoding needs its own
//! (RFC 9110 §8.8.3.3): `"7"` is sent as `"7-gzip"`. Handlers see only `"7"`.

use poem::Response;
use poem::http::{HeaderMap, HeaderValue, StatusCode, header};

use super::codec::Encoding;
use crate::http::layers::etag::Condition;

/// Takes our suffixes off the conditions of a request; gives the tags that had one.
pub(super) fn strip(headers: &mut HeaderMap) -> Vec<String> {
    let mut asked = Vec::new();
    for name in [header::IF_NONE_MATCH, header::IF_MATCH] {
        let Some(Condition::Tags(tags)) = Condition::read(headers, name.clone()) else { continue };
        let bare: Vec<String> = tags.iter().map(|tag| without_suffix(tag)).collect();
        if bare == tags {
            continue;
        }
        if let Ok(value) = HeaderValue::from_str(&bare.join(", ")) {
            headers.insert(name, value);
            asked.extend(tags);
        }
    }
    asked
}

/// A 304 repeats the tag of the variant that the client has.
pub(super) fn restore(response: &mut Response, asked: &[String]) {
    if response.status() != StatusCode::NOT_MODIFIED {
        return;
    }
    let Some(etag) = response.header(header::ETAG) else { return };
    let Some(variant) = asked.iter().find(|tag| without_suffix(tag) == etag) else { return };
    if let Ok(value) = HeaderValue::from_str(variant) {
        response.headers_mut().insert(header::ETAG, value);
    }
}

/// Adds the suffix to a strong ETag that has none.
pub(super) fn mark(headers: &mut HeaderMap, encoding: Encoding) {
    let Some(etag) = headers.get(header::ETAG).and_then(|v| v.to_str().ok()) else { return };
    let Some(inside) = etag.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else { return };
    if without_suffix(etag) != etag {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&format!("\"{inside}-{}\"", encoding.name())) {
        headers.insert(header::ETAG, value);
    }
}

fn without_suffix(tag: &str) -> String {
    Encoding::ALL
        .iter()
        .find_map(|e| tag.strip_suffix(&format!("-{}\"", e.name())))
        .map_or_else(|| tag.to_owned(), |start| format!("{start}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_see_plain_tags_and_clients_their_variant() {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, r#""7-gzip", "8""#.parse().unwrap());
        let asked = strip(&mut headers);
        assert_eq!(headers[header::IF_NONE_MATCH], r#""7", "8""#);
        let mut response =
            Response::builder().status(StatusCode::NOT_MODIFIED).header("etag", "\"7\"").finish();
        restore(&mut response, &asked);
        assert_eq!(response.headers()["etag"], "\"7-gzip\"");
    }

    #[test]
    fn marks_once_and_only_strong_tags() {
        let marked = |etag: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ETAG, etag.parse().unwrap());
            mark(&mut headers, Encoding::Zstd);
            headers[header::ETAG].to_str().unwrap().to_owned()
        };
        assert_eq!(marked("\"7\""), "\"7-zstd\"");
        assert_eq!(marked("\"7-zstd\""), "\"7-zstd\"");
        assert_eq!(marked("W/\"7\""), "W/\"7\"");
    }
}
