//! Instances that are used for several calls: when they are, and when they are not.

use std::time::Duration;

use lambkin_model::Action;
use lambkin_plugin::{Ending, HttpTrigger, PluginHost, Reuse};

use crate::fixture::{
    BUCKET, CONFIG, Fixture, change, drained, good, good_batch, good_object, host, messages,
    origin, outcome, reply, request, surroundings,
};
use crate::hostile::waiting;

/// More calls and a longer time than a test takes.
const GENEROUS: Reuse = Reuse {
    instances: 4,
    calls: 1_000,
    idle: Duration::from_secs(3_600),
};

const COUNTER: &str = "(global $calls (mut i32) (i32.const 0))";

const REUSABLE: &str = "(call $reusable (call $setup (local.get $config) (local.get $length)))";

/// A plugin whose `resume` replies with 200 and the number of calls that its instance has seen. By the ending of the
/// invocation, it fails or needs more memory.
fn counting() -> Fixture {
    let body = "
        (if (i32.eq (local.get $ending) (i32.const 2)) (then (return (call $status (i32.const 100)))))
        (if (i32.eq (local.get $ending) (i32.const 4)) (then (loop $on (br $on))))
        (if (i32.eq (local.get $ending) (i32.const 5))
            (then (return (call $refuse (i32.const 0x120) (i32.const 7)))))
        (if (i32.eq (local.get $ending) (i32.const 6)) (then unreachable))
        (if (i32.eq (local.get $ending) (i32.const 7)) (then (drop (memory.grow (i32.const 300)))))
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (call $status (i32.add (i32.const 200) (global.get $calls)))";
    good()
        .with("module", COUNTER)
        .with("configure", REUSABLE)
        .with("resume", body)
}

async fn trigger(fixture: &Fixture, host: &PluginHost, reuse: Reuse) -> HttpTrigger {
    let plugin = fixture.load(host).await.expect("it loads");
    let around = surroundings("web");
    let trigger = plugin.http_trigger(CONFIG, &around, &[], reuse).await;
    trigger.expect("it accepts the configuration")
}

/// The number of calls that the instance has seen, this one included.
async fn count_with(trigger: &HttpTrigger, ending: Ending) -> u16 {
    let step = trigger.resume("token", &outcome(ending), None).await;
    reply(step.expect("it counts")).status - 200
}

async fn count(trigger: &HttpTrigger) -> u16 {
    count_with(trigger, Ending::Completed(String::new())).await
}

async fn counts<const CALLS: usize>(trigger: &HttpTrigger) -> [u16; CALLS] {
    let mut counts = [0; CALLS];
    for seen in &mut counts {
        *seen = count(trigger).await;
    }
    counts
}

#[tokio::test]
async fn an_instance_is_reused_if_the_plugin_and_the_operator_allow_it() {
    let host = host();
    let reusing = trigger(&counting(), &host, GENEROUS).await;
    assert_eq!(counts(&reusing).await, [1, 2, 3]);
    let forbidden = Reuse {
        instances: 0,
        ..GENEROUS
    };
    let by_operator = trigger(&counting(), &host, forbidden).await;
    assert_eq!(counts(&by_operator).await, [1, 1, 1]);
    let once = "(call $setup (local.get $config) (local.get $length))";
    let by_plugin = trigger(&counting().with("configure", once), &host, GENEROUS).await;
    assert_eq!(counts(&by_plugin).await, [1, 1, 1]);
    drop(reusing);
    drained(&host).await;
}

#[tokio::test]
async fn an_instance_serves_one_trigger_only() {
    let host = host();
    let plugin = counting().load(&host).await.expect("it loads");
    let around = surroundings("web");
    let configured = async || plugin.http_trigger(CONFIG, &around, &[], GENEROUS).await;
    let one = configured().await.expect("configure");
    let other = configured().await.expect("configure");
    assert_eq!(counts(&one).await, [1, 2]);
    assert_eq!(counts(&other).await, [1, 2]);
    assert_eq!(
        counts(&one.clone()).await,
        [3, 4],
        "a clone is the same trigger"
    );
}

