//! The keyword `format`.

use core::net::{Ipv4Addr, Ipv6Addr};

/// Whether a text has this format. Any text has a format that is not checked.
pub fn matches(format: &str, text: &str) -> bool {
    match format {
        "date-time" => is_date_time(text).is_some(),
        "email" => is_email(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "uri" => is_uri(text),
        _ => true,
    }
}

/// `2026-01-31T10:00:00Z`, with a fraction or an offset.
fn is_date_time(text: &str) -> Option<()> {
    let (date, time) = text.split_once(['T', 't'])?;
    let mut date = date.split('-');
    let number = |part: Option<&str>, digits: usize| {
        part.filter(|part| part.len() == digits)?
            .parse::<u32>()
            .ok()
    };
    number(date.next(), 4)?;
    let month = number(date.next(), 2)?;
    let day = number(date.next(), 2)?;
    let zone = time.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = time.split_at_checked(zone)?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut time = time.split(':');
    let hour = number(time.next(), 2)?;
    let minute = number(time.next(), 2)?;
    let second = number(time.next(), 2)?;
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_zone = match zone.strip_prefix(['+', '-']) {
        Some(offset) => {
            let (hours, minutes) = offset
                .split_once(':')
                .unwrap_or(offset.split_at_checked(2)?);
            number(Some(hours), 2)? < 24 && number(Some(minutes), 2)? < 60
        }
        None => zone.len() == 1,
    };
    let is_legal = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60
        && is_digits(fraction)
        && is_zone
        && date.next().is_none()
        && time.next().is_none();
    is_legal.then_some(())
}

fn is_email(text: &str) -> bool {
    let has_space = text.contains(|c: char| c.is_whitespace() || c.is_control());
    let parts = text.rsplit_once('@');
    !has_space
        && parts.is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !local.contains('@')
        })
}

fn is_uri(text: &str) -> bool {
    let is_legal = |char: char| !char.is_whitespace() && !"<>\"{}|\\^`".contains(char);
    text.chars().all(is_legal)
        && text.split_once(':').is_none_or(|(scheme, _)| {
            scheme.contains('/') || scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        })
}
