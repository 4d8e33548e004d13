//! The date formats of AWS's services, written from and read as time since 1970-01-01T00:00:00Z. Everything is UTC.
//!
//! A time after the end of the calendar (the year 9999) is written as its last second. Only `jiff`'s calendar
//! arithmetic is used: its general formats and time zones would make a component half as large again. The arithmetic
//! written by hand would save `api-gateway-http` 760 of 306,734 bytes and no time (17.0 µs for a `shape` either way,
//! medians of `cargo bench --workspace --bench shape -- api-gateway-http`).

use alloc::format;
use alloc::string::String;

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::Offset;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// ISO 8601 to the second: `2026-10-02T08:30:00Z`.
pub fn iso_seconds(at_ms: u64) -> String {
    format!("{}Z", without_fraction(date_time(at_ms)))
}

/// ISO 8601 to the millisecond: `2026-10-02T08:30:00.766Z`.
pub fn iso_millis(at_ms: u64) -> String {
    let at = date_time(at_ms);
    format!("{}.{:03}Z", without_fraction(at), at.millisecond())
}

/// ISO 8601 without separators, as AWS's signatures contain it: `20261002T083000Z`.
pub fn iso_basic(at_ms: u64) -> String {
    let at = date_time(at_ms);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// The date format of HTTP headers (RFC 9110): `Fri, 02 Oct 2026 08:30:00 GMT`.
pub fn http_date(at_ms: u64) -> String {
    let at = date_time(at_ms);
    let weekday = match at.weekday() {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    };
    format!(
        "{weekday}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        at.day(),
        month(at),
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// The Common Log Format, as API Gateway writes it: `10/Jul/2026:19:19:05 +0000`.
pub fn common_log(at_ms: u64) -> String {
    let at = date_time(at_ms);
    format!(
        "{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000",
        at.day(),
        month(at),
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// Reads `Fri, 02 Oct 2026 08:30:00 GMT` or `2026-10-02T08:30:00Z` as seconds; a fraction of a second is dropped.
/// `None` for other text, for a day that does not exist and for a time before 1970.
pub fn parse(text: &str) -> Option<u64> {
    if let Some((_, rest)) = text.split_once(", ") {
        // The day of the week is redundant.
        let mut words = rest.strip_suffix(" GMT")?.split([' ', ':']);
        let day = number(words.next());
        let name = words.next()?;
        let month = MONTHS.iter().position(|month| *month == name)? + 1;
        let year = number(words.next());
        let [hour, minute, second] = [(); 3].map(|()| number(words.next()));
        return seconds([year, i16::try_from(month).ok(), day, hour, minute, second]);
    }
    let whole = text.strip_suffix('Z')?.split('.').next()?;
    let mut numbers = whole.split(['-', 'T', ':']).map(|part| number(Some(part)));
    seconds([(); 6].map(|()| numbers.next().flatten()))
}

/// Reads `20261002T083000Z` as seconds. `None` for other text, for a day that does not exist and for one before 1970.
pub fn parse_iso_basic(text: &str) -> Option<u64> {
    if text.len() != 16 || text.get(8..9) != Some("T") || !text.ends_with('Z') {
        return None;
    }
    let ranges = [0..4, 4..6, 6..8, 9..11, 11..13, 13..15];
    seconds(ranges.map(|range| number(text.get(range))))
}

fn date_time(at_ms: u64) -> DateTime {
    let at = i64::try_from(at_ms)
        .ok()
        .and_then(|at| Timestamp::from_millisecond(at).ok());
    Offset::UTC.to_datetime(at.unwrap_or(Timestamp::MAX))
}

/// `2026-10-02T08:30:00`.
fn without_fraction(at: DateTime) -> String {
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

fn month(at: DateTime) -> &'static str {
    usize::try_from(at.month() - 1)
        .ok()
        .and_then(|month| MONTHS.get(month))
        .unwrap_or(&"Jan")
}

/// Seconds since 1970 of a year, month, day, hour, minute and second.
fn seconds(parts: [Option<i16>; 6]) -> Option<u64> {
    let [year, month, day, hour, minute, second] = parts;
    let small = |part: Option<i16>| i8::try_from(part?).ok();
    let date_time = DateTime::new(
        year?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    );
    let at = Offset::UTC.to_timestamp(date_time.ok()?).ok()?;
    u64::try_from(at.as_second()).ok()
}

/// The number that a text of digits stands for.
fn number(text: Option<&str>) -> Option<i16> {
    let text = text?;
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_second() {
        assert_eq!(iso_seconds(1_790_929_800_999), "2026-10-02T08:30:00Z");
        assert_eq!(
            http_date(1_790_929_800_999),
            "Fri, 02 Oct 2026 08:30:00 GMT"
        );
        assert_eq!(http_date(951_782_400_000), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(iso_basic(0), "19700101T000000Z");
        assert_eq!(iso_basic(951_782_399_000), "20000228T235959Z");
        assert_eq!(iso_basic(951_782_400_000), "20000229T000000Z");
        assert_eq!(iso_basic(1_795_258_914_000), "20261121T110154Z");
    }

    #[test]
    fn milliseconds_have_three_digits() {
        assert_eq!(iso_millis(1_783_711_145_766), "2026-07-10T19:19:05.766Z");
        assert_eq!(iso_millis(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso_millis(0), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn the_common_log_format_is_that_of_aws() {
        for (at_ms, expected) in [
            (1_783_711_145_766, "10/Jul/2026:19:19:05 +0000"),
            (1_744_668_983_126, "14/Apr/2025:22:16:23 +0000"),
            (0, "01/Jan/1970:00:00:00 +0000"),
            (951_782_400_000, "29/Feb/2000:00:00:00 +0000"),
            (1_709_251_199_999, "29/Feb/2024:23:59:59 +0000"),
            (1_735_689_599_999, "31/Dec/2024:23:59:59 +0000"),
            (4_107_542_400_000, "01/Mar/2100:00:00:00 +0000"),
        ] {
            assert_eq!(common_log(at_ms), expected);
        }
    }

    #[test]
    fn times_after_the_end_of_the_calendar_are_its_last_second() {
        assert_eq!(iso_millis(u64::MAX), "9999-12-30T22:00:00.999Z");
        assert_eq!(common_log(u64::MAX), "30/Dec/9999:22:00:00 +0000");
    }

    #[test]
    fn written_times_are_read_back() {
        for at in [0, 951_782_400, 1_790_929_800, 4_102_444_799] {
            assert_eq!(parse(&http_date(at * 1000)), Some(at));
            assert_eq!(parse(&iso_seconds(at * 1000)), Some(at));
            assert_eq!(parse(&iso_millis(at * 1000 + 999)), Some(at));
            assert_eq!(parse_iso_basic(&iso_basic(at * 1000)), Some(at));
        }
    }

    #[test]
    fn other_text_is_not_a_time() {
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
            assert_eq!(parse_iso_basic(text), None, "{text}");
        }
    }
}
