//! What is refused when it is loaded, and what the operator reads then.

use std::sync::Arc;

use bytes::Bytes;
use lambkin_plugin::{CallError, ComponentError, GuestError, Role, limits};

use crate::fixture::{drained, good, host, web};

/// Why these bytes do not load, as text.
async fn refusal(bytes: impl Into<Bytes>) -> String {
    let error = host()
        .load("./web.wasm", bytes.into())
        .await
        .expect_err("refused");
    assert!(
        matches!(error.cause, ComponentError::NotAComponent(_)),
        "{error:?}"
    );
    let message = error.to_string();
    assert!(
        message.starts_with("cannot load plugin ./web.wasm: "),
        "{message}"
    );
    message
}

#[tokio::test]
async fn a_loaded_plugin_describes_itself() {
    let host = host();
    let bytes = good().bytes();
    let plugin = host.load("fixture", bytes.clone()).await.expect("load");
    assert_eq!(plugin.name(), "fixture");
    assert_eq!(plugin.roles(), [Role::HttpTrigger]);
    assert_eq!(
        plugin.interface(Role::HttpTrigger),
        Some("lambkin:http-trigger/http-shaper@0.2.0")
    );
    assert_eq!(plugin.size(), bytes.len());
    assert_eq!(plugin.digest().len(), 64);
    assert!(plugin.imports().is_empty());
    drained(&host).await;
}

#[tokio::test]
async fn files_that_are_no_components_are_refused() {
    let module = wat::parse_str("(module)").expect("a module");
    for (bytes, expected) in [
        (&b""[..], "the file is empty"),
        (&module, "it is a core WebAssembly module, not a component"),
        (b"(component)", "it is WebAssembly text"),
        (b"\x7fELF\x02\x01\x01\0", "it is a native program"),
        (
            b"PK\x03\x04zip",
            r#"it is not WebAssembly: it starts with "PK\x03\x04zip""#,
        ),
        (
            b"\0asm\x07\0\0\0",
            "it is WebAssembly of an unknown version",
        ),
    ] {
        let message = refusal(bytes.to_vec()).await;
        assert!(message.contains(expected), "{message}");
    }
    let message = refusal(vec![b'x'; 65 << 20]).await;
    assert!(message.contains("more than the 64 MiB"), "{message}");
}

#[tokio::test]
async fn compiled_code_is_never_run() {
    let engine = wasmtime::Engine::default();
    let compiled = engine
        .precompile_component(&good().bytes())
        .expect("compile");
    let message = refusal(compiled).await;
    assert!(
        message.contains("it is compiled machine code (.cwasm)"),
        "{message}"
    );
}

#[tokio::test]
async fn damaged_files_are_refused() {
    let bytes = good().bytes();
    let host = host();
    for length in [9, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
        let error = host
            .load("cut", bytes.slice(..length))
            .await
            .expect_err("refused");
        assert!(
            matches!(
                error.cause,
                ComponentError::NotAComponent(_)
                    | ComponentError::Compile(_)
                    | ComponentError::NoRole(_)
            ),
            "{length}: {error:?}"
        );
    }
    // Every byte turned around once, a few at a time: no panic, and no half-loaded plugin.
    for at in (8..bytes.len()).step_by(97) {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 0xff;
        let _ = host.load("damaged", damaged.into()).await;
    }
    drained(&host).await;
}

#[tokio::test]
async fn other_versions_of_the_contract_are_named() {
    for version in ["0.1.0", "0.3.0", "1.0.0"] {
        let name = format!("lambkin:http-trigger/http-shaper@{version}");
        match good().with("name", &name).refusal().await {
            ComponentError::OtherVersion(found) => {
                let [found] = &found[..] else {
                    panic!("{found:?}")
                };
                let supported = "lambkin:http-trigger/http-shaper@0.2.x";
                assert_eq!((&*found.export, found.supported), (&*name, supported));
            }
            other => panic!("{other:?}"),
        }
    }
    // The interfaces had other names before 0.2.
    let old = good().with("name", "lambkin:http-trigger/shaper@0.1.0");
    let message = old.refusal().await.to_string();
    assert!(
        message.contains("lambkin:http-trigger/shaper@0.1.0")
            && message.contains("lambkin:http-trigger/http-shaper@0.2.x"),
        "{message}"
    );
    good()
        .with("name", "lambkin:http-trigger/http-shaper@0.2.7")
        .load(&host())
        .await
        .expect("a patch release loads");
}

