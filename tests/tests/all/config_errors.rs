//! Invalid configurations: each error is reported with its position, and nothing is started.

use std::net::TcpListener;

use crate::support::{Project, RAW_BOOTSTRAP, lambkin};

fn refusal_of(config: &str) -> String {
    Project::new(config).refusal()
}

#[test]
fn a_missing_configuration_file_is_an_error_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let output = lambkin()
        .arg("serve")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("cannot read lambkin.toml") && text.contains("--config"),
        "{text}"
    );
}

#[test]
fn an_unknown_key_is_reported_with_the_nearest_known_key() {
    let text = Project::echo("tiemout = 3").refusal();
    assert!(
        text.contains(
            "lambkin.toml:3:1: functions.echo.tiemout: unknown key; did you mean `timeout`?"
        ),
        "{text}"
    );
    assert!(text.contains("3 | tiemout = 3\n  | ^^^^^^^"), "{text}");
}

#[test]
fn an_unknown_plugin_is_reported_with_the_nearest_known_plugin() {
    let text =
        refusal_of("[triggers.web]\nplugin = \"api-gatewey-http\"\nlisten = \"127.0.0.1:0\"\n");
    assert!(
        text.contains("lambkin.toml:2:10: triggers.web.plugin: "),
        "{text}"
    );
    assert!(text.contains("did you mean `api-gateway-http`?"), "{text}");
}

#[test]
fn a_missing_plugin_file_is_named() {
    let text = refusal_of("[triggers.web]\nplugin = \"./mine.wasm\"\nlisten = \"127.0.0.1:0\"\n");
    assert!(
        text.contains("triggers.web.plugin: the file ")
            && text.contains("mine.wasm does not exist"),
        "{text}"
    );
}

#[test]
fn a_plugins_own_settings_are_checked_and_errors_show_their_position() {
    let text = Project::gateway("routes = { \"FETCH /x\" = \"echo\" }\nstagee = \"x\"").refusal();
    assert!(
        text.contains("lambkin.toml:6:12: triggers.web.routes.\"FETCH /x\": "),
        "{text}"
    );
    assert!(
        text.contains("lambkin.toml:7:1: triggers.web.stagee: ") && text.contains("stage"),
        "{text}"
    );
}

#[test]
fn a_route_to_an_undefined_function_is_refused() {
    let text = Project::gateway("routes = { \"$default\" = \"ehco\" }").refusal();
    assert!(
        text.contains("invokes the function \"ehco\", which is not defined; did you mean `echo`?"),
        "{text}"
    );
}

#[test]
fn an_undefined_name_in_a_trigger_is_reported_at_its_position() {
    let text = Project::echo(
        "[queues.orders]\n[buckets.photos]\n\
         [triggers.orders]\nplugin = 'sqs'\nqueue = 'orders'\nfunction = 'ehco'\n\
         [triggers.photos]\nplugin = 's3'\nbucket = 'photos'\ntarget-queue = 'oders'\n\
         [triggers.wrong]\nplugin = 's3'\nqueue = 'orders'\nfunction = 'echo'\n",
    )
    .refusal();
    for message in [
        "lambkin.toml:8:1: triggers.orders.function: invokes the function \"ehco\", which is not defined; did you mean `echo`?",
        "lambkin.toml:12:1: triggers.photos.target-queue: sends to the queue \"oders\", which is not defined; did you mean `orders`?",
        "lambkin.toml:14:10: triggers.wrong.plugin: plugin s3 does not play the role batch-trigger",
    ] {
        assert!(text.contains(message), "{text}");
    }
}

