//! Components that play several roles, other roles than asked for, or none quite right.

use lambkin_plugin::{CallError, ComponentError, ConfigureError, Ending, Role};

use crate::fixture::{
    CONFIG, Fixture, change, drained, good, good_batch, good_object, host, messages, orders,
    outcome, request, together, uploads, web,
};

/// Why a component does not load.
async fn refusal(fixtures: &[Fixture]) -> ComponentError {
    let loaded = host().load("fixture", together(fixtures)).await;
    loaded.expect_err("refused").cause
}

#[tokio::test]
async fn one_component_plays_several_roles() {
    let host = host();
    let bytes = together(&[good_object(), good(), good_batch()]);
    let plugin = host.load("fixture", bytes).await.expect("load");
    let roles = [Role::HttpTrigger, Role::BatchTrigger, Role::ObjectTrigger];
    assert_eq!(plugin.roles(), roles);
    assert!(roles.iter().all(|role| plugin.plays(*role)));
    assert!(!plugin.plays(Role::Service) && !plugin.plays(Role::Source));

    let web = web(&plugin, CONFIG).await.expect("configure");
    web.shape(&request()).await.expect("shape");
    let orders = orders(&plugin).await;
    let orders = orders.expect("configure");
    orders.shape(&messages()).await.expect("shape");
    let done = outcome(Ending::Completed("null".into()));
    orders.settle("", &["m1"], &done).await.expect("settle");
    let uploads = uploads(&plugin).await;
    let event = uploads.expect("configure").shape(&change()).await;
    assert_eq!(event.expect("shape").as_deref(), Some(CONFIG));
    drained(&host).await;
}

#[tokio::test]
async fn unknown_exports_are_ignored() {
    let other = good_object().with("name", "acme:feeds/reader@3.1.0");
    let host = host();
    let plugin = host.load("fixture", together(&[other, good_batch()])).await;
    let plugin = plugin.expect("load");
    assert_eq!(plugin.roles(), [Role::BatchTrigger]);
    let orders = orders(&plugin).await;
    orders.expect("configure");
}

#[tokio::test]
async fn a_role_that_is_not_played_is_refused_and_those_that_are_named() {
    let older = good_object().with("name", "lambkin:object-trigger/shaper@0.1.0");
    let host = host();
    let bytes = together(&[good(), good_batch(), older]);
    let plugin = host.load("fixture", bytes).await.expect("load");
    let error = uploads(&plugin).await;
    let error = error.expect_err("not played");
    assert!(
        matches!(
            error,
            ConfigureError::MissingRole {
                wanted: Role::ObjectTrigger,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "plugin fixture does not play the role object-trigger (lambkin:object-trigger/object-shaper@0.2.x): \
         it plays http-trigger and batch-trigger, and its lambkin:object-trigger/shaper@0.1.0 has a version that this \
         version of lambkin does not support; the plugin was built for an older version of lambkin: write the contract \
         of this version with `lambkin wit object-trigger`, adapt the plugin's source to it, and build the plugin \
         again"
    );

    let plugin = good_batch().load(&host).await.expect("load");
    let error = web(&plugin, CONFIG).await;
    assert_eq!(
        error.expect_err("not played").to_string(),
        "plugin fixture does not play the role http-trigger (lambkin:http-trigger/http-shaper@0.2.x): \
         it plays batch-trigger; use another plugin here"
    );
}

#[tokio::test]
async fn one_role_of_another_revision_spoils_the_component() {
    for (spoilt, interface, function) in [
        (
            good_batch(),
            "lambkin:batch-trigger/batch-shaper@0.2.0",
            "function shape: ",
        ),
        (
            good_object(),
            "lambkin:object-trigger/object-shaper@0.2.0",
            "function shape: ",
        ),
    ] {
        match refusal(&[good(), spoilt.with("id", "u64")]).await {
            ComponentError::OtherRevision {
                interface: found,
                difference,
            } => {
                assert_eq!(found, interface);
                assert!(difference.starts_with(function), "{difference}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_missing_function_is_named_in_every_role() {
    for interface in [
        "lambkin:batch-trigger/batch-shaper@0.2.0",
        "lambkin:object-trigger/object-shaper@0.2.0",
    ] {
        let text = format!(
            r#"(component (component $shaper) (instance $i (instantiate $shaper))
            (export "{interface}" (instance $i)))"#
        );
        let bytes = wat::parse_str(text).expect("text");
        let error = host().load("hollow", bytes.into()).await;
        let message = error.expect_err("refused").to_string();
        assert!(
            message.contains(interface) && message.contains("function configure is missing"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn triggers_get_no_store() {
    for import in ["lambkin:store/queues@0.1.0", "lambkin:store/objects@0.1.0"] {
        for fixture in [good_batch(), good_object()] {
            let cause = fixture
                .with(
                    "imports",
                    &format!(r#"(import "{import}" (instance $imported (export "f" (func))))"#),
                )
                .with(
                    "with",
                    &format!(r#"(with "{import}" (instance $imported))"#),
                )
                .refusal()
                .await;
            let message = cause.to_string();
            assert!(
                matches!(cause, ComponentError::ForbiddenImport(_)),
                "{message}"
            );
            assert!(message.contains(import), "{message}");
        }
    }
}

#[tokio::test]
async fn a_role_that_fails_does_not_affect_the_others() {
    let host = host();
    let bytes = together(&[good(), good_batch().with("shape", "unreachable")]);
    let plugin = host.load("fixture", bytes).await.expect("load");
    let orders = orders(&plugin).await;
    let error = orders.expect("configure").shape(&messages()).await;
    let error = error.expect_err("it traps");
    assert!(matches!(error.cause, CallError::Guest(_)), "{error}");
    let web = web(&plugin, CONFIG).await.expect("configure");
    web.shape(&request()).await.expect("shape");
    drained(&host).await;
}
