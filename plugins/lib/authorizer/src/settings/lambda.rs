//! The types `token` and `request`: functions that decide.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::vec::Vec;

use plugin_kit::settings::{Problems, Table, is_function};

use super::{Configured, Rules, authorization, identity_sources, is_printable};
use crate::authorizer::{Authorizer, ENTRY, Form, Kind, Lambda, List, joined};
use crate::identity_source::is_header;
use crate::validation;

/// AWS's limit for the time that a result is kept, in milliseconds.
const MAX_TTL_MS: u32 = 3_600_000;

pub fn read<'a>(
    name: &'a str,
    table: &Table<'a>,
    is_token: bool,
    rules: Rules,
    problems: &mut Problems,
) -> Option<Configured<'a>> {
    let mut keys = Vec::from(["type", "function", "identity-source", "result-ttl"]);
    if is_token {
        keys.push("identity-validation-expression");
    } else if rules.has_formats {
        keys.extend(["payload-format-version", "enable-simple-responses"]);
    }
    table.refuse_unknown(&keys, &[], problems);
    if table.get("function").is_none() {
        let message = "the authorizer needs a `function`".to_owned();
        problems.add(table.at().to_vec(), message);
    }
    let rule = "this must be the name of a function";
    let function = table.text("function", is_function, rule, problems);
    let sources = identity_sources(
        table,
        rules,
        if is_token { 1 } else { usize::MAX },
        problems,
    );
    let sources = match (sources, is_token) {
        (Some(sources), true) => {
            if sources.iter().any(|source| !is_header(source)) {
                let message = "a token comes from a header: `method.request.header.NAME`";
                problems.add(table.path_of("identity-source"), message);
            }
            if sources.is_empty() {
                let message = "name the header with the token, or leave out the key";
                problems.add(table.path_of("identity-source"), message);
            }
            sources
        }
        (None, true) => [authorization()].into(),
        (sources, false) => sources.unwrap_or_default(),
    };
    let ttl_ms = ttl(table, rules, !sources.is_empty(), problems);
    let expression = expression(table, problems);
    let form = form(table, is_token, rules, problems);

    let function = function?;
    let lambda = Lambda {
        function,
        form,
        sources: List(&joined(sources.iter().map(|it| it.as_str()), ENTRY)),
        validation: expression,
        ttl_ms,
        max_wait_ms: rules.max_wait_ms,
    };
    let kept = match ttl_ms {
        0 => "asked for each request".to_owned(),
        _ => format!("kept for {} s", f64::from(ttl_ms) / 1000.0),
    };
    let kind = Kind::Lambda(lambda);
    Some(Configured {
        text: Authorizer { name, kind }.write(),
        kind: if is_token { "token" } else { "request" },
        function: Some((function, table.path_of("function"))),
        summary: format!("authorizer {name} -> {function} ({kept})"),
    })
}

fn ttl(table: &Table<'_>, rules: Rules, has_sources: bool, problems: &mut Problems) -> u32 {
    let in_bounds = |ttl: &u32| *ttl <= MAX_TTL_MS;
    let rule = "a result is kept for a number of seconds from 0 to 3600";
    let given = table.milliseconds("result-ttl", in_bounds, rule, problems);
    if given.is_some_and(|ttl| ttl > 0) && !has_sources {
        let message = "results are kept by the values of `identity-source`, which is missing: set it, or 0 here";
        problems.add(table.path_of("result-ttl"), message);
    }
    match (given, has_sources) {
        (Some(given), _) => given,
        (None, true) => rules.default_ttl_ms,
        (None, false) => 0,
    }
}

fn expression<'a>(table: &Table<'a>, problems: &mut Problems) -> &'a str {
    const KEY: &str = "identity-validation-expression";
    let rule = "this must be a regular expression";
    let Some(expression) = table.text(KEY, is_printable, rule, problems) else {
        return "";
    };
    if let Err(error) = validation::check(expression) {
        problems.add(table.path_of(KEY), format!("{rule}: {error}"));
    }
    expression
}

fn form(table: &Table<'_>, is_token: bool, rules: Rules, problems: &mut Problems) -> Form {
    const FORMAT: &str = "payload-format-version";
    const SIMPLE: &str = "enable-simple-responses";
    if is_token {
        return Form::Token;
    }
    if !rules.has_formats {
        return Form::Request;
    }
    let format = table.choice(FORMAT, &["2.0", "1.0"], problems);
    let is_simple = table.boolean(SIMPLE, problems) == Some(true);
    match (format, is_simple) {
        (Some("1.0"), true) => {
            let message = "simple responses belong to payload format version 2.0";
            problems.add(table.path_of(SIMPLE), message);
            Form::V1
        }
        (Some("1.0"), false) => Form::V1,
        (_, true) => Form::V2Simple,
        (_, false) => Form::V2,
    }
}
