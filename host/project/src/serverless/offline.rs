//! `custom.serverless-offline`: where APIs listen, and what is in front of their paths.
//!
//! Contract: ports, host and prefix become metadata of the APIs, which [`crate::sections::door`] reads. Paths with the
//! stage in front are served as well as those without, so `noPrependStageInUrl` needs nothing. Settings that have no
//! counterpart are noted, in one line.

use super::service::Service;
use crate::cfn::{Body, Compiled};
use crate::value::Value;

/// Where the plugin listens unless it is said.
const HOST: &str = "127.0.0.1";

/// Settings that are done here, whatever they are, or that change nothing that is served.
const DONE: [&str; 22] = [
    "apiKey",
    "corsAllowCredentials",
    "corsAllowHeaders",
    "corsAllowOrigin",
    "corsExposedHeaders",
    "disableCookieValidation",
    "dockerHost",
    "enforceSecureCookies",
    "hideStackTraces",
    "localEnvironment",
    "noPrependStageInUrl",
    "noSponsor",
    "noTimeout",
    "printOutput",
    "reloadHandler",
    "resourceRoutes",
    "skipCacheInvalidation",
    "terminateIdleLambdaTime",
    "useChildProcesses",
    "useInProcess",
    "useWorkerThreads",
    "webSocketHardTimeout",
];

/// APIs with the setting that has their port.
const PORTS: [(&str, &str); 3] = [
    ("ApiGatewayRestApi", "httpPort"),
    ("HttpApi", "httpPort"),
    ("WebsocketsApi", "websocketPort"),
];

/// Settings that are read.
const READ: [&str; 5] = ["httpPort", "websocketPort", "host", "prefix", "noAuth"];

/// Adds what the settings say to the APIs of a template.
pub fn apply(service: &Service<'_>, compiled: &mut Compiled) {
    let settings = &service.offline;
    let place = settings.place;
    let host = settings.get("host").and_then(Value::as_str);
    let address = match host {
        None | Some("localhost") => HOST,
        Some(host) => host,
    };
    let mut taken = None;
    for (id, key) in PORTS {
        if !compiled.has(id) {
            continue;
        }
        let mut body = Body::new(place);
        let port = settings.get(key);
        let default = host.map(|_| match key {
            "httpPort" => "3000",
            _ => "3001",
        });
        if let Some(port) = port.and_then(Value::as_str).or(default) {
            if taken == Some(key) && key == "httpPort" {
                let text = format!(
                    "httpApi events are not served at the port {port} of http events, but at one of their own"
                );
                service.context.report.note(place, text);
            } else {
                body = body.text("listen", format!("{address}:{port}"));
                taken = Some(key);
            }
        }
        if let Some(prefix) = settings.get("prefix").and_then(Value::as_str) {
            let prefix = prefix.trim_matches('/');
            match id {
                "ApiGatewayRestApi" if !prefix.is_empty() => body = body.text("base-path", prefix),
                "HttpApi" => {
                    let text = format!(
                        "the prefix {prefix} is not in front of the paths of httpApi events"
                    );
                    service.context.report.note(place, text);
                }
                _ => {}
            }
        }
        if !body.is_empty() {
            let metadata = Body::new(place).set("Lambkin", body.done()).done();
            compiled.add_metadata(id, &metadata);
        }
    }
    note_rest(service, settings);
}

fn note_rest(service: &Service<'_>, settings: &Value) {
    if !service.has_authorizers() {
        let text = "custom.serverless-offline.noAuth: the authorizers of http, httpApi and websocket events are not asked";
        service.context.report.note(settings.place, text);
    }
    if let Some(port) = settings.get("lambdaPort").and_then(Value::as_str) {
        let text = format!(
            "the Invoke API is at port 9001, not {port}; `--compat offline` moves it to 3002"
        );
        service.context.report.note(settings.place, text);
    }
    let is_read = |key: &str| READ.contains(&key) || DONE.contains(&key) || key == "lambdaPort";
    let rest: Vec<&str> = settings
        .members()
        .map(|(key, _)| key)
        .filter(|key| !is_read(key))
        .collect();
    if !rest.is_empty() {
        let text = format!(
            "settings of serverless-offline without an effect here: {}",
            rest.join(", ")
        );
        service.context.report.note(settings.place, text);
    }
}
