//! The result of a Lambda authorizer's function: a policy, or a simple response.
//!
//! On failure: a text that says what is wrong with the result. AWS answers such a request with 500.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::String;

use http_event::json::{compact, read};
use http_event::payload::kind_of;

use crate::authorizer::Form;
use crate::decision::{Caller, Reason};
use crate::json::object;
use crate::policy::{Effect, evaluate};
use crate::subject::Subject;

const RESULT: &str = "the authorizer's result";

/// Who the caller is, or why the request is refused.
///
/// # Errors
///
/// The result is not valid.
pub fn judge(
    form: Form,
    result: &str,
    subject: &Subject<'_>,
    latency_ms: u64,
) -> Result<Result<Caller, Reason>, String> {
    let members = read::object(result).map_err(|_| match compact(result) {
        Some(_) => format!("{RESULT} is {}, and has to be an object", kind_of(result)),
        None => format!("{RESULT} is not JSON"),
    })?;
    // If a key is repeated, the last value counts.
    let field = |name: &str| {
        let found = members.iter().rev().find(|(key, _)| key == name);
        found
            .map(|(_, value)| *value)
            .filter(|value| *value != "null")
    };
    let context = field("context").map(|raw| context(raw, form)).transpose()?;
    if form == Form::V2Simple {
        let is_authorized = match field("isAuthorized") {
            Some("true") => true,
            Some("false") => false,
            Some(other) => return Err(wrong(&["isAuthorized", other, "`true` or `false`"])),
            None if field("policyDocument").is_some() => {
                return Err(format!(
                    "{RESULT} is a policy, and `enable-simple-responses` makes it a simple response: \
                     {{ \"isAuthorized\": true }}"
                ));
            }
            None => return Err(format!("`isAuthorized` is missing in {RESULT}")),
        };
        let caller = Caller::Lambda {
            principal: None,
            context,
            usage_key: None,
            latency_ms,
        };
        return Ok(is_authorized.then_some(caller).ok_or(Reason::Denied));
    }
    let text = |name: &str| -> Result<Option<String>, String> {
        let Some(raw) = field(name) else {
            return Ok(None);
        };
        let text = read::string(raw).map_err(|_| wrong(&[name, raw, "a string"]))?;
        Ok(Some(text.into_owned()))
    };
    let principal = text("principalId")?;
    if principal.is_none() && !form.is_of_http_api() {
        return Err(format!("`principalId` is missing in {RESULT}"));
    }
    let usage_key = text("usageIdentifierKey")?;
    let Some(document) = field("policyDocument") else {
        let hint = match field("isAuthorized") {
            Some(_) if form == Form::V2 => {
                "; for simple responses, set `enable-simple-responses = true`"
            }
            Some(_) => "; simple responses are a feature of HTTP APIs with payload format 2.0",
            None => "",
        };
        return Err(format!("`policyDocument` is missing in {RESULT}{hint}"));
    };
    Ok(match evaluate(document, subject)? {
        Effect::Allow => Ok(Caller::Lambda {
            principal,
            context,
            usage_key,
            latency_ms,
        }),
        Effect::ImplicitDeny => Err(Reason::Denied),
        Effect::ExplicitDeny => Err(Reason::DeniedExplicitly),
    })
}

/// The context, checked and as compact JSON.
fn context(raw: &str, form: Form) -> Result<String, String> {
    let members = object(raw, "context")?;
    if !form.is_of_http_api() {
        let is_scalar = |raw: &str| !raw.starts_with(['{', '[']) && raw != "null";
        if let Some((name, raw)) = members.iter().find(|(_, raw)| !is_scalar(raw)) {
            let at = format!("context.{name}");
            return Err(wrong(&[
                &at,
                raw,
                "a string, a number or a boolean; a REST or WebSocket API takes no others",
            ]));
        }
    }
    Ok(compact(raw).unwrap_or_else(|| raw.to_owned()))
}

fn wrong([at, raw, wanted]: &[&str; 3]) -> String {
    format!(
        "`{at}` in {RESULT} is {}, and has to be {wanted}",
        kind_of(raw)
    )
}

