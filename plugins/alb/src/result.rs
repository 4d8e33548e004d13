//! The result of a function as a response.
//!
//! The function has to return a response object, and each field has to have exactly its type: a status code as a
//! string, a header as a number, or null instead of a missing field make the result one that is no response. Only the
//! headers that are not read (`headers` with lists of values, `multiValueHeaders` without) may be null: Go's type of
//! the response always has both.
//!
//! On failure: the [`Misfit`] says which field is not as it has to be.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::contract::{Response, WARNING};
use http_event::json::{JsonError, read};
use http_event::payload::{Fields, Header, Misfit};
use http_event::response::{HeaderRules, with_headers};

use crate::page::SERVER;
use crate::state::State;

/// The largest result of a function, in bytes of JSON.
const MAX_RESULT: usize = 1024 * 1024;

const HEADERS: HeaderRules = HeaderRules {
    reserved: &[],
    remapped: &[],
    prefix: "",
    keeps_case: false,
    default_type: "application/octet-stream",
};

/// Adds a line for the log.
pub fn warn(response: &mut Response, text: String) {
    response.extra.push((WARNING.to_owned(), text));
}

/// The response that the function has returned.
///
/// # Errors
///
/// It has returned something else.
pub fn of_payload(state: &State<'_>, payload: &str) -> Result<Response, Misfit> {
    if payload.len() > MAX_RESULT {
        return Err(Misfit(format!(
            "the result has {} bytes, and may have {MAX_RESULT}",
            payload.len()
        )));
    }
    let fields = Fields::read(payload)?;
    let (read, ignored) = if state.multi_value_headers {
        ("multiValueHeaders", "headers")
    } else {
        ("headers", "multiValueHeaders")
    };
    let [description, headers] = not_null(payload, ["statusDescription", read])?;
    let [_, _] = not_null(payload, ["body", "isBase64Encoded"])?;
    if let Some(raw) = fields.status.filter(|raw| raw.starts_with('"')) {
        return Err(Misfit::of("statusCode", raw, "a number"));
    }
    let mut response = Response::new(fields.status()?, fields.body()?);
    response.reason = description.map(reason).transpose()?.flatten();
    let headers = if state.multi_value_headers {
        of_lists(headers)?
    } else {
        of_strings(headers)?
    };
    let mut response = with_headers(response, headers, HEADERS)?;
    if response.headers.iter().all(|(name, _)| name != "server") {
        response.push_header("server", SERVER);
    }
    let [unread] = members(payload, [ignored])?;
    if unread.is_some_and(|raw| raw != "null") {
        let mode = if state.multi_value_headers {
            "on"
        } else {
            "off"
        };
        let text =
            format!("`{ignored}` is ignored, because `multi-value-headers` is {mode}, as on AWS");
        warn(&mut response, text);
    }
    Ok(response)
}

/// The values of these keys. Null is not the same as a missing key.
fn not_null<'a, const N: usize>(
    payload: &'a str,
    keys: [&str; N],
) -> Result<[Option<&'a str>; N], Misfit> {
    let values = members(payload, keys)?;
    match keys
        .iter()
        .zip(&values)
        .find(|(_, raw)| **raw == Some("null"))
    {
        Some((key, _)) => Err(Misfit(format!("`{key}` is null; leave it out instead"))),
        None => Ok(values),
    }
}

fn members<'a, const N: usize>(
    payload: &'a str,
    keys: [&str; N],
) -> Result<[Option<&'a str>; N], Misfit> {
    read::members(payload, keys)
        .map_err(|JsonError| Misfit("the function's result is not a JSON object".to_owned()))
}

/// The reason phrase of `200 OK`.
fn reason(description: &str) -> Result<Option<String>, Misfit> {
    let text = string("statusDescription", description)?;
    let phrase = text.split_once(' ').map(|(_, phrase)| phrase.to_owned());
    match phrase.filter(|phrase| !phrase.is_empty()) {
        Some(phrase) if phrase.chars().any(char::is_control) => Err(Misfit(
            "`statusDescription` has control characters, such as a line end".to_owned(),
        )),
        phrase => Ok(phrase),
    }
}

fn of_strings(headers: Option<&str>) -> Result<Vec<Header>, Misfit> {
    let Some(raw) = headers else {
        return Ok(Vec::new());
    };
    let pairs = read::object(raw).map_err(|JsonError| Misfit::of("headers", raw, "an object"))?;
    pairs
        .into_iter()
        .map(|(name, raw)| {
            let value = string(&format!("headers.{name}"), raw)?.into_owned();
            Ok((name.into_owned(), value))
        })
        .collect()
}

fn of_lists(headers: Option<&str>) -> Result<Vec<Header>, Misfit> {
    let Some(raw) = headers else {
        return Ok(Vec::new());
    };
    let mut values = Vec::new();
    let pairs =
        read::object(raw).map_err(|JsonError| Misfit::of("multiValueHeaders", raw, "an object"))?;
    for (name, raw) in pairs {
        let at = format!("multiValueHeaders.{name}");
        let list = read::list(raw).map_err(|JsonError| Misfit::of(&at, raw, "a list"))?;
        for (index, raw) in list.into_iter().enumerate() {
            let value = string(&format!("{at}[{index}]"), raw)?.into_owned();
            values.push((name.clone().into_owned(), value));
        }
    }
    Ok(values)
}

fn string<'a>(at: &str, raw: &'a str) -> Result<Cow<'a, str>, Misfit> {
    read::string(raw).map_err(|JsonError| Misfit::of(at, raw, "a string"))
}
