//! Moments as S3 writes them: to the second, in UTC.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A moment in the calendar.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: u64,
    minute: u64,
    second: u64,
    weekday: &'static str,
}

/// The calendar of days since 1970 (the proleptic Gregorian one, in years that begin with March).
fn civil(seconds: u64) -> Civil {
    let days = i64::try_from(seconds / 86_400).unwrap_or(0);
    let since = days + 719_468;
    let era = since.div_euclid(146_097);
    let of_era = since.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    Civil {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: of_year - (153 * shifted + 2) / 5 + 1,
        hour: seconds / 3600 % 24,
        minute: seconds / 60 % 60,
        second: seconds % 60,
        weekday: usize::try_from(days.rem_euclid(7))
            .ok()
            .and_then(|day| DAYS.get(day))
            .unwrap_or(&"Thu"),
    }
}

/// Seconds since 1970 of a moment in the calendar; `None` before 1970 and for what is in no calendar.
fn seconds(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> Option<u64> {
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || !(0..24).contains(&hour)
        || !(0..60).contains(&minute)
        || !(0..=60).contains(&second)
    {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    u64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second).ok()
}

/// `2026-10-02T08:30:00.000Z`: milliseconds are always zero, as in S3's lists.
pub fn iso(at_ms: u64) -> String {
    let at = civil(at_ms / 1000);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.000Z",
        at.year, at.month, at.day, at.hour, at.minute, at.second
    )
}

/// `2026-10-02T08:30:00Z`.
pub fn iso_seconds(at_ms: u64) -> String {
    iso(at_ms).replace(".000", "")
}

/// `Fri, 02 Oct 2026 08:30:00 GMT`.
pub fn http(at_ms: u64) -> String {
    let at = civil(at_ms / 1000);
    let month = usize::try_from(at.month - 1)
        .ok()
        .and_then(|month| MONTHS.get(month))
        .unwrap_or(&"Jan");
    format!(
        "{}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT",
        at.weekday, at.day, at.year, at.hour, at.minute, at.second
    )
}

fn number(text: Option<&str>) -> Option<i64> {
    let text = text?;
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

fn clock(text: &str) -> Option<(i64, i64, i64)> {
    let mut parts = text.split(':');
    let time = (
        number(parts.next())?,
        number(parts.next())?,
        number(parts.next())?,
    );
    parts.next().is_none().then_some(time)
}

/// Seconds since 1970 of `Fri, 02 Oct 2026 08:30:00 GMT` or `2026-10-02T08:30:00Z` (fractions are dropped).
pub fn parse(text: &str) -> Option<u64> {
    if let Some((_, rest)) = text.split_once(", ") {
        let mut words = rest.split_ascii_whitespace();
        let day = number(words.next())?;
        let name = words.next()?;
        let month = MONTHS.iter().position(|month| *month == name)? + 1;
        let year = number(words.next())?;
        let (hour, minute, second) = clock(words.next()?)?;
        return seconds(year, i64::try_from(month).ok()?, day, hour, minute, second);
    }
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-');
    let (year, month, day) = (
        number(date.next())?,
        number(date.next())?,
        number(date.next())?,
    );
    let (hour, minute, second) = clock(time.split('.').next()?)?;
    seconds(year, month, day, hour, minute, second)
}

/// Seconds since 1970 of a signature's `20261002T083000Z`.
pub fn parse_basic(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    if date.len() != 8 || time.len() != 6 {
        return None;
    }
    seconds(
        number(date.get(..4))?,
        number(date.get(4..6))?,
        number(date.get(6..))?,
        number(time.get(..2))?,
        number(time.get(2..4))?,
        number(time.get(4..))?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_to_the_second() {
        assert_eq!(iso(1_790_929_800_999), "2026-10-02T08:30:00.000Z");
        assert_eq!(http(1_790_929_800_999), "Fri, 02 Oct 2026 08:30:00 GMT");
        assert_eq!(http(951_782_400_000), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(http(0), "Thu, 01 Jan 1970 00:00:00 GMT");
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
        assert_eq!(parse_basic("2026-10-02T08:30:00Z"), None);
    }
}
