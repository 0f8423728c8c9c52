//! Set-up of the log: lines for people on a terminal, JSON for machines elsewhere.
//!
//! Everything goes to standard error. Which events exist is the business of the code that
//! writes them; `vulnzero::access` is the target of the access log.

use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::base::{Code, Error, Result};

/// What a log line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// [`Format::Text`] if standard error is a terminal, else [`Format::Json`].
    #[default]
    Auto,
    /// One line for people, with colours on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => {
                Err(Error::field("log.format", format!("'{other}' is none of auto, text and json")))
            }
        }
    }
}

/// Starts the log. `filter` is a level (`info`) or a list of `target=level`
/// (`info,vulnzero::access=warn`). Fails if the filter cannot be read or a log was
/// started before.
pub fn init(format: Format, filter: &str) -> Result<()> {
    let filter = parse_filter(filter)?;
    let terminal = std::io::stderr().is_terminal();
    let json = match format {
        Format::Auto => !terminal,
        Format::Text => false,
        Format::Json => true,
    };
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let started = if json {
        // The request id is a field of the current span; the list of spans would repeat it.
        registry.with(lines.json().flatten_event(true).with_span_list(false)).try_init()
    } else {
        registry.with(lines.with_ansi(terminal)).try_init()
    };
    started.map_err(|e| Error::internal("the log was started twice").with_source(e))
}

fn parse_filter(text: &str) -> Result<EnvFilter> {
    EnvFilter::builder().parse(text).map_err(|e| {
        Error::new(Code::Invalid, format!("log.filter: '{text}' is not a log filter: {e}"))
            .with_field("log.filter", e.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_filters_are_read_or_refused_by_name() {
        assert_eq!("json".parse::<Format>().unwrap(), Format::Json);
        assert!("xml".parse::<Format>().unwrap_err().detail().contains("'xml'"));
        assert!(parse_filter("info,vulnzero::access=warn").is_ok());
        let refused = parse_filter("info,vulnzero=loud").unwrap_err();
        assert_eq!(refused.fields()[0].pointer, "log.filter");
    }
}
