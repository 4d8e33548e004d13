//! `AWS::ElasticLoadBalancingV2::Listener` → triggers of the plugin `alb`.
//!
//! Contract: a listener is a trigger if one of its actions goes to a function: `AWS::ElasticLoadBalancingV2::TargetGroup`
//! with the target type `lambda`. Rules of a listener that is not in the project become a trigger, too, which answers
//! requests that match none of them with 404.
//!
//! On failure: rules that go elsewhere are refused; the others are served.

use std::borrow::Cow;

use crate::context::Context;
use crate::document::{Document, Item, Table};
use crate::file::Place;
use crate::resource::{Resource, Stack};
use crate::value::Value;

use super::door::{self, Door};
use super::name;
use super::read::{number, texts};
use super::reference::{self, Why};

const LISTENER: &str = "AWS::ElasticLoadBalancingV2::Listener";
const RULE: &str = "AWS::ElasticLoadBalancingV2::ListenerRule";
const TARGET_GROUP: &str = "AWS::ElasticLoadBalancingV2::TargetGroup";

/// Conditions whose values are a list: their field, the member with the values, the key.
const LISTS: [(&str, &str, &str); 4] = [
    ("host-header", "HostHeaderConfig", "host-header"),
    ("path-pattern", "PathPatternConfig", "path-pattern"),
    (
        "http-request-method",
        "HttpRequestMethodConfig",
        "http-request-method",
    ),
    ("source-ip", "SourceIpConfig", "source-ip"),
];

/// The settings of a target group's health checks, and their keys.
const CHECKS: [(&str, &str); 4] = [
    ("HealthCheckIntervalSeconds", "interval"),
    ("HealthCheckTimeoutSeconds", "timeout"),
    ("HealthyThresholdCount", "healthy-threshold"),
    ("UnhealthyThresholdCount", "unhealthy-threshold"),
];

struct Writer<'s> {
    context: &'s Context,
    stack: &'s Stack,
    document: &'s Document,
    /// The target groups that are used.
    groups: Vec<&'s Resource>,
    /// The functions behind them, each with its target group.
    functions: Vec<(String, &'s Resource)>,
}

/// Writes the triggers of all listeners.
pub fn write(context: &Context, stack: &Stack, document: &mut Document) {
    for listener in stack.of_kind(LISTENER) {
        let rules = stack.of_kind(RULE);
        let rules = rules.filter(|rule| reference::is_to(rule.get("ListenerArn"), listener));
        let rules: Vec<_> = rules.collect();
        let mut writer = Writer::new(context, stack, document);
        let all = std::iter::once(listener.get("DefaultActions"));
        let all = all
            .chain(rules.iter().map(|rule| rule.get("Actions")))
            .flatten();
        if !all.into_iter().any(|actions| writer.has_functions(actions)) {
            let message = format!("the listener {} has no functions behind it", listener.path);
            context.report.note(listener.place, message);
            continue;
        }
        let mut table = door::table(context, document, Door::Alb);
        let actions = listener.get("DefaultActions");
        match writer.action(actions, &mut table) {
            Ok(()) => {}
            Err(why) => {
                let place = actions.map_or(listener.place, |it| it.place);
                let subject = format!("the default action of {}", listener.path);
                why.tell(context, place, &subject, "requests get the status 503");
                set_fixed_response(&mut table, 503);
            }
        }
        if listener.properties.text_of("Protocol").as_deref() == Some("HTTPS") {
            let message = format!("the listener {} is served without TLS", listener.path);
            context.report.note(listener.place, message);
        }
        writer.rules(&rules, &mut table);
        writer.finish(&mut table);
        door::set_place(&mut table, listener);
        let name = name::trigger(document, listener);
        document
            .root
            .table("triggers")
            .set(name, table, listener.place);
    }
    elsewhere(context, stack, document);
}

