//! `MOCK` integrations whose responses do not fit the status codes that their request templates write: the client gets a
//! 500 on AWS, too, so it is a warning.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pattern::Pattern;
use serde_json::Value;

/// Adds a warning for each status code without a response, and for each response without a status code. Templates
/// whose status code is computed are not judged.
pub fn check(
    route: &str,
    templates: Option<&Value>,
    responses: &[Value],
    warnings: &mut Vec<String>,
) {
    let mut written = Some(Vec::new());
    let templates = templates.and_then(Value::as_object);
    let mut has_template = false;
    for template in templates.into_iter().flat_map(|all| all.values()) {
        has_template = true;
        for status in statuses(template.as_str().unwrap_or_default()) {
            match (status, &mut written) {
                (Some(status), Some(written)) => written.push(status),
                _ => written = None,
            }
        }
    }
    let pattern = |response: &Value| {
        let text = response.get("pattern").and_then(Value::as_str)?;
        Some((String::from(text), Pattern::whole(text).ok()?))
    };
    let patterns: Vec<_> = responses.iter().filter_map(pattern).collect();
    let has_default = responses.iter().any(|it| it.get("pattern").is_none());
    let Some(written) = written.filter(|_| has_template) else {
        return;
    };
    let texts: Vec<_> = written.iter().map(|status| format!("{status}")).collect();
    for status in texts.iter().filter(|_| !has_default) {
        if !patterns.iter().any(|(_, pattern)| pattern.matches(status)) {
            warnings.push(format!(
                "{route}: no `selection-pattern` matches the `statusCode` {status} that a request template writes, and no \
                 response is without one, so the answer is 500"
            ));
        }
    }
    for (text, pattern) in patterns {
        if !texts.is_empty() && !texts.iter().any(|status| pattern.matches(status)) {
            warnings.push(format!(
                "{route}: the response with the `selection-pattern` {text:?} is never sent: the request templates write \
                 the `statusCode` {}",
                texts.join(" or ")
            ));
        }
    }
}

/// The values of `statusCode` in a template; `None` for one that is no number.
fn statuses(template: &str) -> impl Iterator<Item = Option<u16>> + '_ {
    template.split("statusCode").skip(1).map(|rest| {
        let rest = rest.trim_start_matches(['"', '\'', ' ', '\t', '\n', '\r']);
        let rest = rest.strip_prefix(':')?.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit());
        let (number, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        let is_whole = !after.starts_with(['$', '#', '.']);
        number.parse().ok().filter(|_| is_whole)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn warnings(templates: Value, responses: Value) -> Vec<String> {
        let mut warnings = Vec::new();
        let responses = responses.as_array().unwrap();
        check("GET /a", Some(&templates), responses, &mut warnings);
        warnings
    }

    #[test]
    fn a_status_without_a_response_and_a_response_without_a_status_are_reported() {
        let both = json!([{"status": 200, "pattern": "2\\d\\d"}, {"status": 404, "pattern": "OK"}]);
        let found = warnings(
            json!({"application/json": "{ \"statusCode\" : 500 }"}),
            both,
        );
        let [status, success, ok] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert!(status.contains("matches the `statusCode` 500"), "{status}");
        assert!(success.contains("never sent"), "{success}");
        assert!(ok.contains("\"OK\" is never sent"), "{ok}");
    }

    #[test]
    fn templates_that_compute_the_status_are_not_judged() {
        let responses =
            json!([{"status": 200, "pattern": "200"}, {"status": 404, "pattern": "404"}]);
        for template in [
            "{\"statusCode\": $a}",
            "{\"statusCode\": 2$a}",
            "#if($a){\"statusCode\": 200}#else{\"statusCode\": 404}#end",
            "$input.json('$')",
        ] {
            let found = warnings(json!({"a/b": template}), responses.clone());
            assert_eq!(found, Vec::<String>::new(), "{template}");
        }
        let default = json!([{"status": 200}]);
        let found = warnings(json!({"a/b": "{\"statusCode\": 500}"}), default);
        assert_eq!(found, Vec::<String>::new());
    }
}
