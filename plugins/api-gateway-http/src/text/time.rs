//! Times as API Gateway writes them, from milliseconds since the Unix epoch. UTC; leap seconds do not exist.

use alloc::format;
use alloc::string::String;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The Common Log Format: `10/Jul/2026:19:19:05 +0000`.
pub fn common_log(at_ms: u64) -> String {
    let seconds = at_ms / 1000;
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{day:02}/{month}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000")
}

/// Year, month's name and day of a count of days since 1970-01-01.
///
/// Years are counted from March, which puts the leap day last: within such a year the months' lengths follow the pattern
/// of 153 days in five months.
fn date(days: u64) -> (u64, &'static str, u64) {
    const DAYS_TO_EPOCH: u64 = 719_468; // from 0000-03-01
    const DAYS_IN_ERA: u64 = 146_097; // 400 years

    let days = days + DAYS_TO_EPOCH;
    let (era, day_of_era) = (days / DAYS_IN_ERA, days % DAYS_IN_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_from_march + 2) / 5 + 1;
    let month = (months_from_march + 2) % 12;
    let year = era * 400 + year_of_era + u64::from(month < 2);
    let name = usize::try_from(month)
        .ok()
        .and_then(|month| MONTHS.get(month))
        .copied()
        .unwrap_or_default();
    (year, name, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_aws_wrote() {
        assert_eq!(common_log(1_783_711_145_766), "10/Jul/2026:19:19:05 +0000");
        assert_eq!(common_log(1_744_668_983_126), "14/Apr/2025:22:16:23 +0000");
    }

    #[test]
    fn the_calendars_corners_are_right() {
        assert_eq!(common_log(0), "01/Jan/1970:00:00:00 +0000");
        assert_eq!(common_log(951_782_400_000), "29/Feb/2000:00:00:00 +0000");
        assert_eq!(common_log(1_709_251_199_999), "29/Feb/2024:23:59:59 +0000");
        assert_eq!(common_log(1_735_689_599_999), "31/Dec/2024:23:59:59 +0000");
        assert_eq!(common_log(4_107_542_400_000), "01/Mar/2100:00:00:00 +0000");
    }

    #[test]
    fn every_month_has_its_days() {
        let (mut last, mut changes) = (String::new(), 0);
        for day in 0..365 * 3 + 366 {
            let text = common_log(day * 86_400_000);
            changes += u32::from(text[3..11] != last);
            last = text[3..11].to_owned();
        }
        assert_eq!(changes, 48, "four years have 48 months");
    }

    #[test]
    fn the_largest_time_does_not_overflow() {
        assert!(common_log(u64::MAX).ends_with(" +0000"));
    }
}
