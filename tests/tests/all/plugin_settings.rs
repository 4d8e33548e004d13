//! The built-in plugins accept exactly the settings that they document in `plugins/*/settings.json`.

use std::fmt::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Project, RAW_BOOTSTRAP, lambkin};

/// A documented setting and the role of the plugin that reads it.
struct Setting {
    plugin: String,
    role: String,
    key: String,
    schema: Value,
}

fn settings() -> Vec<Setting> {
    let mut settings = Vec::new();
    for plugin in ["api-gateway-http", "s3", "sqs"] {
        for (role, keys) in documented(plugin).as_object().unwrap() {
            for schema in keys.as_array().unwrap() {
                settings.push(Setting {
                    plugin: plugin.to_owned(),
                    role: role.clone(),
                    key: schema["key"].as_str().unwrap().to_owned(),
                    schema: schema.clone(),
                });
            }
        }
    }
    settings
}

fn documented(plugin: &str) -> Value {
    let root = env!("CARGO_MANIFEST_DIR");
    let text = std::fs::read_to_string(format!("{root}/../plugins/{plugin}/settings.json"));
    serde_json::from_str(&text.unwrap()).unwrap()
}

/// A configuration section with one setting and the other settings that the plugin requires.
fn section(name: &str, plugin: &str, role: &str, key: &str, value: Option<&str>) -> String {
    let beside: &[(&str, &str)] = match (role, key) {
        ("http-trigger" | "object-trigger", "routes" | "function" | "target-queue") => &[],
        ("batch-trigger", "BatchSize") => &[
            ("function", "'echo'"),
            ("MaximumBatchingWindowInSeconds", "1"),
        ],
        ("batch-trigger", "function") => &[],
        ("source", "queue-url") | ("service", _) => &[],
        ("source", _) => &[("queue-url", "'http://127.0.0.1:1/1/orders'")],
        _ => &[("function", "'echo'")],
    };
    let table = match role {
        "service" => format!("[services.{name}]\nplugin = '{plugin}'\nlisten = '127.0.0.1:0'\n"),
        "source" => format!(
            "[triggers.{name}]\nplugin = '{plugin}'\nfunction = 'echo'\n[triggers.{name}.poll]\nnetwork = ['http://127.0.0.1:1']\n"
        ),
        _ => {
            let source = match role {
                "http-trigger" => "listen = '127.0.0.1:0'",
                "batch-trigger" => "queue = 'orders'",
                "object-trigger" => "bucket = 'photos'",
                other => panic!("no section for the role {other}"),
            };
            format!("[triggers.{name}]\nplugin = '{plugin}'\n{source}\n")
        }
    };
    let beside = beside.iter().filter(|(other, _)| *other != key);
    let mut text = table;
    for (other, value) in beside {
        writeln!(text, "{other} = {value}").unwrap();
    }
    if let Some(value) = value {
        writeln!(text, "{key} = {value}").unwrap();
    }
    text
}

/// Runs `lambkin check` on these sections, and returns what it prints to standard error.
fn check(sections: &[String]) -> String {
    let project = Project::new(&format!(
        "[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\n[queues.orders]\nVisibilityTimeout = 300\n[buckets.photos]\n{}",
        sections.concat()
    ));
    let mut command: Command = lambkin();
    command.arg("check").current_dir(project.path());
    let output = command.stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stderr).unwrap()
}