#[tokio::test]
async fn a_component_without_a_role_is_refused_and_the_nearest_name_is_shown() {
    let cause = good()
        .with("name", "lambkin:http-trigger/http-shapper@0.2.0")
        .refusal()
        .await;
    let message = cause.to_string();
    assert!(matches!(cause, ComponentError::NoRole(_)), "{message}");
    assert!(
        message.contains("exports lambkin:http-trigger/http-shapper@0.2.0; did"),
        "{message}"
    );

    let empty = wat::parse_str("(component)").expect("a component");
    let error = host()
        .load("empty", empty.into())
        .await
        .expect_err("refused");
    assert!(
        error
            .to_string()
            .contains("it exports nothing; a plugin exports"),
        "{error}"
    );
}

#[tokio::test]
async fn another_shape_of_a_record_is_another_revision() {
    match good().with("id", "u64").refusal().await {
        ComponentError::OtherRevision {
            interface,
            difference,
        } => {
            assert_eq!(interface, "lambkin:http-trigger/http-shaper@0.2.0");
            assert!(difference.starts_with("function shape: "), "{difference}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_missing_function_is_named() {
    let text = r#"(component (component $shaper) (instance $i (instantiate $shaper))
        (export "lambkin:http-trigger/http-shaper@0.2.0" (instance $i)))"#;
    let error = host()
        .load("hollow", wat::parse_str(text).expect("text").into())
        .await
        .expect_err("refused");
    assert!(
        matches!(error.cause, ComponentError::OtherRevision { .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("function configure is missing"),
        "{error}"
    );
}

#[tokio::test]
async fn imports_that_are_not_granted_are_named() {
    for (import, way_out) in [
        ("acme:secrets/store@1.0.0", "remove what uses it"),
        ("wasi:keyvalue/store@0.2.0", "remove what uses it"),
        ("wasi:sockets/types@0.3.0", "build it for WASI 0.2"),
        (
            "lambkin:store/queues@0.1.0",
            "take the world from `lambkin wit`",
        ),
    ] {
        let imports = format!(r#"(import "{import}" (instance $imported (export "f" (func))))"#);
        let with = format!(r#"(with "{import}" (instance $imported))"#);
        let cause = good()
            .with("imports", &imports)
            .with("with", &with)
            .refusal()
            .await;
        let message = cause.to_string();
        assert!(
            matches!(cause, ComponentError::ForbiddenImport(_)),
            "{message}"
        );
        assert!(
            message.contains(import) && message.contains(way_out),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_component_that_does_not_start_is_refused() {
    let spin = "(func $spin (loop $on (br $on))) (start $spin)";
    let trap = "(func $trap unreachable) (start $trap)";
    let large = "(memory $large 2000)";
    for (module, expected) in [(spin, "Cpu"), (trap, "Trap"), (large, "other")] {
        let host = host();
        let error = good()
            .with("module", module)
            .load(&host)
            .await
            .expect_err("refused");
        match (&error.cause, expected) {
            (ComponentError::Start(error), "Cpu") => {
                assert_eq!(
                    error.cause,
                    CallError::Guest(GuestError::Cpu(limits::SHAPER.cpu))
                )
            }
            (ComponentError::Start(error), "Trap") => {
                assert!(
                    matches!(error.cause, CallError::Guest(GuestError::Trap { .. })),
                    "{error}"
                );
            }
            (ComponentError::Start(_) | ComponentError::Compile(_), "other") => {}
            (cause, _) => panic!("{cause:?}"),
        }
        assert!(
            error
                .to_string()
                .starts_with("cannot load plugin fixture: "),
            "{error}"
        );
        drained(&host).await;
    }
}

#[tokio::test]
async fn a_host_ends_with_its_last_plugin() {
    let host = host();
    let plugin = Arc::new(good().load(&host).await.expect("load"));
    drop(host);
    web(&plugin, "{}")
        .await
        .expect("the plugin keeps the engine alive");
}
