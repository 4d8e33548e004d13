//! A trigger whose plugin does what a script says: the probe of `host/plugin/tests/probe`.

use serde_json::{Value, json};

use super::{Project, RAW_BOOTSTRAP, Reply, Server};

/// The probe's component.
pub const PROBE: &[u8] = include_bytes!("../../../../host/plugin/tests/fixtures/probe.wasm");

impl Project {
    /// A project with the functions `echo` and `authorizer`, which do what their events say, and the HTTP trigger
    /// `web`, which follows the scripts that requests bring along. The settings are further ones of the trigger.
    pub fn scripted(settings: &str) -> Self {
        let functions = ["echo", "authorizer"]
            .map(|name| format!("[functions.{name}]\ncode = '{RAW_BOOTSTRAP}'\ntimeout = 60\n"))
            .concat();
        let project = Self::new(&format!(
            "{functions}[triggers.web]\nplugin = './probe.wasm'\nlisten = '127.0.0.1:0'\n\
             functions = ['echo', 'authorizer']\n{settings}"
        ));
        project.file("probe.wasm", PROBE);
        project
    }
}

impl Server {
    /// Sends the trigger `web` a request with a script for its plugin.
    #[track_caller]
    pub fn follow(&self, script: &Value) -> Reply {
        self.web("GET", "/", &[("script", &script.to_string())], b"")
    }

    /// The outcomes of the script's steps, which has to end with a reply of status 200.
    #[track_caller]
    pub fn outcomes(&self, script: &Value) -> Vec<Value> {
        let reply = self.follow(script);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["outcomes"].as_array().expect("a list").clone()
    }
}

/// A step that invokes a function with an event.
pub fn invoke(function: &str, event: &Value) -> Value {
    json!({ "invoke": { "function": function, "event": event } })
}

/// The step with further fields.
pub fn with(mut step: Value, fields: &Value) -> Value {
    let kind = if step.get("invoke").is_some() {
        "invoke"
    } else {
        "fetch"
    };
    for (name, value) in fields.as_object().expect("an object") {
        step[kind][name] = value.clone();
    }
    step
}
