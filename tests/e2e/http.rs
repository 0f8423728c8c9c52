//! A small HTTP/1.1 client over one connection that is kept open. It exists because the
//! tests must send half a request, and the benchmarks must cost less than the server.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// An open connection of one caller.
pub struct Connection {
    stream: BufReader<TcpStream>,
    head: String,
}

/// What the server said.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether the request was granted.
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON; `null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Connection {
    /// Connects as whoever has `token`.
    pub fn open(address: SocketAddr, token: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(2)))?;
        let head = format!("Host: {address}\r\nAuthorization: Bearer {token}\r\n");
        Ok(Self { stream: BufReader::with_capacity(64 << 10, stream), head })
    }

    /// From now on nobody in particular asks.
    pub fn anonymous(&mut self) {
        let host = self.head.lines().next().unwrap_or_default();
        self.head = format!("{host}\r\n");
    }

    /// Sends a request with a JSON body, or without one if it is empty.
    pub fn send(&mut self, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        self.begin(method, path, body.len() as u64, kind)?;
        self.more(body.as_bytes())?;
        self.answer()
    }

    /// Sends the head of a request whose body has `length` bytes.
    pub fn begin(&mut self, method: &str, path: &str, length: u64, more: &str) -> io::Result<()> {
        let length = match (length, method) {
            (0, "GET") => String::new(),
            (n, _) => format!("Content-Length: {n}\r\n"),
        };
        let head = format!("{method} {path} HTTP/1.1\r\n{}{more}{length}\r\n", self.head);
        self.more(head.as_bytes())
    }

    /// Sends bytes as they are.
    pub fn more(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads the answer to what was sent.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|s| s.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no status line"))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let find = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|h| &h.1);
        let body = if let Some(length) = find("content-length") {
            let mut body = vec![0; length.parse().map_err(io::Error::other)?];
            self.stream.read_exact(&mut body)?;
            body
        } else if find("transfer-encoding").is_some() {
            self.chunks()?
        } else {
            Vec::new()
        };
        Ok(Answer { status, body })
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
            let start = body.len();
            body.resize(start + length, 0);
            self.stream.read_exact(&mut body[start..])?;
            self.line()?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}
