//! The event of a function URL: payload format 2.0, with the path as sent, the header `cookie` beside the list of
//! cookies, and no routes.

use alloc::borrow::Cow;
use alloc::string::String;

use alloc::vec::Vec;
use http_event::contract::Request;
use http_event::event_2_0::Event;
use http_event::headers::{self, Header};
use http_event::json::write;
use http_event::percent::decode;

use crate::state::State;

/// The route key and the stage of every request.
const DEFAULT: &str = "$default";

/// Writes the event. `access_key` is that of a signed request to a URL that requires one.
pub fn write(state: &State<'_>, request: &Request, access_key: Option<&str>) -> String {
    let authorizer = access_key.map(|key| authorizer(state, key));
    Event {
        request,
        route_key: DEFAULT,
        raw_path: &request.path,
        path: &decode(&request.path),
        headers: event_headers(request),
        account_id: match authorizer {
            Some(_) => state.account_id,
            None => "anonymous",
        },
        api_id: state.url_id,
        authorizer: authorizer.as_deref().unwrap_or_default(),
        authorizing: None,
        domain_name: match state.domain_name {
            "" => &request.authority,
            configured => configured,
        },
        request_id: &request.id,
        stage: DEFAULT,
        path_parameters: &[],
        stage_variables: "",
    }
    .write()
}

/// The headers, with AWS's about TLS. A request without a body has no `content-length`.
fn event_headers(request: &Request) -> Vec<Header<'_>> {
    let mut headers = headers::of_event_without_empty_length(request);
    if request.scheme == "https" {
        headers.retain(|(name, _)| !name.starts_with("x-amzn-tls-"));
        headers.push((
            "x-amzn-tls-cipher-suite",
            Cow::Borrowed("TLS_AES_128_GCM_SHA256"),
        ));
        headers.push(("x-amzn-tls-version", Cow::Borrowed("TLSv1.3")));
        headers.sort_by_key(|(name, _)| *name);
    }
    headers
}

/// `requestContext.authorizer` of a caller who signs as the account's root user.
fn authorizer(state: &State<'_>, access_key: &str) -> String {
    let account = state.account_id;
    write::object(256, |object| {
        object.object("iam", |iam| {
            iam.string("accessKey", access_key);
            iam.string("accountId", account);
            iam.string("callerId", account);
            iam.raw("cognitoIdentity", "null");
            iam.raw("principalOrgId", "null");
            iam.string(
                "userArn",
                &["arn:", state.partition, ":iam::", account, ":root"].concat(),
            );
            iam.string("userId", account);
        });
    })
}