#[test]
fn mistakes_in_the_keys_of_the_host_and_in_settings_of_plugins_are_reported_together() {
    let config = format!(
        "[functions.echo]\ncode = '{RAW_BOOTSTRAP}'\ntiemout = 3\n\
         [triggers.bad]\nplugin = 'api-gateway-http'\nlisten = 3\nfunction = 'echo'\n\
         [triggers.web]\nplugin = 'api-gateway-http'\nlisten = '127.0.0.1:0'\npath-prefix = 'x'\n\
         function = 'echo'\nstagee = 'x'\n\
         [triggers.queue]\nplugin = 'sqs'\nqueue = 'missing'\nfunction = 'echo'\n\
         [triggers.url]\nplugin = 'function-url'\nlisten = '127.0.0.1:0'\nfunction = 'ehco'\n\
         [services.sqs]\nplugin = 'sqs'\nlisten = '127.0.0.1:0'\nvisbility = 1\n"
    );
    let project = Project::new("");
    project.file("lambkin.toml", &config);
    let checked = lambkin()
        .arg("check")
        .current_dir(project.path())
        .output()
        .unwrap();
    let checked = String::from_utf8(checked.stderr).unwrap();
    for text in [project.refusal(), checked] {
        let mut rest = text.as_str();
        for message in [
            "lambkin.toml:3:1: functions.echo.tiemout: ",
            "lambkin.toml:6:10: triggers.bad.listen: ",
            "lambkin.toml:11:15: triggers.web.path-prefix: ",
            "lambkin.toml:13:1: triggers.web.stagee: unknown key; did you mean `stage`?",
            "lambkin.toml:16:9: triggers.queue.queue: there is no queue",
            "lambkin.toml:21:1: triggers.url.function: invokes the function \"ehco\", which is not defined",
            "lambkin.toml:25:1: services.sqs.visbility: ",
        ] {
            let at = rest.find(message);
            let at = at.unwrap_or_else(|| panic!("{message} in this order: {text}"));
            rest = &rest[at + message.len()..];
        }
        // The function has a mistake of its own, but it exists.
        assert!(!text.contains("\"echo\", which is not defined"), "{text}");
    }
}

#[test]
fn a_port_that_is_in_use_or_configured_twice_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let trigger = |name: &str| {
        format!(
            "[triggers.{name}]\nplugin = \"api-gateway-http\"\nlisten = \"{address}\"\nfunction = \"echo\"\n"
        )
    };
    let echo = format!("[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\n");
    let text = refusal_of(&(echo.clone() + &trigger("web")));
    assert!(
        text.contains(&format!(
            "cannot listen on {address}, which triggers.web.listen asks for"
        )),
        "{text}"
    );
    let text = refusal_of(&(echo + &trigger("a") + &trigger("b")));
    assert!(
        text.contains(&format!(
            "triggers.b.listen: {address} is taken by triggers.a.listen"
        )),
        "{text}"
    );
}

#[test]
fn a_missing_function_folder_is_named() {
    let text = refusal_of("[functions.hello]\ncode = \"helo\"\n");
    assert!(
        text.contains("lambkin.toml:2:8: functions.hello.code: helo does not exist"),
        "{text}"
    );
}

#[test]
fn mistakes_of_every_kind_are_reported_in_one_round() {
    let config = format!(
        "[functions.echo]\ncode = \"{RAW_BOOTSTRAP}\"\ndebug = 70000\n\
         [triggers.web]\nplugin = \"api-gateway-http\"\nlisten = \"nowhere\"\nfunction = \"ehco\"\n\
         [triggers.balanced]\nplugin = \"alb\"\nlisten = \"127.0.0.1:0\"\nfunction = \"eco\"\nmulti-value-headers = 3\n\
         [triggers.messages]\nplugin = \"sqs\"\nqueue = \"gone\"\nfunction = \"ech\"\nBatchSize = 0\n"
    );
    let text = refusal_of(&config);
    for mistake in [
        "functions.echo.debug: must be a whole number from 0 to 65535, not 70000",
        "triggers.web.listen: must be an address and a port",
        "triggers.web.function: invokes the function \"ehco\", which is not defined; did you mean `echo`?",
        "triggers.balanced.multi-value-headers: ",
        "triggers.balanced.function: invokes the function \"eco\", which is not defined; did you mean `echo`?",
        "triggers.messages.queue: there is no queue \"gone\"",
        "triggers.messages.BatchSize: ",
        "triggers.messages.function: invokes the function \"ech\", which is not defined; did you mean `echo`?",
    ] {
        assert!(text.contains(mistake), "{mistake}\n{text}");
    }
}

#[test]
fn an_unknown_function_is_named_beside_other_mistakes_in_the_same_settings() {
    let text = Project::gateway("function = \"ehco\"\ncors = 3").refusal();
    for mistake in [
        "triggers.web.cors: ",
        "triggers.web.function: invokes the function \"ehco\"",
    ] {
        assert!(text.contains(mistake), "{mistake}\n{text}");
    }
}
