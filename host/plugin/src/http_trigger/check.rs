//! Checks of the values that an HTTP trigger's plugin returned: headers, caches, and functions that it did not declare.
//! See [`crate::check`] for the checks that all roles share.

use std::time::Duration;

use lambkin_model::HttpResponse;

use super::types::{Answer, InvocationMode, NewConnection, Setup, Shaped, Step, Timer};
use crate::check::{self, size, within};
use crate::error::ContractError;
use crate::fetch::{CacheEntry, Fetch, Resumption};
use crate::limits;
use crate::surroundings::FunctionReference;
use crate::text::quote;

/// The status of a response that opens a WebSocket connection.
const SWITCHING_PROTOCOLS: u16 = 101;

/// The number of functions that a message lists.
const MAX_NAMES: usize = 12;

/// The headers that the listener sets itself; those of a plugin are ignored.
pub const FRAMING_HEADERS: [&str; 5] = [
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "date",
];

/// Checks the next step, and drops framing headers of a response. `must_reply` is what allows no other step than a reply.
pub(super) fn step(
    step: Step,
    setup: &Setup,
    must_reply: Option<&str>,
) -> Result<Step, ContractError> {
    Ok(match step {
        Step::Reply(mut answer) => {
            if answer.response.status == SWITCHING_PROTOCOLS && setup.has_websockets {
                connection(&answer)?;
                headers("the response", &answer.response.headers)?;
                // The host supports no extension.
                let is_extension =
                    |name: &str| name.eq_ignore_ascii_case("sec-websocket-extensions");
                let headers = &mut answer.response.headers;
                headers.retain(|(name, _)| !is_extension(name));
                return Ok(Step::Reply(answer));
            }
            answer.connection = None;
            let memory = answer.memory.as_ref().map_or(0, String::len);
            size("the memory of a timer", memory, limits::TIMER_MEMORY_BYTES)?;
            answer.response = response(answer.response)?;
            Step::Reply(answer)
        }
        _ if let Some(to) = must_reply => {
            return Err(format!("it does not reply to {to}").into());
        }
        Step::Invoke(invocation) => Step::Invoke(shaped(invocation, setup)?),
        Step::Fetch(fetch) => Step::Fetch(fetched(fetch)?),
    })
}

/// Checks a response that opens a WebSocket connection.
fn connection(answer: &Answer) -> Result<(), ContractError> {
    let Some(NewConnection { id, data }) = &answer.connection else {
        return Err("it replies with status 101 and without `connection-id` in `extra`".into());
    };
    size("the connection's id", id.len(), limits::CONNECTION_ID_BYTES)?;
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        let id = quote(id);
        return Err(format!("\"{id}\" is not the id of a connection: printable ASCII").into());
    }
    let max = limits::CONNECTION_DATA_BYTES;
    size("the connection's data", data.len(), max)?;
    if !answer.response.body.is_empty() {
        return Err("it replies with status 101 and a body".into());
    }
    Ok(())
}

/// Checks status, reason phrase and headers, and drops framing headers.
fn response(mut response: HttpResponse) -> Result<HttpResponse, ContractError> {
    within("the status", response.status.into(), 200, 999)?;
    if let Some(reason) = &response.reason
        && reason.chars().any(char::is_control)
    {
        let reason = quote(reason);
        return Err(format!("the reason phrase has control characters: \"{reason}\"").into());
    }
    headers("the response", &response.headers)?;
    response.headers.retain(|(name, _)| {
        !FRAMING_HEADERS
            .iter()
            .any(|framing| name.eq_ignore_ascii_case(framing))
    });
    Ok(response)
}

fn headers(what: &str, headers: &[(String, String)]) -> Result<(), ContractError> {
    let (count, bytes) = (headers.len(), headers_size(headers));
    if count > limits::HEADER_COUNT || bytes > limits::HEADER_BYTES {
        return Err(format!(
            "{what} has {count} headers of {bytes} bytes, and may have {} of {} KiB",
            limits::HEADER_COUNT,
            limits::HEADER_BYTES >> 10,
        )
        .into());
    }
    headers
        .iter()
        .try_for_each(|(name, value)| header(name, value))
}

fn headers_size(headers: &[(String, String)]) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum()
}

