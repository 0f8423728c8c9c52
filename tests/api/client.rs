//! A client that speaks as somebody: nobody, a token, a browser session.

use serde_json::Value;
use ureq::http;

use super::document;

/// By what the server knows a client.
#[derive(Debug, Clone)]
pub enum Auth {
    Nobody,
    Token(String),
    Session { cookie: String, csrf: String },
}

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    url: String,
    pub auth: Auth,
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Vec<u8>,
}

impl Client {
    pub fn new(url: &str, auth: Auth) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(std::time::Duration::from_mins(1)))
            .build();
        Self { agent: config.into(), url: url.to_owned(), auth }
    }

    /// The same server, as somebody else.
    pub fn with(&self, auth: Auth) -> Self {
        Self { auth, ..self.clone() }
    }

    /// Sends a request; `path` is below `/api/v1` unless it begins with a dot (`./health`).
    #[track_caller]
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        let path = match path.strip_prefix('.') {
            Some(path) => path.to_owned(),
            None => format!("/api/v1{path}"),
        };
        let mut request =
            http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        match &self.auth {
            Auth::Nobody => {}
            Auth::Token(token) => {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            Auth::Session { cookie, csrf } => {
                request = request.header("cookie", format!("vulnzero_session={cookie}"));
                if !csrf.is_empty() {
                    request = request.header("x-csrf-token", csrf);
                }
            }
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            Some(body) => self.agent.run(request.body(body).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let response = response.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        let (parts, mut body) = response.into_parts();
        let body = body.with_config().limit(64 << 20).read_to_vec().unwrap();
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, body };
        document::hold(method, &path, answer.status, answer.header("content-type"), &answer.body);
        answer
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None)
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.send("POST", path, &json, Some(body.to_string().as_bytes()))
    }

    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        let json = [("content-type", "application/merge-patch+json")];
        self.send("PATCH", path, &json, Some(body.to_string().as_bytes()))
    }

    /// Uploads a report; waits until it is applied unless the path says otherwise.
    #[track_caller]
    pub fn import(&self, query: &str, report: &[u8]) -> Answer {
        self.send("POST", &format!("/imports{query}"), &[], Some(report))
    }

    /// All rows of a list, page by page.
    #[track_caller]
    pub fn all(&self, path: &str) -> Vec<Value> {
        let glue = if path.contains('?') { '&' } else { '?' };
        let mut rows = Vec::new();
        let mut next = String::new();
        loop {
            let page = self.get(&format!("{path}{glue}page_size=1000{next}")).ok(200);
            rows.extend(page["items"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => return rows,
            }
        }
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body).unwrap() }
    }

    /// The body as a problem of this status and code.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let json = self.ok(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(json["code"], code, "{json}");
        assert_eq!(json["status"], status);
        assert_eq!(json["type"], format!("/docs/problems#{code}"));
        assert_eq!(json["request_id"], self.header("x-request-id"));
        assert!(!json["remedy"].as_str().unwrap().is_empty());
        json
    }

    /// Places of what is wrong, in the order of the answer.
    #[track_caller]
    pub fn pointers(&self, status: u16) -> Vec<String> {
        let json = self.ok(status);
        let errors = json["errors"].as_array().unwrap_or_else(|| panic!("no errors in {json}"));
        errors.iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect()
    }

    /// Name and value of the cookie that is set, and its attributes.
    pub fn cookie(&self) -> (String, Vec<String>) {
        let mut parts = self.header("set-cookie").split("; ").map(str::to_owned);
        let pair = parts.next().unwrap_or_default();
        (pair.strip_prefix("vulnzero_session=").unwrap_or_default().to_owned(), parts.collect())
    }
}
