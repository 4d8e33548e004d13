//! `AWS::ElasticLoadBalancingV2::Listener` → triggers of the plugin `alb`.
//!
//! Contract: a listener is a trigger if one of its actions goes to a function: `AWS::ElasticLoadBalancingV2::TargetGroup`
//! with the target type `lambda`. Rules of a listener that is not in the project become a trigger, too, which answers
//! requests that match none of them with 404.
//!
//! On failure: rules that go elsewhere are refused; the others are served.

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
                table.set(*key, texts(self.context, &what, values), values.place);
                continue;
            }
            match &*field {
                "http-header" => {
                    let config = condition
                        .get("HttpHeaderConfig")
                        .ok_or("has no HttpHeaderConfig")?;
                    let name = config
                        .text_of("HttpHeaderName")
                        .ok_or("has no HttpHeaderName")?;
                    let values = config.get("Values").ok_or("has no values for a header")?;
                    let headers = table.table("http-header");
                    headers.set(name, texts(self.context, &what, values), values.place);
                }
                "query-string" => {
                    let values = condition.at(&["QueryStringConfig", "Values"]);
                    let mut keys: Vec<(String, Vec<String>)> = Vec::new();
                    for pair in values.map(Value::items).unwrap_or_default() {
                        let key = pair.text_of("Key").unwrap_or("*".into()).into_owned();
                        let value = pair.text_of("Value").unwrap_or_default().into_owned();
                        match keys.iter_mut().find(|(known, _)| *known == key) {
                            Some((_, values)) => values.push(value),
                            None => keys.push((key, vec![value])),
                        }
                    }
                    let query = table.table("query-string");
                    for (key, values) in keys {
                        query.set(key, values, condition.place);
                    }
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
mod tests {
    use crate::sections::testing::triggers;

    #[test]
    fn a_listener_with_rules() {
        let written = triggers(
            "
Load:
  Type: AWS::ElasticLoadBalancingV2::LoadBalancer
Web:
  Type: AWS::ElasticLoadBalancingV2::Listener
  Properties:
    LoadBalancerArn: Load
    Port: 80
    Protocol: HTTP
    DefaultActions: [{Type: forward, TargetGroupArn: GroupF}]
R1:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: Web
    Priority: 10
    Conditions:
      - {Field: path-pattern, Values: [/api/*]}
      - {Field: http-header, HttpHeaderConfig: {HttpHeaderName: x-env, Values: [test]}}
      - {Field: query-string, QueryStringConfig: {Values: [{Key: v, Value: '1'}, {Value: any}]}}
    Actions: [{Type: forward, ForwardConfig: {TargetGroups: [{TargetGroupArn: GroupG, Weight: 1}]}}]
R2:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: Web
    Priority: '20'
    Conditions: [{Field: host-header, HostHeaderConfig: {Values: ['www.*']}}]
    Actions: [{Type: redirect, RedirectConfig: {StatusCode: HTTP_301, Host: example.com}}]
R3:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: Web
    Priority: 30
    Conditions: [{Field: http-request-method, HttpRequestMethodConfig: {Values: [PUT]}}]
    Actions: [{Type: fixed-response, FixedResponseConfig: {StatusCode: '405', ContentType: text/plain, MessageBody: no}}]
R4:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: Web
    Priority: 40
    Conditions: [{Field: source-ip, SourceIpConfig: {Values: [10.0.0.0/8]}}]
    Actions: [{Type: forward, TargetGroupArn: GroupIp}]
R5:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: Web
    Priority: 50
    Conditions: [{Field: path-pattern, Values: [/in]}]
    Actions: [{Type: authenticate-oidc, Order: 1}, {Type: forward, TargetGroupArn: GroupF, Order: 2}]
GroupF:
  Type: AWS::ElasticLoadBalancingV2::TargetGroup
  Properties:
    TargetType: lambda
    Targets: [{Id: 'arn:aws:lambda:us-east-1:123456789012:function:f'}]
    HealthCheckEnabled: true
    HealthCheckPath: /health
    HealthCheckIntervalSeconds: 60
    Matcher: {HttpCode: 200-299}
GroupG:
  Type: AWS::ElasticLoadBalancingV2::TargetGroup
  Properties:
    TargetType: lambda
    Targets: [{Id: 'arn:aws:lambda:us-east-1:123456789012:function:g'}]
    TargetGroupAttributes: [{Key: lambda.multi_value_headers.enabled, Value: true}]
GroupIp:
  Type: AWS::ElasticLoadBalancingV2::TargetGroup
  Properties: {TargetType: ip, Port: 80}
Other:
  Type: AWS::ElasticLoadBalancingV2::Listener
  Properties: {Port: 81, DefaultActions: [{Type: forward, TargetGroupArn: GroupIp}]}
Far:
  Type: AWS::ElasticLoadBalancingV2::ListenerRule
  Properties:
    ListenerArn: arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/x/1/2
    Priority: 1
    Conditions: [{Field: path-pattern, Values: [/far]}]
    Actions: [{Type: forward, TargetGroupArn: GroupG}]
",
        );
        assert_eq!(
            written.text,
            r#"[triggers.web]
plugin = "alb"
listen = "127.0.0.1:3000"
function = "f"
rules = [
    { priority = 10, path-pattern = ["/api/*"], http-header = { x-env = ["test"] }, query-string = { v = ["1"], "*" = ["any"] }, function = "g" },
    { priority = 20, host-header = ["www.*"], redirect = { status-code = 301, host = "example.com" } },
    { priority = 30, http-request-method = ["PUT"], fixed-response = { status-code = 405, content-type = "text/plain", message-body = "no" } },
]
multi-value-headers = true

[triggers.web.health-checks.f]
path = "/health"
interval = 60
matcher = "200-299"

[triggers.alb]
plugin = "alb"
listen = "127.0.0.1:3003"
rules = [
    { priority = 1, path-pattern = ["/far"], function = "g" },
]
multi-value-headers = true

[triggers.alb.fixed-response]
status-code = 404
"#
        );
        assert_eq!(
            written.notes,
            [
                "template.yaml:49:1: GroupF: events have lists of values, because another target group of the listener asks \
                 for them",
                "template.yaml:67:1: the listener Other has no functions behind it",
                "template.yaml:70:1: the rules of a listener that is not in the project are served; requests that match \
                 none of them are answered with 404",
            ]
        );
        assert_eq!(
            written.refusals,
            [
                "template.yaml:35:1: the rule R4 forwards to GroupIp, not to a function: it is not served",
                "template.yaml:42:1: the rule R5 begins with authenticate-oidc, which is not done here: it is not served",
            ]
        );
    }
}