/// RFC 9110, section 5: a name is a token; a value has no control characters except for tabs.
fn header(name: &str, value: &str) -> Result<(), ContractError> {
    if !is_token(name) {
        return Err(format!("\"{}\" is not a header's name", quote(name)).into());
    }
    if value.bytes().any(|b| b != b'\t' && b.is_ascii_control()) {
        return Err(format!(
            "the value of header {name} has control characters: \"{}\"",
            quote(value)
        )
        .into());
    }
    Ok(())
}

fn is_token(text: &str) -> bool {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_token)
}

/// Checks that the trigger declared the function, and checks the event, the cache and the token.
fn shaped(shaped: Shaped, setup: &Setup) -> Result<Shaped, ContractError> {
    if !setup
        .functions
        .iter()
        .any(|declared| is_same_function(&declared.name, &shaped.function))
    {
        return Err(format!(
            "it invokes function \"{}\", and may invoke only those that its configure returned, which {}",
            quote(&shaped.function),
            listed(&setup.functions),
        )
        .into());
    }
    check::event(&shaped.event)?;
    if shaped.cache.is_some() && shaped.mode != InvocationMode::Buffered {
        return Err("it asks for a cache, which only a buffered invocation may".into());
    }
    cache(shaped.cache.as_ref())?;
    resumption(&shaped.resumption)?;
    Ok(shaped)
}

fn fetched(fetch: Fetch) -> Result<Fetch, ContractError> {
    size("the URL", fetch.url.len(), limits::FETCH_URL_BYTES)?;
    size("the body", fetch.body.len(), limits::FETCHED_BYTES)?;
    if !is_token(&fetch.method) {
        return Err(format!("\"{}\" is not an HTTP method", quote(&fetch.method)).into());
    }
    headers("the request", &fetch.headers)?;
    milliseconds("max-wait-ms", fetch.wait, limits::FETCH_WAIT)?;
    cache(fetch.cache.as_ref())?;
    resumption(&fetch.resumption)?;
    Ok(fetch)
}

fn cache(cache: Option<&CacheEntry>) -> Result<(), ContractError> {
    let Some(CacheEntry { key, ttl }) = cache else {
        return Ok(());
    };
    size("the key of the cache", key.len(), limits::CACHE_KEY_BYTES)?;
    milliseconds("ttl-ms", *ttl, limits::CACHE_TTL)
}

fn resumption(resumption: &Resumption) -> Result<(), ContractError> {
    size("the token", resumption.token.len(), limits::TOKEN_BYTES)
}

fn milliseconds(what: &str, time: Duration, max: Duration) -> Result<(), ContractError> {
    within(what, time.as_millis() as u64, 0, max.as_millis() as u64)
}

/// Completes "the functions that configure returned, which …".
fn listed(functions: &[FunctionReference]) -> String {
    let name = |function: &FunctionReference| format!("\"{}\"", quote(&function.name));
    let names: Vec<String> = functions.iter().take(MAX_NAMES).map(name).collect();
    match functions.len().saturating_sub(MAX_NAMES) {
        _ if names.is_empty() => "are none".to_owned(),
        0 => format!("are: {}", names.join(", ")),
        more => format!("are: {} and {more} more", names.join(", ")),
    }
}

/// Whether two names refer to the same function, ignoring version and alias.
fn is_same_function(declared: &str, named: &str) -> bool {
    fn name(qualified: &str) -> &str {
        qualified.split(':').next().unwrap_or(qualified)
    }
    name(declared) == name(named)
}

impl Timer {
    /// Reads a timer of a setup: its interval in milliseconds, a space, and its name.
    pub(super) fn read(text: &str) -> Result<Self, ContractError> {
        let parts = text.split_once(' ');
        let Some((Ok(interval), name)) = parts.map(|(ms, name)| (ms.parse(), name)) else {
            let text = quote(text);
            return Err(format!("\"{text}\" is not a timer: an interval in ms and a name").into());
        };
        let (min, max) = limits::TIMER_INTERVAL;
        let (min, max) = (min.as_millis() as u64, max.as_millis() as u64);
        within("the interval of a timer in ms", interval, min, max)?;
        size("the name of a timer", name.len(), limits::TIMER_NAME_BYTES)?;
        if name.is_empty() || name.chars().any(char::is_control) {
            let name = quote(name);
            return Err(format!("\"{name}\" is not the name of a timer: printable text").into());
        }
        Ok(Self {
            name: name.to_owned(),
            interval: Duration::from_millis(interval),
        })
    }
}

