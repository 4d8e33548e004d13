//! A webhook receiver: it checks the signature of each request and makes an event of it.
//!
//! `configure` runs once, and what it returns as `state` is passed to `shape` (a request becomes an event) and `resume`
//! (what became of the event becomes a response). The contract is described in `wit/deps/http-trigger`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

wit_bindgen::generate!({ path: "wit", generate_all });

use exports::lambkin::http_trigger::http_shaper::{
    Ending, Guest, Header, Invocation, InvocationMode, Outcome, Request, RequestBody, Response,
    ResponseBody, Setup, Step,
};
use lambkin::common::types::{FunctionReference, Problem, Surroundings};

const SECRET: &str = "WEBHOOK_SECRET";
const SIGNATURE: &str = "x-hub-signature-256";
const MAX_BODY_BYTES: u32 = 1 << 20;

struct Webhook;

export!(Webhook);

impl Guest for Webhook {
    fn configure(config: String, surroundings: Surroundings) -> Result<Setup, Vec<Problem>> {
        let config: Map<String, Value> =
            serde_json::from_str(&config).expect("the host sends a JSON object");
        let mut problems = Vec::new();
        let mut problem = |at: &str, message: &str| {
            let at = if at.is_empty() {
                vec![]
            } else {
                vec![at.to_owned()]
            };
            problems.push(Problem {
                at,
                message: message.to_owned(),
                extra: vec![],
            });
        };
        for key in config.keys() {
            if !["function", "path"].contains(&key.as_str()) {
                problem(
                    key,
                    "is not a setting of this plugin: its settings are function and path",
                );
            }
        }
        let function = match config.get("function") {
            Some(Value::String(function)) => function.as_str(),
            Some(_) => {
                problem("function", "has to be a string: the name of a function");
                ""
            }
            None => {
                problem("", "needs function: the function that receives the events");
                ""
            }
        };
        let path = match config.get("path") {
            None => "/webhook",
            Some(Value::String(path)) if path.starts_with('/') => path.as_str(),
            Some(_) => {
                problem("path", "has to be a string that begins with /");
                ""
            }
        };
        let mut environment = surroundings.environment.iter();
        let secret = match environment.find(|(name, _)| name == SECRET) {
            Some((_, secret)) if !secret.is_empty() => secret.as_str(),
            _ => {
                problem(
                    "",
                    "needs the variable WEBHOOK_SECRET: set it, and list it in pass-environment",
                );
                ""
            }
        };
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Setup {
            state: json!({ "function": function, "path": path, "secret": secret }).to_string(),
            functions: vec![FunctionReference {
                name: function.to_owned(),
                at: vec!["function".to_owned()],
            }],
            max_body_bytes: MAX_BODY_BYTES,
            reusable: true,
            summary: vec![format!("POST {path} -> {function}")],
            warnings: vec![],
            extra: vec![],
        })
    }

    fn shape(state: String, request: Request) -> Result<Step, String> {
        let state: Value = serde_json::from_str(&state).map_err(|error| error.to_string())?;
        let text = |key: &str| state[key].as_str().unwrap_or_default();
        if request.path != text("path") {
            return Ok(refuse(404, "Not Found"));
        }
        if request.method != "POST" {
            return Ok(reply(
                405,
                &[("Allow", "POST")],
                r#"{"message":"Method Not Allowed"}"#,
            ));
        }
        let body = match &request.body {
            RequestBody::Empty => &[],
            RequestBody::Text(text) => text.as_bytes(),
            RequestBody::Binary(bytes) => bytes,
            RequestBody::TooLarge => return Ok(refuse(413, "Content Too Large")),
        };
        if !is_signed(&request.headers, text("secret"), body) {
            return Ok(refuse(401, "Unauthorized"));
        }
        let (body, is_base64) = match std::str::from_utf8(body) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (BASE64_STANDARD.encode(body), true),
        };
        let event = json!({
            "id": request.id,
            "time": request.at_ms,
            "headers": headers(&request.headers),
            "body": body,
            "isBase64Encoded": is_base64,
        });
        Ok(Step::Invoke(Invocation {
            function: text("function").to_owned(),
            event: event.to_string(),
            mode: InvocationMode::Buffered,
            max_wait_ms: None,
            cache: None,
            token: String::new(),
            with_request: false,
            extra: vec![],
        }))
    }

    fn resume(_: String, _: String, outcome: Outcome, _: Option<Request>) -> Result<Step, String> {
        match outcome.ending {
            Ending::Completed(result) => Ok(reply(202, &[], &result)),
            Ending::Failed(_) => Ok(refuse(500, "Internal Server Error")),
            Ending::TimedOut | Ending::Expired => Ok(refuse(504, "Gateway Timeout")),
            Ending::Throttled => Ok(refuse(429, "Too Many Requests")),
            Ending::Unavailable(_) => Ok(refuse(503, "Service Unavailable")),
            Ending::StreamOpened(_) | Ending::Accepted | Ending::Fetched(_) => Err(
                "this plugin neither streams, nor invokes asynchronously, nor fetches".to_owned(),
            ),
        }
    }
}

/// Whether the signature is the HMAC of the body. The comparison takes the same time wherever the first difference is.
fn is_signed(headers: &[Header], secret: &str, body: &[u8]) -> bool {
    let signature = headers.iter().find(|header| header.name == SIGNATURE);
    let Some(signature) = signature.and_then(|header| header.value.strip_prefix("sha256=")) else {
        return false;
    };
    let mut expected = [0; 32];
    if hex::decode_to_slice(signature, &mut expected).is_err() {
        return false;
    }
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key may have any length");
    mac.update(body);
    mac.verify_slice(&expected).is_ok()
}

/// The headers by their names in lower case. The values of a repeated header are joined.
fn headers(headers: &[Header]) -> BTreeMap<&str, String> {
    let mut joined: BTreeMap<&str, String> = BTreeMap::new();
    for header in headers {
        joined
            .entry(&header.name)
            .and_modify(|values| *values += &format!(", {}", header.value))
            .or_insert_with(|| header.value.clone());
    }
    joined
}

fn refuse(status: u16, message: &str) -> Step {
    reply(status, &[], &json!({ "message": message }).to_string())
}

fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Step {
    let headers = headers
        .iter()
        .chain(&[("Content-Type", "application/json")]);
    Step::Reply(Response {
        status,
        reason: None,
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        body: ResponseBody::Text(body.to_owned()),
        extra: vec![],
    })
}