#[tokio::test]
async fn triggers_of_every_role_reuse_instances() {
    let host = host();
    let next = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))";

    let settle = format!(
        "{next} (call $settlement (i32.const 1) (i32.const 1) (global.get $calls) (i32.const 0))"
    );
    let configure = "(call $reusable (call $setup
        (local.get $config) (local.get $length) (i32.const 10) (i32.const 0x600000) (i32.const 0)))";
    let plugin = good_batch()
        .with("module", COUNTER)
        .with("configure", configure)
        .with("settle", &settle)
        .load(&host)
        .await
        .expect("it loads");
    let (around, origin) = (surroundings("orders"), origin());
    let orders = plugin.batch_trigger(CONFIG, &around, &origin, GENEROUS);
    let orders = orders.await.expect("configure");
    orders.shape(&messages()).await.expect("shape");
    for calls in [1, 2] {
        let settlement = orders.settle("", &["m1"], &outcome(Ending::TimedOut)).await;
        let again = Action::Retry(Some(calls));
        assert_eq!(settlement.expect("settle").otherwise, again);
    }

    let shape = format!(
        "{next} (i32.store8 (i32.const 0x800) (i32.add (global.get $calls) (i32.const 48)))
        (call $event (i32.const 0x800) (i32.const 1))"
    );
    let configure = "(call $reusable (call $setup
        (local.get $config) (local.get $length) (i32.const 0) (i32.const 0x100) (i32.const 1)))";
    let plugin = good_object()
        .with("module", COUNTER)
        .with("configure", configure)
        .with("shape", &shape)
        .load(&host)
        .await
        .expect("it loads");
    let around = surroundings("uploads");
    let uploads = plugin.object_trigger(CONFIG, &around, BUCKET, GENEROUS);
    let uploads = uploads.await.expect("configure");
    for calls in ["1", "2"] {
        let event = uploads.shape(&change()).await.expect("shape");
        assert_eq!(event.as_deref(), Some(calls));
    }
}

#[tokio::test]
async fn an_instance_is_discarded_after_a_failed_call() {
    let host = host();
    let trigger = trigger(&counting(), &host, GENEROUS).await;
    for (failure, ending) in [
        ("a trap", Ending::Throttled),
        ("used-up time", Ending::TimedOut),
        ("an error of the result", Ending::Expired),
        ("a result that breaks the contract", Ending::Accepted),
    ] {
        assert_eq!(counts(&trigger).await, [1, 2], "before {failure}");
        let failed = trigger.resume("token", &outcome(ending), None).await;
        failed.expect_err(failure);
        drained(&host).await;
    }
    assert_eq!(count(&trigger).await, 1);
}

#[tokio::test]
async fn an_instance_is_discarded_after_its_number_of_calls() {
    let host = host();
    let reuse = Reuse {
        calls: 3,
        ..GENEROUS
    };
    let trigger = trigger(&counting(), &host, reuse).await;
    assert_eq!(counts(&trigger).await, [1, 2, 3, 1, 2, 3, 1]);
}

#[tokio::test]
async fn an_instance_is_discarded_when_it_uses_half_of_the_memory() {
    let host = host();
    let trigger = trigger(&counting(), &host, GENEROUS).await;
    // 300 pages of 64 KiB each: 32 MiB are 512 pages.
    let growing = || Ending::Unavailable(String::new());
    assert_eq!(count_with(&trigger, growing()).await, 1);
    assert_eq!(count_with(&trigger, growing()).await, 2);
    drained(&host).await;
    assert_eq!(count(&trigger).await, 1);
}

#[tokio::test]
async fn a_plugin_that_frees_nothing_never_runs_out_of_memory() {
    let trigger = trigger(&counting(), &host(), GENEROUS).await;
    // The fixture's allocator frees nothing. Together, the outcomes have twice the memory of an instance.
    let mib = "x".repeat(1 << 20);
    for _ in 0..128 {
        count_with(&trigger, Ending::Completed(mib.clone())).await;
    }
}

#[tokio::test]
async fn concurrent_calls_have_instances_of_their_own_of_which_some_are_kept() {
    let body = "
        (i32.store (i32.const 0x7f0) (i32.add (i32.load (i32.const 0x7f0)) (i32.const 1)))
        (call $wait (i64.const 50000000))
        (call $status (i32.add (i32.const 200) (i32.load (i32.const 0x7f0))))";
    let fixture = waiting(body).with("configure", REUSABLE);
    for (instances, kept) in [(1, 1), (2, 2), (4, 3)] {
        let host = host();
        let reuse = Reuse {
            instances,
            ..GENEROUS
        };
        let trigger = trigger(&fixture, &host, reuse).await;
        let count = async || reply(trigger.shape(&request()).await.expect("shape")).status - 200;
        let at_once = tokio::join!(count(), count(), count());
        assert_eq!(
            at_once,
            (1, 1, 1),
            "each has an instance that nothing else uses"
        );
        let usage = host.pool_usage().expect("a pool");
        assert_eq!(usage.instances, kept, "{instances}");
        assert_eq!(count().await, 2);
        drop(trigger);
        drained(&host).await;
    }
}

#[tokio::test]
async fn an_unused_instance_is_dropped_after_a_while() {
    let host = host();
    let reuse = Reuse {
        idle: Duration::from_millis(1),
        ..GENEROUS
    };
    let trigger = trigger(&counting(), &host, reuse).await;
    for _ in 0..3 {
        count(&trigger).await;
        drained(&host).await;
        assert_eq!(count(&trigger).await, 1);
    }
}

#[tokio::test]
async fn the_instances_of_a_trigger_are_dropped_with_it() {
    let host = host();
    let trigger = trigger(&counting(), &host, GENEROUS).await;
    count(&trigger).await;
    assert_eq!(host.pool_usage().expect("a pool").instances, 1);
    drop(trigger);
    drained(&host).await;
}