/// The message of a function's error, from its payload.
pub fn error_message(payload: &str) -> Option<String> {
    let [message] = read::members(payload, ["errorMessage"]).ok()?;
    read::string(message?).ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use http_event::contract::Request;

    use super::*;

    fn judged(form: Form, result: &str) -> Result<Result<Caller, Reason>, String> {
        let request = Request::get("/");
        let subject = Subject {
            request: &request,
            method_arn: "arn:aws:execute-api:us-east-1:123456789012:abc/prod/GET/",
            stage_variables: "",
            context: &|_| None,
            event: &|_, _| String::new(),
        };
        judge(form, result, &subject, 7)
    }

    const ALLOW: &str = r#""policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}]}"#;

    #[test]
    fn a_policy_allows_and_its_context_is_kept() {
        let result = format!(
            r#"{{"principalId":"u","context": {{"n": 1, "b":true,"s":"x"}},"usageIdentifierKey":"k",{ALLOW}}}"#
        );
        for form in [Form::Token, Form::Request, Form::V1, Form::V2] {
            let Ok(Ok(caller)) = judged(form, &result) else {
                panic!("{form:?}");
            };
            let Caller::Lambda { usage_key, .. } = &caller else {
                panic!("{caller:?}");
            };
            assert_eq!(usage_key.as_deref(), Some("k"));
            assert_eq!(
                caller.rest().unwrap(),
                r#"{"n":"1","b":"true","s":"x","principalId":"u","integrationLatency":7}"#
            );
            assert_eq!(
                caller.v1().unwrap(),
                r#"{"n":1,"b":true,"s":"x","principalId":"u"}"#
            );
            assert_eq!(
                caller.v2("1", "aws"),
                r#"{"lambda":{"n":1,"b":true,"s":"x"}}"#
            );
        }
    }

    #[test]
    fn a_simple_response_allows_or_denies() {
        let yes = judged(
            Form::V2Simple,
            r#"{"isAuthorized":true,"context":{"a":[1]}}"#,
        );
        let caller = yes.unwrap().unwrap();
        assert_eq!(caller.v2("1", "aws"), r#"{"lambda":{"a":[1]}}"#);
        let without = judged(Form::V2Simple, r#"{"isAuthorized":true}"#);
        assert_eq!(
            without.unwrap().unwrap().v2("1", "aws"),
            r#"{"lambda":null}"#
        );
        let no = judged(Form::V2Simple, r#"{"isAuthorized":false}"#);
        assert_eq!(no, Ok(Err(Reason::Denied)));
    }

    #[test]
    fn results_that_are_not_valid_are_explained() {
        let with = |members: &str| format!("{{{members},{ALLOW}}}");
        for (form, result, message) in [
            (Form::Token, "no".into(), "is not JSON"),
            (
                Form::Token,
                "\"Unauthorized\"".into(),
                "is a string, and has to be an object",
            ),
            (
                Form::Token,
                "null".into(),
                "is null, and has to be an object",
            ),
            (
                Form::Token,
                format!("{{{ALLOW}}}"),
                "`principalId` is missing",
            ),
            (
                Form::Request,
                with(r#""principalId":3"#),
                "`principalId` in the authorizer's result is a number",
            ),
            (
                Form::Token,
                r#"{"principalId":"u"}"#.into(),
                "`policyDocument` is missing",
            ),
            (
                Form::Token,
                r#"{"principalId":"u","policyDocument":[]}"#.into(),
                "`policyDocument` is a list",
            ),
            (
                Form::Token,
                with(r#""principalId":"u","context":{"a":{}}"#),
                "`context.a` in the authorizer's result is an object",
            ),
            (
                Form::Token,
                with(r#""principalId":"u","context":{"a":[1]}"#),
                "`context.a` in the authorizer's result is a list",
            ),
            (
                Form::V2,
                with(r#""context":"a""#),
                "`context` is a string, and has to be an object",
            ),
            (
                Form::V2,
                r#"{"isAuthorized":true}"#.into(),
                "set `enable-simple-responses = true`",
            ),
            (
                Form::V1,
                r#"{"isAuthorized":true}"#.into(),
                "a feature of HTTP APIs with payload format 2.0",
            ),
            (
                Form::V2Simple,
                format!("{{{ALLOW}}}"),
                "is a policy, and `enable-simple-responses` makes it",
            ),
            (
                Form::V2Simple,
                r#"{"isAuthorized":"true"}"#.into(),
                "is a string, and has to be `true` or `false`",
            ),
            (Form::V2Simple, "{}".into(), "`isAuthorized` is missing"),
        ] {
            let error = judged(form, &result).unwrap_err();
            assert!(error.contains(message), "{result}: {error}");
        }
        let nested = with(r#""context":{"a":{"b":[1]}}"#);
        assert!(
            judged(Form::V2, &nested).unwrap().is_ok(),
            "an HTTP API takes it"
        );
    }
}
