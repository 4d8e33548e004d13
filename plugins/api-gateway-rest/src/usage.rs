//! Throttles and quotas: how many requests a method, a client of a usage plan, or both may get.
//!
//! As on AWS, every method has a bucket of its own; so has every API key of a usage plan, and every method within it.
//! Only requests that no throttle refuses count towards the quota, whose periods begin at midnight UTC.

use alloc::format;

use http_event::contract::Request;
use http_event::throttle::Limits;
use plugin_kit::time::iso_basic;
use serde_json::Value;

use crate::gateway_response::GatewayResponse;
use crate::state::{Key, Method};
use http_event::counters::Counters;

const DAY_MS: u64 = 86_400_000;

/// Counts a request that is admitted otherwise.
///
/// # Errors
///
/// The gateway response, if it is one too many.
pub fn count(
    method: &Method<'_>,
    key: Option<&Key<'_>>,
    request: &Request,
    counters: &dyn Counters,
) -> Result<(), GatewayResponse> {
    let at_ms = request.at_ms;
    let route = format!("{} {}", method.name, method.resource);
    let take = |key: &str, limits: Option<&str>| {
        let limits = limits.and_then(Limits::read);
        match limits.is_none_or(|limits| limits.pass(key, at_ms, counters)) {
            true => Ok(()),
            false => Err(GatewayResponse::Throttled),
        }
    };
    if let Some(limits) = method.detail("throttle") {
        take(&format!("method {route}"), Some(limits.trim_matches('"')))?;
    }
    let Some(key) = key.filter(|key| !key.plan.is_empty()) else {
        return Ok(());
    };
    // `configure` wrote it.
    let plan: Value = serde_json::from_str(key.plan).unwrap_or_default();
    let own = plan.get("methods").and_then(|methods| methods.get(&route));
    let own = own.and_then(Value::as_str);
    take(&format!("key {} {route}", key.id), own)?;
    let all = plan.get("throttle").and_then(Value::as_str);
    take(&format!("key {}", key.id), all)?;
    let Some(limit) = plan.get("limit").and_then(Value::as_u64) else {
        return Ok(());
    };
    let period = plan.get("period").and_then(Value::as_str);
    let offset = plan.get("offset").and_then(Value::as_u64);
    let window = window(period.unwrap_or("DAY"), offset.unwrap_or_default(), at_ms);
    match counters.count(&format!("quota {}", key.id), window, limit) {
        true => Ok(()),
        false => Err(GatewayResponse::QuotaExceeded),
    }
}

/// The number of a period: of days since 1970, of weeks that begin on a Sunday, or of months. With an offset, periods
/// begin this number of days later.
fn window(period: &str, offset: u64, at_ms: u64) -> u64 {
    let days = at_ms / DAY_MS;
    match period {
        // 1970 began on a Thursday.
        "WEEK" => (days + 4).saturating_sub(offset) / 7,
        "MONTH" => {
            let start = at_ms.saturating_sub(offset * DAY_MS);
            let year_and_month = iso_basic(start);
            let number = year_and_month.get(..6).and_then(|text| text.parse().ok());
            number.unwrap_or_default()
        }
        _ => days,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_at_midnight_on_sundays_and_on_the_first_of_a_month() {
        let at = |text: &str| plugin_kit::time::parse(text).unwrap() * 1000;
        let same = |period: &str, offset: u64, a: &str, b: &str| {
            window(period, offset, at(a)) == window(period, offset, at(b))
        };
        let (saturday, sunday) = ("2026-10-03T23:59:59Z", "2026-10-04T00:00:00Z");
        assert!(!same("DAY", 0, saturday, sunday));
        assert!(!same("WEEK", 0, saturday, sunday));
        assert!(same("WEEK", 1, saturday, sunday));
        assert!(!same("WEEK", 1, sunday, "2026-10-05T00:00:00Z"));
        assert!(same("MONTH", 0, saturday, sunday));
        assert!(!same(
            "MONTH",
            0,
            "2026-10-31T23:59:59Z",
            "2026-11-01T00:00:00Z"
        ));
        assert!(same(
            "MONTH",
            1,
            "2026-10-31T23:59:59Z",
            "2026-11-01T00:00:00Z"
        ));
    }
}
