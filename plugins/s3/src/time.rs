//! Moments as S3 writes and reads them, all in UTC. What lies beyond the calendar is its end.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

fn moment(at_ms: u64) -> Timestamp {
    i64::try_from(at_ms)
        .ok()
        .and_then(|at| Timestamp::from_millisecond(at).ok())
        .unwrap_or(Timestamp::MAX)
}

/// `2026-10-02T08:30:00.000Z`: milliseconds are always zero, as in S3's lists.
pub fn iso(at_ms: u64) -> String {
    format!("{}", moment(at_ms).strftime("%Y-%m-%dT%H:%M:%S.000Z"))
}

/// `2026-10-02T08:30:00Z`.
pub fn iso_seconds(at_ms: u64) -> String {
    format!("{}", moment(at_ms).strftime("%Y-%m-%dT%H:%M:%SZ"))
}

/// `2026-10-02T08:30:00.766Z`.
pub fn iso_exact(at_ms: u64) -> String {
    format!("{:.3}", moment(at_ms))
}

/// `Fri, 02 Oct 2026 08:30:00 GMT`.
pub fn http(at_ms: u64) -> String {
    format!("{}", moment(at_ms).strftime("%a, %d %b %Y %H:%M:%S GMT"))
}

/// Seconds since 1970 of a text in this format; `None` before 1970, and for what is in no calendar.
fn seconds(format: &str, text: &str) -> Option<u64> {
    let civil = DateTime::strptime(format, text).ok()?;
    let at = civil.to_zoned(TimeZone::UTC).ok()?.timestamp();
    u64::try_from(at.as_second()).ok()
}

/// Seconds since 1970 of `Fri, 02 Oct 2026 08:30:00 GMT` or `2026-10-02T08:30:00Z` (fractions are dropped).
pub fn parse(text: &str) -> Option<u64> {
    match text.split_once(", ") {
        // The day of the week says nothing that the rest does not.
        Some((_, rest)) => seconds("%d %b %Y %H:%M:%S GMT", rest),
        None => {
            let at: Timestamp = text.parse().ok()?;
            u64::try_from(at.as_second()).ok()
        }
    }
}

/// Seconds since 1970 of a signature's `20261002T083000Z`.
pub fn parse_basic(text: &str) -> Option<u64> {
    seconds("%Y%m%dT%H%M%SZ", text)
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