/// Checks their number and that no two have the same name.
fn timers(timers: &[Timer]) -> Result<(), ContractError> {
    within(
        "the number of timers",
        timers.len() as u64,
        0,
        limits::TIMERS as u64,
    )?;
    let mut names: Vec<&str> = timers.iter().map(|timer| timer.name.as_str()).collect();
    names.sort_unstable();
    match names.array_windows().find(|[one, other]| one == other) {
        Some([name, _]) => Err(format!("two timers have the name \"{name}\"").into()),
        None => Ok(()),
    }
}

/// Checks sizes and names, and makes the lines for the operator displayable.
pub(super) fn setup(setup: Setup) -> Result<Setup, ContractError> {
    check::state(&setup.state)?;
    timers(&setup.timers)?;
    let summary = check::lines("the summary", &setup.summary)?;
    let warnings = check::lines("the warnings", &setup.warnings)?;
    let functions = setup.functions.into_iter().map(check::function);
    let functions = functions.collect::<Result<_, _>>()?;
    within(
        "max-body-bytes",
        setup.max_body_bytes as u64,
        0,
        limits::HTTP_BODY_BYTES as u64,
    )?;
    Ok(Setup {
        functions,
        summary,
        warnings,
        ..setup
    })
}

#[cfg(test)]
mod tests {
    use lambkin_model::Body;

    use super::*;

    #[test]
    fn headers_that_could_split_a_response_are_refused() {
        for (name, value) in [
            ("", "v"),
            ("a b", "v"),
            ("a:", "v"),
            ("é", "v"),
            ("a", "v\r\nb: c"),
            ("a", "\0"),
            ("a", "\x7f"),
        ] {
            assert!(header(name, value).is_err(), "{name:?}: {value:?}");
        }
        for (name, value) in [("X-A_b.1~", "v"), ("a", ""), ("a", "\ttab, blank and é")] {
            assert_eq!(header(name, value), Ok(()), "{name:?}: {value:?}");
        }
    }

    #[test]
    fn a_timer_has_an_interval_and_a_name_of_its_own() {
        let timer = Timer::read("35000 health check of f:live").unwrap();
        assert_eq!(timer.name, "health check of f:live");
        assert_eq!(timer.interval, Duration::from_secs(35));
        for text in [
            "",
            "35000",
            "35000 ",
            "100 a\nb",
            "x y",
            "-1 x",
            "99 x",
            "86400001 x",
            "18446744073709551616 x",
        ] {
            assert!(Timer::read(text).is_err(), "{text:?}");
        }
        assert!(Timer::read(&format!("100 {}", "n".repeat(257))).is_err());
        let other = Timer::read("100 other").unwrap();
        assert_eq!(timers(&[timer.clone(), other.clone()]), Ok(()));
        let error = Err("two timers have the name \"other\"".into());
        assert_eq!(timers(&[other.clone(), timer.clone(), other]), error);
        assert!(timers(&vec![timer; 101]).is_err());
    }

    #[test]
    fn the_host_answers_with_200_to_999_only() {
        let status = |status| {
            response(HttpResponse {
                status,
                reason: None,
                headers: Vec::new(),
                body: Body::Empty,
            })
        };
        for refused in [0, 100, 101, 199, 1000] {
            let error = Err(format!("the status is {refused}, and may be 200 to 999").into());
            assert_eq!(status(refused), error);
        }
        for accepted in [200, 299, 999] {
            assert!(status(accepted).is_ok(), "{accepted}");
        }
    }

    #[test]
    fn a_qualifier_does_not_change_the_function() {
        assert!(is_same_function("orders", "orders:live"));
        assert!(is_same_function("orders:live", "orders"));
        assert!(!is_same_function("orders", "order"));
        assert!(!is_same_function("orders", "orders2:live"));
        assert!(!is_same_function("orders", ""));
    }
}
