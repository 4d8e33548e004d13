//! Tests of whole configurations.

use super::*;
use crate::config::full_name;

fn parse(text: &str) -> Result<Config, String> {
    let source = Source::new(Path::new("lambkin.toml"), text.to_owned());
    Config::parse(source, Path::new("")).map_err(|error| error.to_string())
}

fn problems(text: &str) -> String {
    parse(text).unwrap_err()
}

#[test]
fn an_empty_file_is_a_valid_configuration() {
    let config = parse("").unwrap();
    assert_eq!(config.invoke.listen.to_string(), "127.0.0.1:9001");
    assert_eq!(config.account.id, account::ACCOUNT);
}

#[test]
fn an_unknown_key_is_reported_with_the_nearest_known_one() {
    let text = problems("[functions.hello]\ncode = \".\"\ntiemout = 3\n");
    assert_eq!(
        text,
        "lambkin.toml:3:1: functions.hello.tiemout: unknown key; did you mean `timeout`?\n  |\n3 | tiemout = 3\n  | ^^^^^^^"
    );
    assert!(
        problems("zzz = 1")
            .contains("unknown key; known here: extends, region, account, service-endpoints, sandbox, version-check, allowed-hosts, allowed-origins, invoke, functions, queues, buckets, services, triggers")
    );
}

#[test]
fn keys_of_the_file_below_the_head_of_a_section_and_with_underscores_are_explained() {
    let text = problems(
        "[functions.f]\ncode = '.'\nregion = 'x'\n[triggers.t]\nplugin = 'function-url'\nlisten = '127.0.0.1:0'\n\
         path_prefix = '/x'\nallowed-hosts = []\n[triggers.u]\nplugin = 'api-gateway-ws'\nlisten = '127.0.0.1:0'\n",
    );
    for message in [
        "3:1: functions.f.region: unknown key; `region` is a key of the whole file: write it above the first",
        "7:1: triggers.t.path_prefix: unknown key; did you mean `path-prefix`?",
        "8:1: triggers.t.allowed-hosts: unknown key; `allowed-hosts` is a key of the whole file",
        "did you mean `api-gateway-websocket`?",
    ] {
        assert!(text.contains(message), "{text}");
    }
}

#[test]
fn an_address_conflicts_with_all_addresses_of_the_machine() {
    let trigger = |name: &str, listen: &str| {
        format!("[triggers.{name}]\nplugin = 'function-url'\nlisten = '{listen}'\n")
    };
    let text = problems(&(trigger("a", "127.0.0.1:8000") + &trigger("b", "0.0.0.0:8000")));
    let message = "0.0.0.0:8000 is taken by triggers.a.listen, which listens on 127.0.0.1:8000";
    assert!(text.contains(message), "{text}");
    let text = problems(&(trigger("a", "[::]:8000") + &trigger("b", "127.0.0.1:8000")));
    assert!(
        text.contains("[::]:8000 stands for all addresses"),
        "{text}"
    );
    let text = problems(&trigger("a", "127.0.0.1:9001"));
    assert!(
        text.contains("is taken by invoke.listen (by default)"),
        "{text}"
    );
    parse(&(trigger("a", "[::1]:8000") + &trigger("b", "0.0.0.0:8000"))).unwrap();
    parse(&(trigger("a", "127.0.0.1:0") + &trigger("b", "0.0.0.0:0"))).unwrap();
}

#[test]
fn every_mistake_is_reported_at_once_in_the_order_of_the_file() {
    let text = problems(
        "account = 'x'\n[functions.a]\ncode = 3\ntimeout = 1000\n[functions.\"b c\"]\ncode = '.'\n",
    );
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("lambkin.toml"))
        .collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(
        lines[0].contains("1:11: account: must be twelve digits"),
        "{text}"
    );
    assert!(
        lines[1].contains("3:8: functions.a.code: must be a string, not 3"),
        "{text}"
    );
    assert!(
        lines[2].contains(
            "4:11: functions.a.timeout: must be a number of seconds above 0 and up to 900"
        ),
        "{text}"
    );
    assert!(
        lines[3].contains("functions.\"b c\": the name of a function"),
        "{text}"
    );
}

#[test]
fn a_syntax_error_is_reported_with_its_position() {
    let text = problems("[functions.a\n");
    assert!(text.starts_with("lambkin.toml:1:"), "{text}");
}

