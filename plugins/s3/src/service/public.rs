//! What a request without a signature may do: what the ACL of an object or a bucket, or a bucket's policy, allows to
//! everybody, and the bucket does not block.
//!
//! Of policies, statements without conditions are evaluated; one with a condition allows nothing. On failure: the error
//! `AccessDenied`, or that of a missing bucket.

use serde_json::Value;

use super::acl;
use super::bucket_settings;
use super::call::Call;
use super::error::{self, Error};
use super::message;
use super::store::BucketInfo;

/// Refuses a call that not everybody may make.
pub fn check(call: &Call<'_>) -> Result<(), Error> {
    let creates = call.request.method == "PUT" && call.key.is_empty();
    if call.bucket.is_empty() || creates {
        return Err(error::ACCESS_DENIED.error());
    }
    let bucket = call.bucket_info()?;
    let (action, resource) = match (call.request.method.as_str(), call.key.as_str()) {
        ("GET" | "HEAD", "") => ("s3:ListBucket", String::new()),
        ("GET" | "HEAD", key) if call.query("versionId").is_some() => {
            ("s3:GetObjectVersion", format!("/{key}"))
        }
        ("GET" | "HEAD", key) => ("s3:GetObject", format!("/{key}")),
        ("PUT" | "POST", key) if !key.is_empty() => ("s3:PutObject", format!("/{key}")),
        ("DELETE", key) if !key.is_empty() => ("s3:DeleteObject", format!("/{key}")),
        _ => return Err(error::ACCESS_DENIED.error()),
    };
    // The settings of a bucket or an object are never public.
    let is_plain = call.request.query.iter().all(|(name, _)| {
        !["acl", "attributes", "retention", "legal-hold", "torrent"].contains(&name.as_str())
            && (!call.key.is_empty() || LISTS.contains(&name.as_str()))
            && name != "tagging"
    });
    let reads_object = action == "s3:GetObject" || action == "s3:GetObjectVersion";
    let by_acl = || match reads_object {
        true => {
            let version = call.query("versionId");
            let found = call.store().describe(&call.bucket, &call.key, version);
            found.is_ok_and(|info| acl::is_public(&info.metadata, false))
        }
        false => acl::is_public(&bucket.attributes, action != "s3:ListBucket"),
    };
    if is_plain && may(&bucket, action, &resource, by_acl) {
        check_overrides(call)
    } else {
        Err(error::ACCESS_DENIED.error())
    }
}

/// The parameters of the lists of objects.
const LISTS: [&str; 10] = [
    "list-type",
    "prefix",
    "delimiter",
    "marker",
    "max-keys",
    "encoding-type",
    "continuation-token",
    "start-after",
    "fetch-owner",
    "x-id",
];

/// Refuses a form without a policy, unless everybody may put the object.
pub fn check_form(bucket: &BucketInfo, key: &str) -> Result<(), Error> {
    let by_acl = || acl::is_public(&bucket.attributes, true);
    if may(bucket, "s3:PutObject", &format!("/{key}"), by_acl) {
        Ok(())
    } else {
        Err(error::ACCESS_DENIED.error())
    }
}

/// Only signed requests may choose headers of the response.
fn check_overrides(call: &Call<'_>) -> Result<(), Error> {
    let query = &call.request.query;
    if query.iter().any(|(name, _)| name.starts_with("response-")) {
        return Err(error::INVALID_REQUEST.with_message(
            "Request specific response headers cannot be used for anonymous GET requests.",
        ));
    }
    Ok(())
}

fn may(bucket: &BucketInfo, action: &str, resource: &str, by_acl: impl FnOnce() -> bool) -> bool {
    let blocks = |block| bucket_settings::blocks_public(bucket, block);
    let by_acl = !bucket_settings::refuses_acls(bucket) && !blocks("IgnorePublicAcls") && by_acl();
    let by_policy = || {
        let policy = message::find(&bucket.attributes, "policy")?;
        let policy: Value = serde_json::from_str(policy).ok()?;
        let name = &bucket.name;
        allows(&policy, action, &format!("{name}{resource}")).then_some(())
    };
    by_acl || (!blocks("RestrictPublicBuckets") && by_policy().is_some())
}

/// Whether a policy allows something to everybody, without a condition.
pub fn is_public(policy: &str) -> bool {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = list(policy.get("Statement"));
    statements.iter().any(|statement| {
        statement.get("Effect").and_then(Value::as_str) == Some("Allow")
            && statement.get("Condition").is_none()
            && is_for_all(statement)
    })
}

/// Whether a statement of a policy is about everybody.
fn is_for_all(statement: &Value) -> bool {
    match statement.get("Principal") {
        Some(Value::String(text)) => text == "*",
        Some(Value::Object(members)) => {
            let named = list(members.get("AWS"));
            named.iter().any(|name| name.as_str() == Some("*"))
        }
        _ => false,
    }
}

/// Whether a policy allows an action to everybody. `resource` is what follows `arn:aws:s3:::`.
fn allows(policy: &Value, action: &str, resource: &str) -> bool {
    let statements = list(policy.get("Statement"));
    let matching = |effect: &str| {
        statements.iter().any(|statement| {
            let any = |name: &str, found: &dyn Fn(&str) -> bool| {
                let texts = list(statement.get(name));
                texts.iter().filter_map(|text| text.as_str()).any(found)
            };
            let is_conditional = effect == "Allow" && statement.get("Condition").is_some();
            statement.get("Effect").and_then(Value::as_str) == Some(effect)
                && is_for_all(statement)
                && !is_conditional
                && any("Action", &|pattern| {
                    matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
                })
                && any("Resource", &|pattern| {
                    let own = pattern.splitn(6, ':').nth(5).unwrap_or(pattern);
                    matches(own, resource)
                })
        })
    };
    matching("Allow") && !matching("Deny")
}

/// A value that may be one item or a list of them.
fn list(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().collect(),
        Some(item) => vec![item],
        None => Vec::new(),
    }
}

/// Whether a text matches a pattern with `*` and `?`.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut from) = (0, 0);
    // The last `*`, and where in the text it was tried to end.
    let mut star = None;
    while from < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(char) if *char == '?' || Some(char) == text.get(from) => {
                at += 1;
                from += 1;
            }
            _ => match star {
                Some((place, tried)) => {
                    star = Some((place, tried + 1));
                    at = place + 1;
                    from = tried + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|char| *char == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_allow_and_deny_actions_to_everybody() {
        let policy = |effect: &str, more: &str| {
            let text = format!(
                r#"{{"Statement": [{{"Effect": "{effect}", "Principal": {{"AWS": ["*"]}}, "Action": "s3:Get*",
                "Resource": ["arn:aws:s3:::b/public/*"]{more}}}]}}"#
            );
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let allow = policy("Allow", "");
        assert!(allows(&allow, "s3:GetObject", "b/public/a/b"));
        assert!(!allows(&allow, "s3:PutObject", "b/public/a"));
        assert!(!allows(&allow, "s3:GetObject", "b/private/a"));
        let conditional = policy("Allow", r#", "Condition": {"Bool": {}}"#);
        assert!(!allows(&conditional, "s3:GetObject", "b/public/a"));
        assert!(!allows(&policy("Deny", ""), "s3:GetObject", "b/public/a"));
    }

    #[test]
    fn patterns_have_stars_and_question_marks() {
        for (pattern, text) in [("*", ""), ("a*c?", "abbcd"), ("a*b*c", "aXbbc"), ("", "")] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "b"), ("a*b", "aXc"), ("?", ""), ("a*bc", "abcX")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
