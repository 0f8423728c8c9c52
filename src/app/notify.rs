//! Telling systemd how we are (`sd_notify(3)`): ready, stopping, alive. Without
//! `NOTIFY_SOCKET` nothing is said.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::store::Store;

/// The socket that systemd listens on.
pub struct Notifier {
    socket: Option<UnixDatagram>,
    /// How often it wants to hear from us, halved as the manual advises.
    watchdog: Option<Duration>,
}

impl Notifier {
    /// From the values of `NOTIFY_SOCKET` and `WATCHDOG_USEC`.
    pub fn new(socket: Option<&str>, watchdog_usec: Option<&str>) -> Self {
        let watchdog =
            watchdog_usec.and_then(|t| t.parse().ok()).map(|n: u64| Duration::from_micros(n) / 2);
        Self { socket: socket.and_then(connect), watchdog }
    }

    /// Requests are being served.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Says that we are alive for as long as the storage answers; never returns.
    pub async fn keep_alive(&self, store: &Store) {
        let Some(pause) = self.watchdog else { return std::future::pending().await };
        loop {
            tokio::time::sleep(pause).await;
            // While the storage is being opened again the server works on it itself.
            if store.read().is_ok() || store.health().trouble.is_some() {
                self.tell("WATCHDOG=1");
            }
        }
    }

    fn tell(&self, state: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(e) = socket.send(state.as_bytes()) {
            tracing::warn!(error = %e, state, "systemd cannot be told");
        }
    }
}

fn connect(path: &str) -> Option<UnixDatagram> {
    let socket = UnixDatagram::unbound().ok()?;
    let connected = match path.strip_prefix('@') {
        Some(name) => connect_abstract(&socket, name),
        None => socket.connect(path),
    };
    if let Err(e) = &connected {
        tracing::warn!(error = %e, path, "NOTIFY_SOCKET cannot be reached");
    }
    connected.ok().map(|()| socket)
}

#[cfg(target_os = "linux")]
fn connect_abstract(socket: &UnixDatagram, name: &str) -> std::io::Result<()> {
    use std::os::linux::net::SocketAddrExt as _;
    socket.connect_addr(&std::os::unix::net::SocketAddr::from_abstract_name(name)?)
}

#[cfg(not(target_os = "linux"))]
fn connect_abstract(_: &UnixDatagram, _: &str) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_hears_both_kinds_of_address() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier::new(path.to_str(), Some("4000000"));
        assert_eq!(notifier.watchdog, Some(Duration::from_secs(2)));
        notifier.ready();
        notifier.stopping();
        let mut buffer = [0; 64];
        for expected in ["READY=1", "STOPPING=1"] {
            let n = listener.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..n], expected.as_bytes());
        }
        Notifier::new(None, None).ready();
    }
}
