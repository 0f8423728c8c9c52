//! Password hashing (argon2id, PHC strings) and random secrets.

use std::fmt::Write as _;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::base::secret::Secret;
use crate::base::{Error, Result, limits};

/// Hashes and verifies passwords, at most [`limits::PASSWORD_HASHES`] at once and never on
/// an async thread: each takes 19 MiB and tens of milliseconds.
#[derive(Debug, Clone)]
pub struct Hasher(Arc<Semaphore>);

impl Default for Hasher {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(limits::PASSWORD_HASHES)))
    }
}

/// A hash of nothing anybody knows: verified when there is no such account, so that the
/// answer takes as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZS1zYWx0LWZvci1ub2JvZHk$BG9MwnMSkUkhjFzOXEOAvbUcQz9Vrq3h3MYsMZ1mQ6E";

impl Hasher {
    /// The PHC string of a password.
    pub async fn hash(&self, password: Secret) -> Result<String> {
        self.run(move || {
            let hash = Argon2::default().hash_password(password.expose().as_bytes());
            hash.map(|h| h.to_string())
                .map_err(|e| Error::internal(format!("cannot hash a password: {e}")))
        })
        .await?
    }

    /// Whether the password is the one of the hash; `None` takes as long and says no.
    pub async fn verify(&self, password: Secret, hash: Option<String>) -> Result<bool> {
        self.run(move || {
            let text = hash.as_deref().unwrap_or(NOBODY);
            let parsed = PasswordHash::new(text)
                .map_err(|e| Error::internal(format!("a stored password hash is damaged: {e}")))?;
            let matches =
                Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok();
            Ok(matches && hash.is_some())
        })
        .await?
    }

    async fn run<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _permit =
            self.0.acquire().await.map_err(|_| Error::internal("password hashing has ended"))?;
        tokio::task::spawn_blocking(f)
            .await
            .map_err(|e| Error::internal("password hashing failed").with_source(e))
    }
}

/// Checks a new password's length (NIST SP 800-63B §5.1.1.2: length, not composition).
pub fn check(password: &str) -> Result<()> {
    if password.chars().count() < limits::PASSWORD_CHARS_MIN {
        return Err(Error::field(
            "/password",
            format!("it needs at least {} characters", limits::PASSWORD_CHARS_MIN),
        ));
    }
    if password.len() > limits::PASSWORD_BYTES {
        return Err(Error::field(
            "/password",
            format!("it may have at most {} bytes", limits::PASSWORD_BYTES),
        ));
    }
    Ok(())
}

/// A new secret of 256 random bits, in URL-safe text.
pub fn random_secret() -> Result<Secret> {
    use base64::Engine as _;
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal(format!("no randomness: {e}")))?;
    Ok(Secret::new(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)))
}

/// SHA-256, hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, b| {
        write!(text, "{b:02x}").expect("writing to a String cannot fail");
        text
    })
}

/// Compares two secrets in time that does not depend on where they differ.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hashes_verify_and_nobody_never_does() {
        let hasher = Hasher::default();
        let secret = |s: &str| Secret::new(s.to_owned());
        let hash = hasher.hash(secret("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$"));
        assert!(hasher.verify(secret("correct horse"), Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify(secret("wrong horse"), Some(hash)).await.unwrap());
        assert!(!hasher.verify(secret("correct horse"), None).await.unwrap());
    }

    #[test]
    fn secrets_differ_and_compare() {
        let (a, b) = (random_secret().unwrap(), random_secret().unwrap());
        assert_ne!(a.expose(), b.expose());
        assert_eq!(a.expose().len(), 43);
        assert!(same("abc", "abc") && !same("abc", "abd") && !same("abc", "ab"));
    }
}
