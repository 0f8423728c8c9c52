//! The embedded dashboard as browsers and proxies meet it.

use poem::http::{Method, StatusCode};
use poem::{Endpoint, Request, Response, Route, handler};
use vulnzero::base::error::Code;
use vulnzero::http::ui;

#[handler]
fn ready() -> &'static str {
    "ready"
}

/// Everything mounted as the server does it, with one route of its own.
async fn ask(method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let routes = ui::mount(Route::new().at("/health/ready", ready), ui::Docs);
    let mut request = Request::builder().method(method).uri_str(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    routes.get_response(request.finish()).await
}

async fn get(path: &str, headers: &[(&str, &str)]) -> Response {
    ask(Method::GET, path, headers).await
}

fn text<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map(|v| v.to_str().unwrap()).unwrap_or_default()
}

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");

#[tokio::test]
async fn the_list_of_problems_has_every_code() {
    let response = get("/docs/problems", &[]).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(&response, "content-type"), "text/html; charset=utf-8");
    let etag = text(&response, "etag").to_owned();
    let page = response.into_body().into_string().await.unwrap();
    for code in Code::ALL {
        assert!(page.contains(&format!("id=\"{}\"", code.slug())), "{code:?}");
    }
    let again = get("/docs/problems", &[("if-none-match", &etag)]).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let sheet = get("/docs/problems.css", &[]).await;
    assert_eq!(text(&sheet, "content-type"), "text/css; charset=utf-8");
}

#[tokio::test]
async fn what_is_no_page_is_not_found() {
    for path in [
        "/static/none.js",
        "/static/none",
        "/none.png",
        "/api/v1/none",
        "/api",
        "/docs/none",
        "/metrics/none",
        "/health/none",
        "/openapi.json",
        "/index.html.br",
        "/..",
        "/%2e%2e/Cargo.toml",
    ] {
        let response = get(path, &[BROWSER]).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(get("/health/ready", &[BROWSER]).await.status(), StatusCode::OK);
}

#[cfg(feature = "ui")]
mod embedded {
    use vulnzero::http::layers::compression::Accepted;

    use super::*;

    /// The script that the page loads; its name contains a hash.
    async fn script() -> String {
        let page = get("/", &[]).await.into_body().into_string().await.unwrap();
        let at = page.find("/static/").expect("the page loads a script or a style sheet");
        page[at..].split('"').next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn this_build_has_a_real_dashboard() {
        let (embedded, placeholder) = (ui::IS_EMBEDDED, ui::UI_IS_PLACEHOLDER);
        assert!(embedded && !placeholder, "Node.js was missing when this was built");
        let page = get("/", &[]).await.into_body().into_string().await.unwrap();
        assert!(page.to_ascii_lowercase().starts_with("<!doctype html>"), "{page}");
        assert!(!page.contains("https://"), "the page must not need any other server: {page}");
    }

    #[tokio::test]
    async fn the_page_is_always_asked_for_again_and_hashed_files_never() {
        let page = get("/", &[]).await;
        assert_eq!(text(&page, "cache-control"), "no-cache");
        let script = get(&script().await, &[]).await;
        assert_eq!(script.status(), StatusCode::OK);
        assert_eq!(text(&script, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(text(&script, "vary"), "Accept-Encoding");
    }

    #[tokio::test]
    async fn every_address_of_the_router_gets_the_page_and_only_for_people() {
        for path in ["/findings", "/findings/12", "/login", "/healthy", "/assetsx/1", "/a/b/c/"] {
            let page = get(path, &[BROWSER]).await;
            assert_eq!(page.status(), StatusCode::OK, "{path}");
            assert_eq!(text(&page, "content-type"), "text/html; charset=utf-8", "{path}");
            for accept in ["application/json", "*/*", "text/html;q=0"] {
                let other = get(path, &[("accept", accept)]).await;
                assert_eq!(other.status(), StatusCode::NOT_FOUND, "{path} {accept}");
            }
        }
        let post = ask(Method::POST, "/findings", &[BROWSER]).await;
        assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(text(&post, "allow"), "GET, HEAD");
    }

    #[tokio::test]
    async fn each_encoding_has_its_own_tag_and_bytes() {
        let mut tags = Vec::new();
        let mut sizes = Vec::new();
        for (accept, encoding) in [("br, zstd", "br"), ("zstd", "zstd"), ("identity", "")] {
            let path = "/docs/swagger-ui-bundle.js";
            let response = get(path, &[("accept-encoding", accept)]).await;
            assert_eq!(text(&response, "content-encoding"), encoding);
            let tag = text(&response, "etag").to_owned();
            assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 30, "{tag}");
            let headers = [("accept-encoding", accept), ("if-none-match", tag.as_str())];
            let known = get(path, &headers).await;
            assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
            assert_eq!((text(&known, "etag"), text(&known, "vary")), (&*tag, "Accept-Encoding"));
            assert_eq!(text(&known, "content-encoding"), "");
            let head = ask(Method::HEAD, path, &[("accept-encoding", accept)]).await;
            let length: usize = text(&head, "content-length").parse().unwrap();
            let bytes = response.into_body().into_bytes().await.unwrap();
            assert_eq!(length, bytes.len());
            assert!(head.into_body().into_bytes().await.unwrap().is_empty());
            tags.push(tag);
            sizes.push(bytes.len());
        }
        tags.dedup();
        assert_eq!(tags.len(), 3);
        assert!(sizes[0] < sizes[1] && sizes[1] * 3 < sizes[2], "{sizes:?}");
    }

    #[tokio::test]
    async fn what_the_compression_layer_allows_counts() {
        let request = || {
            let request = Request::builder().uri_str("/docs/swagger-ui-bundle.js");
            request.header("accept-encoding", "br, gzip")
        };
        let routes = ui::mount(Route::new(), ui::Docs);
        let free = routes.get_response(request().finish()).await;
        assert_eq!(text(&free, "content-encoding"), "br");
        let mut bound = request().finish();
        bound.set_data(Accepted::identity());
        let plain = routes.get_response(bound).await;
        assert_eq!((plain.status(), text(&plain, "content-encoding")), (StatusCode::OK, ""));
    }

    #[tokio::test]
    async fn weak_and_listed_tags_are_known_and_others_are_not() {
        let tag = text(&get("/", &[]).await, "etag").to_owned();
        let listed = [format!("\"a\", {tag}"), format!("\"a,b\",W/{tag}")];
        for known in listed.into_iter().chain([tag.clone(), format!("W/{tag}"), "*".into()]) {
            let response = get("/", &[("if-none-match", &known)]).await;
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
        }
        let response = get("/", &[("if-none-match", "\"a\"")]).await;
        assert_eq!(response.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn the_documentation_needs_no_other_server() {
        for path in ["/docs", "/docs/"] {
            let page = get(path, &[]).await;
            assert_eq!(page.status(), StatusCode::OK, "{path}");
            assert_eq!(text(&page, "content-security-policy"), ui::DOCS_CSP);
            let page = page.into_body().into_string().await.unwrap();
            assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
            assert!(!page.contains("<script>") && !page.contains("style="), "{page}");
            for part in page.split('"').filter(|part| part.starts_with("/docs/")) {
                assert_eq!(get(part, &[]).await.status(), StatusCode::OK, "{part}");
            }
        }
        let script = get("/docs/init.js", &[]).await.into_body().into_string().await.unwrap();
        assert!(script.contains("/openapi.json") && script.contains("X-CSRF-Token"));
    }
}
