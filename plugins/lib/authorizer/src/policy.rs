//! The policies that Lambda authorizers return: does one allow a method?
//!
//! An explicit deny counts more than any allow; what no statement matches is denied. `*` stands for any characters and
//! `?` for one, in actions and in resources. Actions may have any case.
//!
//! Limits of AWS: a policy of 8,192 bytes, and 512 characters in a resource.
//!
//! On failure: a text that says what is wrong with the policy. Elements that AWS knows and this module does not
//! (`NotAction`, `NotResource`) are refused in the same way, rather than being ignored.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use http_event::json::read;
use http_event::payload::kind_of;

use crate::condition;
use crate::json::{object, one_or_more};
use crate::subject::Subject;
use crate::wildcard::matches;

/// AWS's limit for a policy, in bytes.
pub const MAX_POLICY: usize = 8_192;

/// AWS's limit for a resource in a policy, in characters.
pub const MAX_RESOURCE: usize = 512;

/// The only action that counts.
const INVOKE: &str = "execute-api:Invoke";

/// The verdict of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A statement allows the method, and none denies it.
    Allow,
    /// No statement matches.
    ImplicitDeny,
    /// A statement denies the method.
    ExplicitDeny,
}

/// Evaluates a policy document, a JSON object, for the method of a request.
///
/// # Errors
///
/// The policy is not valid.
pub fn evaluate(document: &str, subject: &Subject<'_>) -> Result<Effect, String> {
    if document.len() > MAX_POLICY {
        return Err(format!(
            "`policyDocument` has {} bytes, of which AWS allows {MAX_POLICY}",
            document.len()
        ));
    }
    let members = object(document, "policyDocument")?;
    let mut statements = None;
    for (key, value) in &members {
        match &**key {
            "Version" => check_version(value)?,
            "Statement" => statements = Some(*value),
            "Id" => {}
            key => return Err(unknown("policyDocument", key, "Version, Id and Statement")),
        }
    }
    let statements = statements.ok_or("`policyDocument.Statement` is missing")?;
    let one_or_more = match read::list(statements) {
        Ok(list) => list,
        Err(_) => [statements].into(),
    };
    let mut effect = Effect::ImplicitDeny;
    // Every statement is read, so that a mistake in any of them is found.
    for (index, statement) in one_or_more.iter().enumerate() {
        let at = format!("policyDocument.Statement[{index}]");
        match read_statement(statement, &at, subject)? {
            Some(true) if effect == Effect::ImplicitDeny => effect = Effect::Allow,
            Some(false) => effect = Effect::ExplicitDeny,
            _ => {}
        }
    }
    Ok(effect)
}

fn check_version(value: &str) -> Result<(), String> {
    match read::string(value).as_deref() {
        Ok("2012-10-17" | "2008-10-17") => Ok(()),
        _ => Err("`policyDocument.Version` has to be \"2012-10-17\"".to_owned()),
    }
}

/// Whether a statement allows or denies the method. `None` if it does not match.
fn read_statement(
    statement: &str,
    at: &str,
    subject: &Subject<'_>,
) -> Result<Option<bool>, String> {
    let (mut effect, mut actions, mut resources, mut condition) = (None, None, None, None);
    for (key, value) in object(statement, at)? {
        match &*key {
            "Sid" => {}
            "Effect" => effect = Some(value),
            "Action" => actions = Some(value),
            "Resource" => resources = Some(value),
            "Condition" => condition = Some(value),
            "NotAction" | "NotResource" => {
                return Err(format!(
                    "`{at}.{key}` is not supported by Lambkin; list what is meant"
                ));
            }
            key => {
                return Err(unknown(
                    at,
                    key,
                    "Sid, Effect, Action, Resource and Condition",
                ));
            }
        }
    }
    let effect = effect.ok_or_else(|| format!("`{at}.Effect` is missing"))?;
    let allows = match read::string(effect).as_deref() {
        Ok("Allow") => true,
        Ok("Deny") => false,
        _ => return Err(format!("`{at}.Effect` has to be \"Allow\" or \"Deny\"")),
    };
    let actions = texts(actions, at, "Action")?;
    let resources = texts(resources, at, "Resource")?;
    if let Some(resource) = resources
        .iter()
        .find(|it| it.chars().count() > MAX_RESOURCE)
    {
        return Err(format!(
            "`{at}.Resource` has {} characters, of which AWS allows {MAX_RESOURCE}",
            resource.chars().count()
        ));
    }
    let holds = match condition {
        Some(condition) => condition::holds(condition, at, subject)?,
        None => true,
    };
    let invoke = INVOKE.to_ascii_lowercase();
    let is_action = actions
        .iter()
        .any(|it| matches(&it.to_ascii_lowercase(), &invoke));
    let is_resource = resources.iter().any(|it| matches(it, subject.method_arn));
    Ok((holds && is_action && is_resource).then_some(allows))
}

