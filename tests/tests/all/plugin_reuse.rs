//! Instances of a plugin that serve several calls, within the limits of the key `reuse`.
//!
//! The plugin is the probe of `host/plugin/tests/probe`, which replies with the number of calls that its instance has
//! seen.

use serde_json::{Value, json};

use crate::support::{Project, Server, eventually, invoke};

/// A server whose trigger has a plugin that says its instances are reusable, and this setting of `reuse`.
fn reusing(reuse: &str) -> Server {
    Project::scripted(&format!("reusable = true\n{reuse}\n")).serve()
}

/// The number of calls that the instance has seen that replies.
#[track_caller]
fn calls_after(server: &Server, script: &Value) -> u64 {
    let reply = server.follow(script);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["calls"].as_u64().expect("a number")
}

#[track_caller]
fn calls(server: &Server) -> u64 {
    calls_after(server, &json!([]))
}

#[test]
fn an_instance_is_reused_only_if_plugin_and_operator_allow_it() {
    let server = reusing("");
    assert_eq!([(); 4].map(|()| calls(&server)), [1, 2, 3, 4]);
    // Each step is a call.
    let steps = json!([invoke("echo", &json!(1)), invoke("echo", &json!(2))]);
    assert_eq!(calls_after(&server, &steps), 7);
    let forbidden = reusing("reuse = false");
    assert_eq!([(); 3].map(|()| calls(&forbidden)), [1, 1, 1]);
    let silent = Project::scripted("reuse = true").serve();
    assert_eq!([(); 3].map(|()| calls(&silent)), [1, 1, 1]);
}

#[test]
fn an_instance_is_replaced_after_its_number_of_calls() {
    let server = reusing("reuse = { calls = 3 }");
    assert_eq!([(); 7].map(|()| calls(&server)), [1, 2, 3, 1, 2, 3, 1]);
}

#[test]
fn an_instance_that_is_not_used_is_dropped_after_a_while() {
    let server = reusing("reuse = { idle = 0.05 }");
    assert_eq!(calls(&server), 1);
    eventually("a new instance", || calls(&server) == 1);
}

#[test]
fn an_instance_is_discarded_after_a_failure() {
    let server = reusing("");
    for failure in [
        json!("trap"),
        json!("spin"),
        json!({ "fail": "no" }),
        json!({ "reply": { "status": 1 } }),
    ] {
        assert_eq!([calls(&server), calls(&server)], [1, 2], "before {failure}");
        assert_eq!(server.follow(&json!([failure])).status, 502);
    }
    assert_eq!(calls(&server), 1);
}

#[test]
fn an_instance_is_discarded_when_it_uses_half_of_its_memory() {
    let server = reusing("");
    let growing = json!([{ "grow": 12 }]);
    assert_eq!(calls_after(&server, &growing), 1);
    assert_eq!(calls_after(&server, &growing), 2);
    // 36 MiB: more than half of the 64.
    assert_eq!(calls_after(&server, &growing), 3);
    assert_eq!(calls(&server), 1);
    // So a plugin that frees nothing never runs out of memory.
    for _ in 0..20 {
        assert!(calls_after(&server, &growing) <= 4);
    }
}

#[test]
fn each_trigger_has_instances_of_its_own() {
    let project = Project::scripted(
        "reusable = true\n\
         [triggers.other]\nplugin = './probe.wasm'\nlisten = '127.0.0.1:0'\nreusable = true\n",
    );
    let server = project.serve();
    assert_eq!([calls(&server), calls(&server)], [1, 2]);
    let url = server.trigger_url("other");
    let other = || {
        crate::support::request(url, "GET", "/", &[("script", "[]")], b"").json()["calls"].clone()
    };
    assert_eq!([other(), other()], [json!(1), json!(2)]);
    assert_eq!(calls(&server), 3);
}

/// All triggers of a host together keep 64 instances (`KEPT_INSTANCES`), whatever the operator allows each of them.
#[test]
fn the_host_keeps_a_limited_number_of_instances() {
    const KEPT: usize = 64;
    const TRIGGERS: usize = 80;
    let mut settings = "reusable = true\nreuse = { idle = 3600 }\n".to_owned();
    for number in 0..TRIGGERS {
        settings += &format!(
            "[triggers.t{number}]\nplugin = './probe.wasm'\nlisten = '127.0.0.1:0'\nreusable = true\n\
             reuse = {{ instances = 64, idle = 3600 }}\n"
        );
    }
    let server = Project::scripted(&settings).serve();
    let calls = |number: usize| {
        let url = server.trigger_url(&format!("t{number}")).to_owned();
        let reply = crate::support::request(&url, "GET", "/", &[("script", "[]")], b"");
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["calls"].as_u64().unwrap()
    };
    for number in 0..TRIGGERS {
        assert_eq!(calls(number), 1);
    }
    let kept = (0..TRIGGERS).filter(|number| calls(*number) == 2).count();
    assert_eq!(kept, KEPT);
}