#[test]
fn two_listeners_cannot_share_a_port_but_can_both_ask_for_a_free_one() {
    let trigger = |name: &str, listen: &str| {
        format!("[triggers.{name}]\nplugin = 'api-gateway-http'\nlisten = '{listen}'\n")
    };
    let text = problems(&(trigger("a", "127.0.0.1:8000") + &trigger("b", "127.0.0.1:8000")));
    assert!(
        text.contains("triggers.b.listen: 127.0.0.1:8000 is taken by triggers.a.listen"),
        "{text}"
    );
    assert!(parse(&(trigger("a", "127.0.0.1:0") + &trigger("b", "127.0.0.1:0"))).is_ok());
}

#[test]
fn a_missing_function_folder_is_named() {
    let text = problems("[functions.hello]\ncode = 'no-such-folder'\n");
    assert!(
        text.contains("functions.hello.code: no-such-folder does not exist"),
        "{text}"
    );
}

#[test]
fn reserved_variables_and_too_many_of_them_are_refused() {
    let text = problems("[functions.a]\ncode = '.'\nenvironment = { AWS_REGION = 'x' }\n");
    assert!(
        text.contains("functions.a.environment.AWS_REGION: is reserved by Lambda"),
        "{text}"
    );
    let text = problems(&format!(
        "[functions.a]\ncode = '.'\nenvironment = {{ A = '{}' }}\n",
        "x".repeat(4096)
    ));
    assert!(
        text.contains("4097 bytes, more than Lambda's limit of 4096"),
        "{text}"
    );
}

#[test]
fn an_unknown_plugin_is_reported_with_the_nearest_built_in() {
    let text = problems("[triggers.web]\nplugin = 'api-gatway-http'\nlisten = '127.0.0.1:0'\n");
    assert!(
        text.contains(
            "there is no built-in plugin \"api-gatway-http\"; did you mean `api-gateway-http`?"
        ),
        "{text}"
    );
}

const VERSIONED: &str =
    "[functions.a]\ncode = '.'\ntimeout = 5\n[functions.a.versions.2]\nmemory = 512\n";

#[test]
fn a_version_has_the_values_of_the_function_except_those_it_overrides() {
    let text = format!("{VERSIONED}[functions.a.aliases]\nlive = '2'\nbeta = '$LATEST'\n");
    let config = parse(&text).unwrap();
    let versions: Vec<_> = config
        .functions
        .iter()
        .map(|spec| (full_name(spec), spec.timeout.as_secs(), spec.memory_mb))
        .collect();
    assert_eq!(
        versions,
        [("a".to_owned(), 5, 128), ("a:2".to_owned(), 5, 512)]
    );
    let qualifiers: Vec<&str> = config.qualifiers("a").collect();
    assert_eq!(qualifiers, ["$LATEST", "2", "beta", "live"]);
}

#[test]
fn an_alias_leads_to_a_defined_version() {
    let alias = |value: &str| problems(&format!("{VERSIONED}[functions.a.aliases]\nx = {value}\n"));
    assert!(
        alias("'3'").contains(
            "lambkin.toml:7:5: functions.a.aliases.x: a has no version \"3\"; did you mean `2`?"
        ),
        "{}",
        alias("'3'")
    );
    assert!(alias("{ version = '2', weights = { '4' = 0.5 } }").contains("no version \"4\""));
    assert!(alias("{ version = '2', weights = { '2' = 1.5 } }").contains("up to 1, not 1.5"),);
    assert!(alias("{ weights = {} }").contains("needs `version`"));
    assert!(alias("3").contains("must be a string or a table, not 3"));
    let text = problems("[functions.a]\ncode = '.'\n[functions.a.versions.x]\n");
    assert!(text.contains("a version is a number"), "{text}");
}

#[test]
fn reserved_concurrency_is_a_limit_without_a_queue() {
    let config = parse("[functions.a]\ncode = '.'\nreserved-concurrency = 0\n").unwrap();
    let spec = config.functions.first().unwrap();
    assert_eq!(
        (spec.reserved_concurrency, spec.concurrency, spec.queue),
        (true, 0, 0)
    );
    let text = problems("[functions.a]\ncode = '.'\nreserved-concurrency = 2\nqueue = 1\n");
    assert!(
        text.contains("functions.a.queue: cannot be combined with `reserved-concurrency`"),
        "{text}"
    );
}

#[test]
fn recursive_loop_has_two_values() {
    let text = problems("[functions.a]\ncode = '.'\nrecursive-loop = 'allow'\n");
    assert!(
        text.contains("must be \"Terminate\" or \"Allow\""),
        "{text}"
    );
}
