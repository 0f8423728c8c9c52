//! A client that sends exactly the bytes it is told, and reads answers to the letter.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest wait for anything: a test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// One connection.
pub struct Client {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

/// One answer. Header names are in lower case; repeated ones are joined by commas.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as a problem of this status and code.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> serde_json::Value {
        assert_eq!(
            (self.status, self.header("content-type")),
            (status, "application/problem+json")
        );
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(json["code"], code, "{json}");
        assert_eq!(json["status"], status);
        assert_eq!(json["type"], format!("/docs/problems#{code}"));
        assert_eq!(json["request_id"], self.header("x-request-id"));
        assert!(!self.header("x-request-id").is_empty());
        json
    }
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), buffer: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// Sends a request with these header lines (each with its `\r\n`) and reads the answer.
    pub async fn request(&mut self, line: &str, headers: &str, body: &str) -> Answer {
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("content-length: {}\r\n", body.len())
        };
        let head = format!("{line} HTTP/1.1\r\nhost: test\r\n{headers}{length}\r\n{body}");
        self.send(head).await.unwrap();
        let is_head = line.starts_with("HEAD ");
        self.answer(is_head).await.unwrap()
    }

    pub async fn get(&mut self, path: &str, headers: &str) -> Answer {
        self.request(&format!("GET {path}"), headers, "").await
    }

    /// Reads one answer; `without_body` for HEAD.
    pub async fn answer(&mut self, without_body: bool) -> Result<Answer> {
        tokio::time::timeout(PATIENCE, self.read_answer(without_body))
            .await
            .map_err(|_| Error::new(ErrorKind::TimedOut, "no answer"))?
    }

    /// Waits until the server closes; true if it did within `wait`.
    pub async fn closed_within(&mut self, wait: Duration) -> bool {
        let mut scratch = vec![0; 65536];
        let all = async { while self.stream.read(&mut scratch).await.is_ok_and(|n| n > 0) {} };
        tokio::time::timeout(wait, all).await.is_ok()
    }

    async fn read_answer(&mut self, without_body: bool) -> Result<Answer> {
        let (mut status, mut headers) = self.head().await?;
        while status == 100 {
            (status, headers) = self.head().await?;
        }
        let bodiless = without_body || status == 204 || status == 304;
        let length = headers.get("content-length").map(|l| l.parse::<usize>().unwrap());
        let body = if bodiless {
            Vec::new()
        } else if headers.get("transfer-encoding").is_some_and(|t| t == "chunked") {
            self.chunks().await?
        } else {
            self.take(length.expect("an answer has a length or chunks")).await?
        };
        Ok(Answer { status, headers, body })
    }

    async fn head(&mut self) -> Result<(u16, BTreeMap<String, String>)> {
        let status = self.line().await?;
        let mut headers = BTreeMap::<String, String>::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(": ") else { break };
            headers
                .entry(name.to_lowercase())
                .and_modify(|v| *v = format!("{v}, {value}"))
                .or_insert_with(|| value.to_owned());
        }
        Ok((status[9..12].parse().unwrap(), headers))
    }

    async fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line().await?, 16).unwrap();
            body.extend(self.take(size).await?);
            self.line().await?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    async fn line(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|w| w == b"\r\n") {
                let line = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                self.buffer.drain(..end + 2);
                return Ok(line);
            }
            self.fill().await?;
        }
    }

    async fn take(&mut self, n: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < n {
            self.fill().await?;
        }
        Ok(self.buffer.drain(..n).collect())
    }

    async fn fill(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

impl From<TcpStream> for Client {
    fn from(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }
}
