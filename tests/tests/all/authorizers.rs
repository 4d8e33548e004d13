//! Authorizers: functions, tokens and signatures decide about requests before the function is invoked.
//!
//! The authorizer `judge` is the raw bootstrap: a header of the request has its result, or orders such as an error.

mod http_lambda;
mod http_tokens;
mod rest;

use serde_json::{Value, json};

use crate::support::{Project, RAW_BOOTSTRAP, Reply, Server};

/// The functions `echo`, which returns its event, and `judge`, and a trigger with these settings.
fn project(plugin: &str, settings: &str) -> Project {
    Project::new(&format!(
        "[functions.echo]\ncode = '{RAW_BOOTSTRAP}'\n\
         [functions.judge]\ncode = '{RAW_BOOTSTRAP}'\ntimeout = 20\n\
         environment = {{ RAW_BOOTSTRAP_ORDERS = '/headers/orders', RAW_BOOTSTRAP_RETURN = '/headers/result' }}\n\
         [triggers.web]\nplugin = '{plugin}'\nlisten = '127.0.0.1:0'\n{settings}"
    ))
}

/// A policy with one statement for the principal `anna`.
fn policy(effect: &str, resource: &str) -> Value {
    json!({
        "principalId": "anna",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{ "Effect": effect, "Action": "execute-api:Invoke", "Resource": resource }],
        },
    })
}

/// A GET request whose authorizer gives this result.
#[track_caller]
fn judged(server: &Server, path: &str, result: &Value) -> Reply {
    judged_text(server, path, &result.to_string())
}

#[track_caller]
fn judged_text(server: &Server, path: &str, result: &str) -> Reply {
    let headers = [("authorization", "secret"), ("result", result)];
    server.web("GET", path, &headers, b"")
}

/// A GET request whose authorizer carries out these orders.
#[track_caller]
fn ordered(server: &Server, path: &str, orders: &Value) -> Reply {
    let orders = orders.to_string();
    let headers = [("authorization", "secret"), ("orders", &*orders)];
    server.web("GET", path, &headers, b"")
}

/// A GET request with a token.
#[track_caller]
fn with_token(server: &Server, path: &str, token: &str) -> Reply {
    let value = format!("Bearer {token}");
    server.web("GET", path, &[("authorization", &value)], b"")
}

#[track_caller]
fn assert_refused(reply: &Reply, status: u16, body: &str) {
    assert_eq!((reply.status, reply.text().as_str()), (status, body));
}
