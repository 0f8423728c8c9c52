//! Trivy JSON.
use super::{Importer, Report, Sink};
use crate::base::Result;

/// Trivy.
pub struct Trivy;

impl Importer for Trivy {
    fn name(&self) -> &'static str {
        "trivy"
    }
    fn title(&self) -> &'static str {
        "Trivy JSON"
    }
    fn recognises(&self, _head: &[u8]) -> bool {
        false
    }
    fn import(&self, _report: &Report, _sink: &mut Sink<'_>) -> Result<()> {
        Ok(())
    }
    fn example(&self) -> &'static [u8] {
        b""
    }
}