/// Rules of listeners that are not in the project.
fn elsewhere(context: &Context, stack: &Stack, document: &mut Document) {
    let is_known =
        |rule: &&Resource| reference::find(stack, LISTENER, rule.get("ListenerArn")).is_some();
    let rules: Vec<_> = stack.of_kind(RULE).filter(|rule| !is_known(rule)).collect();
    let mut writer = Writer::new(context, stack, document);
    let rules: Vec<_> = rules
        .into_iter()
        .filter(|rule| {
            rule.get("Actions")
                .is_some_and(|actions| writer.has_functions(actions))
        })
        .collect();
    let Some(first) = rules.first() else {
        return;
    };
    let message = "the rules of a listener that is not in the project are served; requests that match none of them are \
                   answered with 404";
    context.report.note(first.place, message);
    let mut table = door::table(context, document, Door::Alb);
    set_fixed_response(&mut table, 404);
    writer.rules(&rules, &mut table);
    writer.finish(&mut table);
    let name = name::unused(document, "alb");
    document
        .root
        .table("triggers")
        .set(name, table, first.place);
}

fn set_fixed_response(table: &mut Table, status: i64) {
    let mut response = Table::default();
    response.set("status-code", status, None);
    table.set("fixed-response", response, None);
}

impl<'s> Writer<'s> {
    fn new(context: &'s Context, stack: &'s Stack, document: &'s Document) -> Self {
        Self {
            context,
            stack,
            document,
            groups: Vec::new(),
            functions: Vec::new(),
        }
    }

    /// Whether an action goes to functions, or wants to.
    fn has_functions(&self, actions: &Value) -> bool {
        let mut actions = actions.items().iter();
        actions.any(|action| {
            let groups = target_groups(action);
            let mut groups = groups.into_iter();
            groups.any(|group| {
                let group = reference::find(self.stack, TARGET_GROUP, Some(group));
                group.is_some_and(is_of_functions)
            })
        })
    }

