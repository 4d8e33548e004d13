//! From the ending of an invocation to a response, of a request's or of a health check's.
//!
//! On failure: a result that is no response and every failure of the function are 502, but for an event that is larger
//! than Lambda allows, which is 413.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;

use http_event::contract::{EVENT_TOO_LARGE, Ending, Response};
use http_event::payload::Misfit;

use crate::health;
use crate::page::Page;
use crate::result::{of_payload, warn};
use crate::state::State;

/// Turns the ending of an invocation into the response; `token` is that of the invocation.
///
/// # Errors
///
/// `state` or `token` was not written by this plugin.
pub fn respond(state: &str, token: &str, ending: Ending) -> Result<Response, String> {
    let state = State::read(state).ok_or("the state was not written by this plugin")?;
    if !token.is_empty() {
        let response = health::respond(&state, token, ending);
        return response.ok_or_else(|| "the token was not written by this plugin".to_owned());
    }
    let payload = match ending {
        Ending::Completed(payload) => payload,
        Ending::Failed(error) if error.kind == EVENT_TOO_LARGE => {
            return Ok(Page::EntityTooLarge.response());
        }
        _ => return Ok(Page::BadGateway.response()),
    };
    Ok(of_payload(&state, &payload).unwrap_or_else(|Misfit(what)| {
        let mut response = Page::BadGateway.response();
        warn(
            &mut response,
            format!("{what}; a load balancer returns 502 for such a result"),
        );
        response
    }))
}