/// A value as TOML.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let pairs = members.iter();
            let pairs: Vec<String> = pairs
                .map(|(key, value)| format!("{key} = {}", toml(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

/// Valid values of a setting: its default, its enumerated values, its bounds, and an example for settings without
/// these.
fn legal(setting: &Setting) -> Vec<String> {
    let schema = &setting.schema;
    let mut values: Vec<String> = Vec::new();
    values.extend(schema.get("default").map(toml));
    values.extend(schema["enum"].as_array().into_iter().flatten().map(toml));
    values.extend(
        ["minimum", "maximum"]
            .iter()
            .filter_map(|bound| schema.get(*bound))
            .map(toml),
    );
    let example = match setting.key.as_str() {
        "function" => "'echo'",
        "target-queue" => "'orders'",
        "routes" => {
            "{ 'GET /a' = 'echo', '$default' = { function = 'echo', payload-format-version = '1.0', timeout = 0.05, \
             throttle = { rate-limit = 0.5, burst-limit = 2 } } }"
        }
        "cors" => {
            "{ allow-origins = ['https://a.example'], allow-methods = ['GET'], allow-headers = ['content-type'], \
             expose-headers = ['etag'], max-age = -1, allow-credentials = true }"
        }
        "throttle" => "{ rate-limit = 10, burst-limit = 20 }",
        "authorizer" => "'NONE'",
        "authorizers" => {
            "{ keys = { type = 'request', function = 'echo' }, aws = { type = 'iam' } }"
        }
        "stage-variables" => "{ a = 'b' }",
        "domain-name" => "'api.example.com'",
        "FunctionResponseTypes" => "['ReportBatchItemFailures']",
        "ScalingConfig" => "{ MaximumConcurrency = 2 }",
        "FilterCriteria" => "{ Filters = [{ Pattern = '{\"body\": [\"a\"]}' }] }",
        "queue-url" => "'http://127.0.0.1:1/1/orders'",
        "endpoint" => "'http://127.0.0.1:1'",
        "region" => "'eu-west-1'",
        "configuration-id" => "'mine'",
        "events" => "['s3:ObjectRemoved:*']",
        "prefix" => "'in/'",
        "suffix" => "'.jpg'",
        "stage" => "'prod'",
        "account-id" => "'111122223333'",
        "api-id" => "'abc'",
        _ => return values,
    };
    values.push(example.to_owned());
    values
}

/// Invalid values of a setting: values outside its bounds, and one of another type.
fn illegal(setting: &Setting) -> Vec<String> {
    let schema = &setting.schema;
    let bound = |name: &str, step: f64| Some((schema.get(name)?.as_f64()? + step).to_string());
    let mut values = Vec::new();
    values.extend(bound("minimum", -1.0));
    values.extend(bound("maximum", 1.0));
    if schema.get("enum").is_some() {
        values.push("'something'".to_owned());
    }
    values.push("[[7]]".to_owned());
    values
}

#[test]
fn documented_settings_are_accepted() {
    let mut sections = Vec::new();
    for setting in settings() {
        let Setting {
            plugin, role, key, ..
        } = &setting;
        let values = legal(&setting);
        assert!(
            !values.is_empty(),
            "{plugin} as {role}: {key} has no legal value"
        );
        for value in values {
            let name = format!("t{}", sections.len());
            sections.push(section(&name, plugin, role, key, Some(&value)));
        }
    }
    let errors = check(&sections);
    assert!(!errors.contains("error: "), "{errors}");
}

#[test]
fn values_that_the_documentation_excludes_are_refused() {
    let mut sections = Vec::new();
    let mut places = Vec::new();
    for setting in settings() {
        let Setting {
            plugin,
            role,
            key,
            schema,
        } = &setting;
        let mut add = |value: Option<&str>| {
            let name = format!("t{}", sections.len());
            let table = match role.as_str() {
                "service" => format!("services.{name}"),
                "source" => format!("triggers.{name}.poll"),
                _ => format!("triggers.{name}"),
            };
            places.push(match value {
                Some(_) => format!(" {table}.{key}"),
                None => format!(" {table}: needs `{key}`"),
            });
            sections.push(section(&name, plugin, role, key, value));
        };
        for value in illegal(&setting) {
            add(Some(&value));
        }
        if schema["required"] == true {
            add(None);
        }
    }
    let errors = check(&sections);
    for (place, section) in places.iter().zip(&sections) {
        assert!(errors.contains(place), "{section}{place}: {errors}");
    }
}

#[test]
fn every_setting_of_a_plugin_is_documented() {
    for plugin in ["api-gateway-http", "s3", "sqs"] {
        for (role, keys) in documented(plugin).as_object().unwrap() {
            let errors = check(&[section("t0", plugin, role, "colour", Some("1"))]);
            let documented = keys.as_array().unwrap().iter();
            let documented: Vec<&str> =
                documented.map(|key| key["key"].as_str().unwrap()).collect();
            // The service `s3` lists the keys of every service, too.
            let documented = match (plugin, role.as_str()) {
                ("s3", "service") => {
                    [documented.as_slice(), &["plugin", "listen", "buckets"]].concat()
                }
                _ => documented,
            };
            let (_, known) = errors
                .split_once("colour: unknown key; known are ")
                .expect(&errors);
            let mut known: Vec<&str> = known.lines().next().unwrap().split(", ").collect();
            let mut expected = documented.clone();
            known.sort_unstable();
            expected.sort_unstable();
            assert_eq!(known, expected, "{plugin} as {role}");
        }
    }
}
