//! What `configure` receives and returns in every role of a trigger.

use lambkin_plugin::{FunctionReference, QueueReference, Reuse, Surroundings, Target};

use crate::fixture::{
    BUCKET, CONFIG, Fixture, change, good, good_batch, good_object, host, messages, orders, origin,
    request, surroundings, uploads, web,
};

/// The end of `(call $setup STATE LENGTH` in each role.
const SETUPS: [&str; 3] = [
    "",
    "(i32.const 10) (i32.const 0x600000) (i32.const 0)",
    "(i32.const 0) (i32.const 0x100) (i32.const 1)",
];

/// The state after a `configure` with this body in each role: every fixture's events are its state.
async fn states(body: impl Fn(&str) -> String, around: &Surroundings) -> [String; 3] {
    let host = host();
    let load = async |fixture: Fixture, n: usize| {
        let fixture = fixture.with("configure", &body(SETUPS[n]));
        fixture.load(&host).await.expect("it loads")
    };
    let web = load(good(), 0).await;
    let web = web.http_trigger(CONFIG, around, &[], Reuse::DEFAULT).await;
    let step = web.expect("configure").shape(&request()).await;
    let event = match step.expect("shape") {
        lambkin_plugin::Step::Invoke(shaped) => shaped.event,
        other => panic!("{other:?}"),
    };
    let orders = load(good_batch(), 1).await;
    let origin = origin();
    let orders = orders.batch_trigger(CONFIG, around, &origin, Reuse::DEFAULT);
    let batch = orders.await.expect("configure").shape(&messages()).await;
    let uploads = load(good_object(), 2).await;
    let uploads = uploads.object_trigger(CONFIG, around, BUCKET, Reuse::DEFAULT);
    let change = uploads.await.expect("configure").shape(&change()).await;
    [
        event,
        batch.expect("shape").event.expect("an event"),
        change.expect("shape").expect("an event"),
    ]
}

/// The surroundings as the guest sees them, read from where the canonical ABI puts each field.
#[tokio::test]
async fn every_field_of_the_surroundings_arrives_in_every_role() {
    let around = surroundings("\"name\"");
    let of_arguments = |offset: u32| (String::from("(local.get $arguments)"), offset);
    let of_list = |list: u32, offset: u32| {
        (
            format!("(i32.load offset={list} (local.get $arguments))"),
            offset,
        )
    };
    for ((at, offset), expected) in [
        (of_arguments(8), "name"),
        (of_arguments(20), "127.0.0.1:8000"),
        (of_arguments(28), "eu-central-1"),
        (of_arguments(36), "123456789012"),
        (of_list(44, 0), "TOKEN"),
        (of_list(44, 8), "secret"),
        (of_list(52, 0), "f:live"),
    ] {
        let body = |rest: &str| {
            format!(
                "(call $setup (i32.load offset={offset} {at}) (i32.load offset={} {at}) {rest})",
                offset + 4
            )
        };
        let expected = format!("\"{expected}\"");
        let states = states(body, &around).await;
        assert_eq!(states, [&*expected; 3]);
    }
    let others = |rest: &str| {
        format!(
            "(if (i32.ne (i32.load8_u offset=16 (local.get $arguments)) (i32.const 1)) (then unreachable))
            (if (i32.ne (i32.load offset=48 (local.get $arguments)) (i32.const 1)) (then unreachable))
            (if (i32.ne (i32.load offset=56 (local.get $arguments)) (i32.const 1)) (then unreachable))
            (if (i32.ne (i32.load offset=8 (i32.load offset=52 (local.get $arguments))) (i32.const 1234))
                (then unreachable))
            (if (i32.ne (i32.load offset=64 (local.get $arguments)) (i32.const 0)) (then unreachable))
            (call $setup (local.get $config) (local.get $length) {rest})"
        )
    };
    assert_eq!(states(others, &around).await, [CONFIG; 3]);
    let listening = |rest: &str| {
        format!(
            "(if (i32.load8_u offset=16 (local.get $arguments)) (then unreachable))
            (call $setup (local.get $config) (local.get $length) {rest})"
        )
    };
    let without = Surroundings {
        address: None,
        ..around
    };
    assert_eq!(states(listening, &without).await, [CONFIG; 3]);
}

/// A path of keys at 0x720, and a list of one line at 0x730.
const LISTS: &str = r#"
    (data (i32.const 0x700) "routes")
    (data (i32.const 0x710) "GET /")
    (data (i32.const 0x720) "\00\07\00\00\06\00\00\00\10\07\00\00\05\00\00\00")
    (data (i32.const 0x730) "\20\01\00\00\07\00\00\00")"#;

/// A fixture whose setup has the lists at these addresses of it: a path of keys, and warnings.
fn with_lists(fixture: Fixture, setup: &str, at: u32, warnings: u32) -> Fixture {
    let configure = format!(
        "(drop (call $setup (local.get $config) (local.get $length) {setup}))
        (i32.store (i32.const {at}) (i32.const 0x720))
        (i32.store offset=4 (i32.const {at}) (i32.const 2))
        (i32.store (i32.const {warnings}) (i32.const 0x730))
        (i32.store offset=4 (i32.const {warnings}) (i32.const 1))
        (i32.const 0x400)"
    );
    fixture.with("module", LISTS).with("configure", &configure)
}

#[tokio::test]
async fn names_have_the_path_of_keys_and_every_role_warns() {
    let host = host();
    let warnings = [r"a: b\r\nc"];
    let at = || vec!["routes".to_owned(), "GET /".to_owned()];
    let f = FunctionReference {
        name: "f".into(),
        at: at(),
    };

    // The path of the only function, at 0x140, is in the middle of its reference.
    let http = with_lists(good(), SETUPS[0], 0x148, 0x424);
    let http = web(&http.load(&host).await.expect("load"), CONFIG).await;
    let http = http.expect("configure");
    assert_eq!(
        (http.functions(), http.warnings()),
        (&[f.clone()][..], &warnings.map(String::from)[..])
    );

    let batch = with_lists(good_batch(), SETUPS[1], 0x414, 0x43c);
    let batch = orders(&batch.load(&host).await.expect("load")).await;
    let batch = batch.expect("configure");
    assert_eq!(batch.function(), &f);
    assert_eq!(batch.warnings(), warnings);

    let object = with_lists(good_object(), SETUPS[2], 0x418, 0x42c);
    let object = uploads(&object.load(&host).await.expect("load")).await;
    let object = object.expect("configure");
    assert_eq!(object.target(), &Target::Function(f));
    assert_eq!(object.warnings(), warnings);

    let queue = "(i32.const 1) (i32.const 0x100) (i32.const 1)";
    let object = with_lists(good_object(), queue, 0x418, 0x42c);
    let object = uploads(&object.load(&host).await.expect("load")).await;
    let f = QueueReference {
        name: "f".into(),
        at: at(),
    };
    assert_eq!(object.expect("configure").target(), &Target::Queue(f));
}

#[tokio::test]
async fn the_trigger_has_the_name_of_its_surroundings() {
    let host = host();
    let plugin = good().load(&host).await.expect("load");
    assert_eq!(web(&plugin, CONFIG).await.expect("configure").name(), "web");
}
