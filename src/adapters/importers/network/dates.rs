//! Dates as scanners write them for people: `Wed Mar 23 14:31:51 2022`, `2009/09/15`,
//! `05/13/2021 07:08:28`, `Feb 03, 2026 07:00 AM`. What does not say its zone is UTC; what
//! could be two different days is no date.

use jiff::fmt::strtime::BrokenDownTime;

use crate::adapters::importers::lenient;
use crate::base::Timestamp;

/// The forms that are tried.
const FORMS: &[&str] = &[
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%a %b %d %H:%M:%S %Y",
    "%b %d, %Y %I:%M %p",
    "%b %d, %Y %H:%M:%S",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%a, %d %b %Y %H:%M:%S",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M:%S",
];

/// The point in time that `text` is.
#[must_use]
pub fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if !(6..=64).contains(&text.len()) {
        return None;
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.strip_suffix(" UTC").or(text.strip_suffix(" GMT")).unwrap_or(&text);
    lenient::to_time(text)
        .or_else(|| FORMS.iter().find_map(|form| by(form, text)))
        .or_else(|| with_slashes(text, None))
}

/// The same, where `05/06/2021` is known to be month, day, year.
#[must_use]
pub fn read_american(text: &str) -> Option<Timestamp> {
    read(text).or_else(|| with_slashes(text.trim(), Some(Order::MonthFirst)))
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    MonthFirst,
    DayFirst,
}

/// `13/05/2021 07:08:28` and `05/13/2021 07:08`: one of the two numbers tells the order.
fn with_slashes(text: &str, known: Option<Order>) -> Option<Timestamp> {
    let mut numbers = text.split('/').map_while(|part| part.trim().parse::<u8>().ok());
    let (first, second) = (numbers.next()?, numbers.next()?);
    let order = match (first, second) {
        (13.., ..=12) => Order::DayFirst,
        (..=12, 13..) => Order::MonthFirst,
        (a, b) if a == b => Order::DayFirst,
        _ => known?,
    };
    let day = if order == Order::DayFirst { "%d/%m/%Y" } else { "%m/%d/%Y" };
    let times = ["", " %H:%M:%S", " %H:%M", " %I:%M %p", " %I:%M:%S %p"];
    times.iter().find_map(|time| by(&format!("{day}{time}"), text))
}

fn by(form: &str, text: &str) -> Option<Timestamp> {
    let parsed = BrokenDownTime::parse(form, text);
    let civil = parsed.and_then(|time| {
        let midnight = || time.to_date().map(|date| date.at(0, 0, 0, 0));
        time.to_datetime().or_else(|_| midnight())
    });
    let time = civil.and_then(|civil| jiff::tz::TimeZone::UTC.to_timestamp(civil));
    time.map(|t| Timestamp::from_micros(t.as_microsecond()))
        .map_err(|e| tracing::trace!(error = %e, form, "no date"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_however_they_are_written() {
        for (text, expected) in [
            ("Wed Mar 23 14:31:51 2022", "2022-03-23T14:31:51Z"),
            ("Mon Jul  1 11:40:48 2013", "2013-07-01T11:40:48Z"),
            ("2009/09/15", "2009-09-15T00:00:00Z"),
            ("05/13/2021 07:08:28", "2021-05-13T07:08:28Z"),
            ("28/02/2021", "2021-02-28T00:00:00Z"),
            ("02/02/2021", "2021-02-02T00:00:00Z"),
            ("Feb 03, 2026 07:00 AM", "2026-02-03T07:00:00Z"),
            ("Feb 9, 2024 10:48:42 UTC", "2024-02-09T10:48:42Z"),
            ("Feb 3, 2026", "2026-02-03T00:00:00Z"),
            ("2021-03-12T12:34:30.12031+00:00", "2021-03-12T12:34:30.12031Z"),
            ("1648042311", "2022-03-23T13:31:51Z"),
        ] {
            assert_eq!(read(text).map(|t| t.to_string()).as_deref(), Some(expected), "{text}");
        }
        for none in ["", "soon", "05/06/2021", "99/99/2021", "N/A", "2021/13/01", &"1".repeat(70)] {
            assert_eq!(read(none), None, "{none}");
        }
        let known = read_american("05/06/2021 07:08:28").unwrap();
        assert_eq!(known.to_string(), "2021-05-06T07:08:28Z");
    }
}
