//! Set-up of the log: lines for people on a terminal, JSON for machines elsewhere.
//!
//! Everything goes to standard error. Which events exist is the business of the code that
//! writes them; `vulnzero::access` is the target of the access log.

use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
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
    let terminal = std::io::stderr().is_terminal();
    let json = match format {
        Format::Auto => !terminal,
        Format::Text => false,
        Format::Json => true,
    };
    let log = if json {
        json_lines(filter, std::io::stderr)?
    } else {
        text_lines(filter, std::io::stderr, terminal)?
    };
    log.try_init().map_err(|e| Error::internal("the log was started twice").with_source(e))
}

/// A log that can be made the process's or a test's.
pub type Log = Box<dyn Subscriber + Send + Sync>;

/// A log of one JSON object a line. In a request, `span.request_id` names it.
pub fn json_lines<W>(filter: &str, to: W) -> Result<Log>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // The id is a field of the current span; the list of all spans would repeat it.
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(to)
        .json()
        .flatten_event(true)
        .with_span_list(false);
    Ok(Box::new(tracing_subscriber::registry().with(parse_filter(filter)?).with(lines)))
}

/// A log of lines for people, in colour or not.
pub fn text_lines<W>(filter: &str, to: W, colour: bool) -> Result<Log>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(to).with_ansi(colour);
    Ok(Box::new(tracing_subscriber::registry().with(parse_filter(filter)?).with(lines)))
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
