//! What compilers link into a trigger gives it nothing: sockets, names, concurrent tasks.

use lambkin_plugin::{GuestError, limits};

use crate::fixture::{Fixture, drained, good, host, request};

/// The parts of `wasi:sockets` that create a socket.
const SOCKETS: &str = r#"
    (import "wasi:sockets/network@0.2.0" (instance $network
        (type $error-code (enum "unknown" "access-denied" "not-supported" "invalid-argument" "out-of-memory"
            "timeout" "concurrency-conflict" "not-in-progress" "would-block" "invalid-state" "new-socket-limit"
            "address-not-bindable" "address-in-use" "remote-unreachable" "connection-refused" "connection-reset"
            "connection-aborted" "datagram-too-large" "name-unresolvable" "temporary-resolver-failure"
            "permanent-resolver-failure"))
        (export "error-code" (type (eq $error-code)))
        (type $family (enum "ipv4" "ipv6"))
        (export "ip-address-family" (type (eq $family)))))
    (alias export $network "error-code" (type $error-code))
    (alias export $network "ip-address-family" (type $family))
    (import "wasi:sockets/NAME@0.2.0" (instance $kind (export "SOCKET" (type (sub resource)))))
    (alias export $kind "SOCKET" (type $socket))
    (import "wasi:sockets/NAME-create-socket@0.2.0" (instance $create
        (alias outer 1 $error-code (type $error-code'))
        (export "error-code" (type $error (eq $error-code')))
        (alias outer 1 $family (type $family'))
        (export "ip-address-family" (type $family (eq $family')))
        (alias outer 1 $socket (type $socket'))
        (export "SOCKET" (type $socket (eq $socket')))
        (export "create-SOCKET" (func (param "address-family" $family) (result (result (own $socket) (error $error)))))))
"#;

const WITH: &str = r#"
    (with "wasi:sockets/network@0.2.0" (instance $network))
    (with "wasi:sockets/NAME@0.2.0" (instance $kind))
    (with "wasi:sockets/NAME-create-socket@0.2.0" (instance $create))
"#;

/// A plugin that creates a socket and traps unless that fails with this code.
fn creates_socket(name: &str, code: u32) -> Fixture {
    let fill = |text: &str| {
        text.replace("SOCKET", &format!("{name}-socket"))
            .replace("NAME", name)
    };
    let core = format!(
        r#"
        (alias export $create "create-{name}-socket" (func $create-socket))
        (core func $create-socket (canon lower (func $create-socket) (memory $memory)))
        {}"#,
        include_str!("../fixtures/core.wat")
    );
    let module = r#"(import "host" "create" (func $create (param i32 i32)))"#;
    let shape = format!(
        "(call $create (i32.const 0) (i32.const 0x800))
        (if (i32.ne (i32.load8_u (i32.const 0x800)) (i32.const 1)) (then unreachable))
        (if (i32.ne (i32.load8_u offset=4 (i32.const 0x800)) (i32.const {code})) (then unreachable))
        (call $invoke (i32.load (local.get $arguments)) (i32.load offset=4 (local.get $arguments)))"
    );
    good()
        .with("imports", &fill(SOCKETS))
        .with("with", &fill(WITH))
        .with("lower", r#"(export "create" (func $create-socket))"#)
        .with("core", &core)
        .with("module", module)
        .with("shape", &shape)
}

#[tokio::test]
async fn a_socket_cannot_be_created() {
    const ACCESS_DENIED: u32 = 1;
    for name in ["tcp", "udp"] {
        let host = host();
        let trigger = creates_socket(name, ACCESS_DENIED).trigger(&host).await;
        trigger.shape(&request()).await.expect(name);
        drop(trigger);
        drained(&host).await;
    }
}

/// A plugin whose `shape` may use concurrent tasks.
fn with_tasks(body: &str) -> Fixture {
    let core = format!(
        r#"
        (core func $set-new (canon waitable-set.new))
        (core func $set-wait (canon waitable-set.wait (memory $memory)))
        (type $stream (stream u8))
        (core func $stream-new (canon stream.new $stream))
        {}"#,
        include_str!("../fixtures/core.wat")
    );
    let module = r#"
        (import "host" "set-new" (func $set-new (result i32)))
        (import "host" "set-wait" (func $set-wait (param i32 i32) (result i32)))
        (import "host" "stream-new" (func $stream-new (result i64)))"#;
    let lower = r#"(export "set-new" (func $set-new)) (export "set-wait" (func $set-wait))
        (export "stream-new" (func $stream-new))"#;
    good()
        .with("lower", lower)
        .with("core", &core)
        .with("module", module)
        .with("shape", body)
}

const INVOKE: &str =
    "(call $invoke (i32.load (local.get $arguments)) (i32.load offset=4 (local.get $arguments)))";

#[tokio::test]
async fn a_component_with_concurrent_tasks_runs_beside_the_others() {
    let host = host();
    let plain = good().trigger(&host).await;
    let body = format!("(drop (call $set-new)) {INVOKE}");
    let concurrent = with_tasks(&body).trigger(&host).await;
    for trigger in [&plain, &concurrent, &plain, &concurrent] {
        trigger.shape(&request()).await.expect("shape");
    }
    drop((plain, concurrent));
    drained(&host).await;
}

#[tokio::test]
async fn concurrent_tasks_have_the_same_limits() {
    let spin = "(loop $on (br $on)) unreachable";
    let sets = "(loop $on (drop (call $set-new)) (br $on)) unreachable";
    let streams = "(loop $on (drop (call $stream-new)) (br $on)) unreachable";
    let wait = "(drop (call $set-wait (call $set-new) (i32.const 0x800))) unreachable";
    for (name, body) in [
        ("spin", spin),
        ("sets", sets),
        ("streams", streams),
        ("wait", wait),
    ] {
        let host = host();
        let trigger = with_tasks(body).trigger(&host).await;
        let error = trigger.shape(&request()).await.expect_err(name);
        let lambkin_plugin::CallError::Guest(fault) = &error.cause else {
            panic!("{name}: {error}");
        };
        assert!(error.took < limits::SHAPER.wall * 2, "{name}: {error}");
        if name == "spin" {
            assert_eq!(*fault, GuestError::Cpu(limits::SHAPER.cpu));
        }
        drop(trigger);
        drained(&host).await;
    }
}