    fn rules(&mut self, rules: &[&'s Resource], table: &mut Table) {
        let mut written = Vec::new();
        for rule in rules {
            let mut one = Table::default();
            let result = self
                .conditions(rule, &mut one)
                .and_then(|()| self.action(rule.get("Actions"), &mut one));
            match result {
                Ok(()) => written.push(Item::Table(one)),
                Err(why) => {
                    let subject = format!("the rule {}", rule.path);
                    why.tell(self.context, rule.place, &subject, "it is not served");
                }
            }
        }
        if !written.is_empty() {
            table.set(
                "rules",
                Item::List(written),
                rules.first().map(|rule| rule.place),
            );
        }
    }

    fn conditions(&self, rule: &Resource, table: &mut Table) -> Result<(), Why> {
        if rule
            .get("Transforms")
            .is_some_and(|it| !it.items().is_empty())
        {
            return Err("rewrites requests with Transforms, which is not done here".into());
        }
        let priority = rule.get("Priority");
        let number = priority.and_then(Value::as_integer);
        let number = number.ok_or("has no priority")?;
        table.set("priority", number, priority.map(|it| it.place));
        for condition in rule.get("Conditions").map(Value::items).unwrap_or_default() {
            let field = condition.text_of("Field").unwrap_or_default();
            let what = format!("a condition of {}", rule.path);
            if let Some((_, config, key)) = LISTS.iter().find(|(name, ..)| *name == field) {
                let values = condition
                    .at(&[config, "Values"])
                    .or(condition.get("Values"));
                let values = values.ok_or_else(|| format!("has no values for {field}"))?;
                if table.get(key).is_some() {
                    return Err(format!("has two conditions on {field}").into());
                }
                table.set(*key, texts(self.context, &what, values), values.place);
                continue;
            }
            match &*field {
                "http-header" => {
                    let config = condition.get("HttpHeaderConfig");
                    let config = config.ok_or("has no HttpHeaderConfig")?;
                    let name = config.text_of("HttpHeaderName");
                    let name = name.ok_or("has no HttpHeaderName")?.to_ascii_lowercase();
                    let values = config.get("Values");
                    let values = values.ok_or("has no values for a header")?;
                    let headers = table.table("http-header");
                    if headers.get(&name).is_some() {
                        return Err(format!("has two conditions on the header {name}").into());
                    }
                    headers.set(name, texts(self.context, &what, values), values.place);
                }
                "query-string" => {
                    let (key, values) = query(condition)?;
                    let query = table.table("query-string");
                    if query.get(&key).is_some() {
                        return Err(format!("has two conditions on the parameter {key}").into());
                    }
                    query.set(key, values, condition.place);
                }
                other => {
                    let message = format!("has a condition on {other:?}, which is not known");
                    return Err(message.into());
                }
            }
        }
        Ok(())
    }

    /// Sets the key for the action; an error says what it does instead.
    fn action(&mut self, actions: Option<&Value>, table: &mut Table) -> Result<(), Why> {
        let actions = actions.map(Value::items).unwrap_or_default();
        let [action] = actions else {
            let kinds = actions.iter().filter_map(|action| action.text_of("Type"));
            let kinds: Vec<_> = kinds.collect();
            return Err(match kinds.first() {
                Some(first) => format!("begins with {first}, which is not done here").into(),
                None => "has no action".into(),
            });
        };
        match action.text_of("Type").as_deref() {
            Some("forward") => {
                let (function, place) = self.target(action)?;
                table.set("function", function, place);
            }
            Some("redirect") => {
                let config = action
                    .get("RedirectConfig")
                    .ok_or("has no RedirectConfig")?;
                table.set("redirect", redirect(config), config.place);
            }
            Some("fixed-response") => {
                let config = action
                    .get("FixedResponseConfig")
                    .ok_or("has no FixedResponseConfig")?;
                table.set("fixed-response", fixed_response(config), config.place);
            }
            Some(other) => return Err(format!("is {other:?}, which is not done here").into()),
            None => return Err("has an action without a type".into()),
        }
        Ok(())
    }

    /// The function that an action forwards requests to.
    fn target(&mut self, action: &Value) -> Result<(String, Place), Why> {
        let groups = target_groups(action);
        let group = match groups.as_slice() {
            [] => return Err("forwards to no target group".into()),
            [group] => *group,
            [group, ..] => {
                let message = "of several target groups, all requests go to the first one";
                self.context.report.note(action.place, message);
                group
            }
        };
        let found = reference::find(self.stack, TARGET_GROUP, Some(group));
        let found = found.ok_or("forwards to a target group that is not in the project")?;
        if !is_of_functions(found) {
            return Err(format!("forwards to {}, not to a function", found.path).into());
        }
        let target = found
            .get("Targets")
            .and_then(|targets| targets.items().first());
        let id = target.and_then(|target| target.get("Id"));
        let id = id.ok_or_else(|| format!("forwards to {}, which has no target", found.path))?;
        let invoked = reference::invoked(self.stack, self.document, id, &[])?;
        if !self.groups.iter().any(|group| group.path == found.path) {
            self.groups.push(found);
            self.functions.push((invoked.function.clone(), found));
        }
        Ok((invoked.function, id.place))
    }

    /// Sets what target groups say.
    fn finish(&self, table: &mut Table) {
        let has_lists: Vec<bool> = self
            .groups
            .iter()
            .map(|group| has_multi_values(group))
            .collect();
        if has_lists.contains(&true) {
            table.set("multi-value-headers", true, None);
        }
        if has_lists.contains(&true)
            && let Some(group) = self.groups.iter().find(|group| !has_multi_values(group))
        {
            let message = format!(
                "{}: events have lists of values, because another target group of the listener asks for them",
                group.path
            );
            self.context.report.note(group.place, message);
        }
        let mut checks = Table::default();
        for (function, group) in &self.functions {
            if group.get("HealthCheckEnabled").and_then(Value::as_bool) == Some(true) {
                checks.set(function, health_check(group), group.place);
            }
        }
        if !checks.is_empty() {
            table.set("health-checks", checks, None);
        }
    }
}

/// The parameter of a condition on the query, `*` for any, and the patterns of which one has to match.
fn query(condition: &Value) -> Result<(String, Vec<String>), Why> {
    let pairs = condition.at(&["QueryStringConfig", "Values"]);
    let pairs = pairs.map(Value::items).unwrap_or_default();
    let key_of = |pair: &Value| match pair.text_of("Key") {
        Some(key) if !key.is_empty() => key.into_owned(),
        _ => "*".to_owned(),
    };
    let key = pairs.first().map(key_of);
    let key = key.ok_or("has no values for the query string")?;
    if pairs.iter().any(|pair| key_of(pair) != key) {
        return Err("has a condition on one of several parameters, which is not done here".into());
    }
    let values = pairs.iter().filter_map(|pair| pair.text_of("Value"));
    Ok((key, values.map(Cow::into_owned).collect()))
}

/// The target groups that an action forwards to, with a weight above 0.
fn target_groups(action: &Value) -> Vec<&Value> {
    let groups = action.at(&["ForwardConfig", "TargetGroups"]);
    let groups = groups.map(Value::items).unwrap_or_default().iter();
    let weighty = groups.filter(|group| group.get("Weight").and_then(Value::as_integer) != Some(0));
    let mut groups: Vec<_> = weighty
        .filter_map(|group| group.get("TargetGroupArn"))
        .collect();
    if groups.is_empty() {
        groups.extend(action.get("TargetGroupArn"));
    }
    groups
}

fn is_of_functions(group: &Resource) -> bool {
    group.properties.text_of("TargetType").as_deref() == Some("lambda")
}

fn has_multi_values(group: &Resource) -> bool {
    let attributes = group
        .get("TargetGroupAttributes")
        .map(Value::items)
        .unwrap_or_default();
    attributes.iter().any(|attribute| {
        attribute.text_of("Key").as_deref() == Some("lambda.multi_value_headers.enabled")
            && attribute.get("Value").and_then(Value::as_bool) == Some(true)
    })
}

fn health_check(group: &Resource) -> Table {
    let mut table = Table::default();
    if let Some(path) = group.get("HealthCheckPath")
        && let Some(text) = path.as_str()
    {
        table.set("path", text, path.place);
    }
    for (property, key) in CHECKS {
        if let Some(value) = group.get(property)
            && let Some(number) = number(value)
        {
            table.set(key, number, value.place);
        }
    }
    if let Some(codes) = group.properties.at(&["Matcher", "HttpCode"])
        && let Some(text) = codes.as_str()
    {
        table.set("matcher", text, codes.place);
    }
    table
}

fn redirect(config: &Value) -> Table {
    let mut table = Table::default();
    if let Some(status) = config.get("StatusCode")
        && let Some(text) = status.as_str()
        && let Ok(code) = text.trim_start_matches("HTTP_").parse::<i64>()
    {
        table.set("status-code", code, status.place);
    }
    for (property, key) in [
        ("Protocol", "protocol"),
        ("Host", "host"),
        ("Port", "port"),
        ("Path", "path"),
        ("Query", "query"),
    ] {
        if let Some(value) = config.get(property)
            && let Some(text) = value.as_str()
        {
            table.set(key, text, value.place);
        }
    }
    table
}

fn fixed_response(config: &Value) -> Table {
    let mut table = Table::default();
    if let Some(status) = config.get("StatusCode")
        && let Some(code) = status.as_integer()
    {
        table.set("status-code", code, status.place);
    }
    for (property, key) in [
        ("ContentType", "content-type"),
        ("MessageBody", "message-body"),
    ] {
        if let Some(value) = config.get(property)
            && let Some(text) = value.as_str()
        {
            table.set(key, text, value.place);
        }
    }
    table
}

#[cfg(test)]
mod tests;
