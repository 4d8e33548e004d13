//! Moments as S3 writes and reads them, all in UTC. What lies beyond the calendar is its end.
//!
//! Of the calendar only the arithmetic is used: general formats and time zones would make the component half as large
//! again.

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::Offset;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

fn moment(at_ms: u64) -> DateTime {
    let at = i64::try_from(at_ms)
        .ok()
        .and_then(|at| Timestamp::from_millisecond(at).ok());
    Offset::UTC.to_datetime(at.unwrap_or(Timestamp::MAX))
}

/// `2026-10-02T08:30:00`.
fn to_the_second(at: DateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// `2026-10-02T08:30:00.000Z`: milliseconds are always zero, as in S3's lists.
pub fn iso(at_ms: u64) -> String {
    format!("{}.000Z", to_the_second(moment(at_ms)))
}

/// `2026-10-02T08:30:00Z`.
pub fn iso_seconds(at_ms: u64) -> String {
    format!("{}Z", to_the_second(moment(at_ms)))
}

/// `2026-10-02T08:30:00.766Z`.
pub fn iso_exact(at_ms: u64) -> String {
    let at = moment(at_ms);
    format!("{}.{:03}Z", to_the_second(at), at.millisecond())
}

/// `Fri, 02 Oct 2026 08:30:00 GMT`.
pub fn http(at_ms: u64) -> String {
    let at = moment(at_ms);
    let weekday = match at.weekday() {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    };
    let month = usize::try_from(at.month() - 1)
        .ok()
        .and_then(|month| MONTHS.get(month))
        .unwrap_or(&"Jan");
    format!(
        "{weekday}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT",
        at.day(),
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// Seconds since 1970 of year, month, day, hour, minute and second; `None` before 1970, and for what is in no calendar.
fn seconds(parts: [Option<i16>; 6]) -> Option<u64> {
    let [year, month, day, hour, minute, second] = parts;
    let small = |part: Option<i16>| i8::try_from(part?).ok();
    let at = DateTime::new(
        year?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    );
    let at = Offset::UTC.to_timestamp(at.ok()?).ok()?;
    u64::try_from(at.as_second()).ok()
}

/// The number that a text of digits is.
fn number(text: Option<&str>) -> Option<i16> {
    let text = text?;
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// Seconds since 1970 of `Fri, 02 Oct 2026 08:30:00 GMT` or `2026-10-02T08:30:00Z` (fractions are dropped).
pub fn parse(text: &str) -> Option<u64> {
    if let Some((_, rest)) = text.split_once(", ") {
        // The day of the week says nothing that the rest does not.
        let mut words = rest.strip_suffix(" GMT")?.split([' ', ':']);
        let day = number(words.next());
        let name = words.next()?;
        let month = MONTHS.iter().position(|month| *month == name)? + 1;
        let year = number(words.next());
        let time = [(); 3].map(|()| number(words.next()));
        let [hour, minute, second] = time;
        return seconds([year, i16::try_from(month).ok(), day, hour, minute, second]);
    }
    let whole = text.strip_suffix('Z')?.split('.').next()?;
    let mut numbers = whole.split(['-', 'T', ':']).map(|part| number(Some(part)));
    seconds([(); 6].map(|()| numbers.next().flatten()))
}

/// Seconds since 1970 of a signature's `20261002T083000Z`.
pub fn parse_basic(text: &str) -> Option<u64> {
    if text.len() != 16 || text.get(8..9) != Some("T") || !text.ends_with('Z') {
        return None;
    }
    let ranges = [0..4, 4..6, 6..8, 9..11, 11..13, 13..15];
    seconds(ranges.map(|range| number(text.get(range))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_to_the_second() {
        assert_eq!(iso(1_790_929_800_999), "2026-10-02T08:30:00.000Z");
        assert_eq!(iso_seconds(1_790_929_800_999), "2026-10-02T08:30:00Z");
        assert_eq!(http(1_790_929_800_999), "Fri, 02 Oct 2026 08:30:00 GMT");
        assert_eq!(http(951_782_400_000), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(http(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn events_have_three_digits_after_the_second() {
        assert_eq!(iso_exact(1_783_711_145_766), "2026-07-10T19:19:05.766Z");
        assert_eq!(iso_exact(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso_exact(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso_exact(u64::MAX), "9999-12-30T22:00:00.999Z");
    }

    #[test]
    fn what_was_written_is_read_back() {
        for at in [0, 951_782_400, 1_790_929_800, 4_102_444_799] {
            assert_eq!(parse(&http(at * 1000)), Some(at));
            assert_eq!(parse(&iso(at * 1000)), Some(at));
        }
        assert_eq!(parse_basic("20261002T083000Z"), Some(1_790_929_800));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "yesterday",
            "Fri, 02 Foo 2026 08:30:00 GMT",
            "2026-13-02T08:30:00Z",
            "Fri, 02 Oct 2026",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        for text in ["", "2026-10-02T08:30:00Z", "20261002", "20261332T083000Z"] {
            assert_eq!(parse_basic(text), None, "{text}");
        }
    }
}