fn unknown(at: &str, key: &str, known: &str) -> String {
    format!("`{at}` has no key `{key}`; its keys are {known}")
}

/// A string, or a list of strings.
fn texts<'a>(value: Option<&'a str>, at: &str, key: &str) -> Result<Vec<Cow<'a, str>>, String> {
    let value = value.ok_or_else(|| format!("`{at}.{key}` is missing"))?;
    one_or_more(value).ok_or_else(|| {
        format!(
            "`{at}.{key}` is {}, and has to be a string or a list of strings",
            kind_of(value)
        )
    })
}

#[cfg(test)]
mod tests {
    use http_event::contract::Request;

    use super::*;

    const ARN: &str = "arn:aws:execute-api:us-east-1:123456789012:abc/prod/GET/pets/1";

    fn effect(statements: &str) -> Result<Effect, String> {
        let request = Request::get("/");
        let subject = Subject {
            request: &request,
            method_arn: ARN,
            stage_variables: "",
            context: &|_| None,
            event: &|_, _| String::new(),
        };
        let document = format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#);
        evaluate(&document, &subject)
    }

    fn statement(effect: &str, resource: &str) -> String {
        format!(r#"{{"Effect":"{effect}","Action":"execute-api:Invoke","Resource":{resource}}}"#)
    }

    #[test]
    fn an_explicit_deny_counts_more_than_an_allow_and_without_a_match_the_request_is_denied() {
        let all = r#""arn:aws:execute-api:*:*:abc/*""#;
        let pets = r#"["arn:aws:execute-api:*:*:abc/prod/GET/pets/?","arn:x"]"#;
        let other = r#""arn:aws:execute-api:us-east-1:123456789012:abc/prod/GET/pets""#;
        for (statements, expected) in [
            (format!("[{}]", statement("Allow", all)), Effect::Allow),
            (statement("Allow", all), Effect::Allow),
            (statement("Allow", pets), Effect::Allow),
            (statement("Allow", other), Effect::ImplicitDeny),
            ("[]".to_owned(), Effect::ImplicitDeny),
            (
                format!("[{},{}]", statement("Deny", pets), statement("Allow", all)),
                Effect::ExplicitDeny,
            ),
            (
                format!("[{},{}]", statement("Allow", all), statement("Deny", pets)),
                Effect::ExplicitDeny,
            ),
            (
                format!("[{},{}]", statement("Allow", all), statement("Deny", other)),
                Effect::Allow,
            ),
        ] {
            assert_eq!(effect(&statements), Ok(expected), "{statements}");
        }
    }

    #[test]
    fn actions_have_wildcards_and_any_case() {
        for (action, expected) in [
            (r#""execute-api:Invoke""#, Effect::Allow),
            (r#""EXECUTE-API:invoke""#, Effect::Allow),
            (r#""execute-api:*""#, Effect::Allow),
            (r#""*""#, Effect::Allow),
            (
                r#"["execute-api:ManageConnections","execute-api:Invoke"]"#,
                Effect::Allow,
            ),
            (r#""execute-api:ManageConnections""#, Effect::ImplicitDeny),
        ] {
            let statement = format!(r#"{{"Effect":"Allow","Action":{action},"Resource":"*"}}"#);
            assert_eq!(effect(&statement), Ok(expected), "{action}");
        }
    }

    #[test]
    fn mistakes_in_a_policy_are_explained() {
        let long = format!("\"{}\"", "a".repeat(513));
        for (statements, message) in [
            (
                "3".to_owned(),
                "`policyDocument.Statement[0]` is a number, and has to be an object",
            ),
            (
                statement("allow", "\"*\""),
                "Effect` has to be \"Allow\" or \"Deny\"",
            ),
            (
                statement("Allow", "3"),
                "Resource` is a number, and has to be a string or a list",
            ),
            (
                statement("Allow", "[3]"),
                "Resource` is a list, and has to be a string or a list",
            ),
            (
                statement("Allow", &long),
                "has 513 characters, of which AWS allows 512",
            ),
            (
                r#"{"Effect":"Allow","Action":"*"}"#.to_owned(),
                "Resource` is missing",
            ),
            (
                r#"{"Effect":"Allow","Resource":"*"}"#.to_owned(),
                "Action` is missing",
            ),
            (
                r#"{"Action":"*","Resource":"*"}"#.to_owned(),
                "Effect` is missing",
            ),
            (
                r#"{"Effect":"Allow","NotAction":"a","Resource":"*"}"#.to_owned(),
                "not supported",
            ),
            (
                r#"{"effect":"Allow","Action":"a","Resource":"*"}"#.to_owned(),
                "no key `effect`",
            ),
            (
                format!("[{}]", "1,".repeat(5_000)),
                "bytes, of which AWS allows 8192",
            ),
        ] {
            let error = effect(&statements).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
