//! Plugins that are defective or hostile: each is stopped at its limit, and no other call is affected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lambkin_model::Body;
use lambkin_plugin::{CallError, Ending, GuestError, limits};

use crate::fixture::{Fixture, Neighbours, fault, good, host, outcome, request};

/// The fault of a `shape` with this body, after which all is well.
async fn fault_of(fixture: Fixture) -> GuestError {
    let neighbours = Neighbours::new().await;
    let trigger = fixture.trigger(&neighbours.host).await;
    let error = trigger.shape(&request()).await.expect_err("the call fails");
    let fault = fault(&error).clone();
    neighbours.unharmed().await;
    fault
}

fn shape(body: &str) -> Fixture {
    good().with("shape", body)
}

#[tokio::test]
async fn an_endless_loop_ends_when_its_time_is_used_up() {
    let start = Instant::now();
    assert_eq!(
        fault_of(shape("(loop $on (br $on)) unreachable")).await,
        GuestError::Cpu(limits::SHAPER.cpu)
    );
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_busy_plugin_does_not_block_the_only_thread() {
    let neighbours = Neighbours::new().await;
    let spinning = shape("(loop $on (br $on)) unreachable")
        .trigger(&neighbours.host)
        .await;
    let spinning = tokio::spawn(async move { spinning.shape(&request()).await });
    let mut served = 0;
    while !spinning.is_finished() {
        neighbours
            .good
            .shape(&request())
            .await
            .expect("the valid plugin still works");
        tokio::task::yield_now().await;
        served += 1;
    }
    // One turn per tick at the least, had the loop not handed the thread back there would be one in all.
    assert!(served > 5, "{served}");
    assert!(spinning.await.expect("no panic").is_err());
}

/// A plugin whose `shape` counts to this number.
fn counting(to: u64) -> Fixture {
    shape(&format!(
        "(local $n i64)
        (loop $on
            (local.set $n (i64.add (local.get $n) (i64.const 1)))
            (br_if $on (i64.lt_u (local.get $n) (i64.const {to}))))
        (call $invoke (i32.load (local.get $arguments)) (i32.load offset=4 (local.get $arguments)))"
    ))
}

/// The processor time of this thread.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The bound grows with the input, and the time that other programs take away does not count.
#[tokio::test]
async fn a_large_request_succeeds_while_all_processors_are_busy() {
    let host = host();
    let mut large = request();
    large.body = Some(Body::Text("x".repeat(250 << 10)));
    let bound = limits::SHAPER.for_input(large.size()).cpu;
    assert_eq!(bound, limits::SHAPER.cpu + Duration::from_millis(125));

    // Long enough to need more than the bound of a small request.
    let sample = 20_000_000;
    let trigger = counting(sample).trigger(&host).await;
    let start = thread_time();
    trigger.shape(&request()).await.expect("shape");
    let factor = bound.as_secs_f64() * 0.6 / (thread_time() - start).as_secs_f64();
    let trigger = counting((sample as f64 * factor) as u64)
        .trigger(&host)
        .await;

    let done = Arc::new(AtomicBool::new(false));
    let processors = thread::available_parallelism().map_or(1, |count| count.get());
    let busy = (0..3 * processors).map(|_| {
        let done = done.clone();
        thread::spawn(move || while !done.load(Ordering::Relaxed) {})
    });
    let busy: Vec<_> = busy.collect();
    for _ in 0..5 {
        trigger.shape(&large).await.expect("shape");
    }
    done.store(true, Ordering::Relaxed);
    busy.into_iter()
        .for_each(|thread| thread.join().expect("no panic"));
}

#[tokio::test]
async fn a_trap_names_its_cause() {
    match fault_of(shape("unreachable")).await {
        GuestError::Trap { reason, .. } => assert!(reason.contains("unreachable"), "{reason}"),
        other => panic!("{other:?}"),
    }
    match fault_of(shape("(i32.div_u (i32.const 1) (i32.const 0))")).await {
        GuestError::Trap { reason, .. } => assert!(reason.contains("divide by zero"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_trap_names_the_functions_it_happened_in() {
    let deep = "(func $deep (result i32) unreachable)";
    match fault_of(shape("(call $deep)").with("module", deep)).await {
        GuestError::Trap { frames, .. } => assert!(
            frames.iter().any(|frame| frame.contains("deep")),
            "{frames:?}"
        ),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn deep_recursion_ends_at_the_stack_bound() {
    let deep =
        "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (local.get 0)))";
    assert_eq!(
        fault_of(shape("(call $deep (i32.const 1))").with("module", deep)).await,
        GuestError::Stack
    );
}

#[tokio::test]
async fn endless_growth_ends_at_the_memory_bound() {
    let grow =
        "(loop $on (br_if $on (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    assert_eq!(fault_of(shape(grow)).await, GuestError::Memory);
}

#[tokio::test]
async fn a_plugin_that_handles_refused_memory_does_not_fail() {
    let grow = "
        (drop (memory.grow (i32.const 0x7fff)))
        (call $invoke (i32.load (local.get $arguments)) (i32.load offset=4 (local.get $arguments)))";
    let neighbours = Neighbours::new().await;
    shape(grow)
        .trigger(&neighbours.host)
        .await
        .shape(&request())
        .await
        .expect("the guest went on without");
}

#[tokio::test]
async fn a_giant_result_is_not_copied() {
    // 32 MiB of zero bytes are valid UTF-8.
    let giant = "
        (drop (memory.grow (i32.const 512)))
        (call $refuse (i32.const 0x2000) (i32.const 0x2000000))";
    assert_eq!(
        fault_of(shape(giant)).await,
        GuestError::Copied(limits::SHAPER.copied_bytes)
    );
}

#[tokio::test]
async fn a_list_larger_than_memory_is_not_read() {
    let body = "(call $response (i32.const 200) (i32.const 0) (i32.const 0x0fffffff) (i32.const 0) (i32.const 0))";
    let neighbours = Neighbours::new().await;
    let trigger = good().with("resume", body).trigger(&neighbours.host).await;
    let error = trigger
        .resume("token", &outcome(Ending::TimedOut), None)
        .await
        .expect_err("the call fails");
    assert!(
        matches!(
            fault(&error),
            GuestError::Invalid(_) | GuestError::Copied(_)
        ),
        "{error}"
    );
    neighbours.unharmed().await;
}

#[tokio::test]
async fn pointers_that_lead_nowhere_are_refused() {
    for body in [
        "(call $refuse (i32.const -16) (i32.const 16))",
        "(call $refuse (i32.const 0x2000) (i32.const -1))",
        "(i32.const -4)",
        "(i32.const 3)",
    ] {
        match fault_of(shape(body)).await {
            GuestError::Invalid(_) | GuestError::Copied(_) => {}
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_refused() {
    let body = "(i32.store8 (i32.const 0x800) (i32.const 0xff)) (call $refuse (i32.const 0x800) (i32.const 1))";
    match fault_of(shape(body)).await {
        GuestError::Invalid(reason) => assert!(reason.contains("utf-8"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_discriminant_that_does_not_exist_is_refused() {
    let body = "(i32.store8 (i32.const 0x404) (i32.const 9)) (i32.const 0x400)";
    match fault_of(shape(body)).await {
        GuestError::Invalid(reason) => assert!(reason.contains("discriminant"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_endless_loops_leave_nothing_in_the_pool() {
    let neighbours = Neighbours::new().await;
    let spinning = shape("(loop $on (br $on)) unreachable")
        .trigger(&neighbours.host)
        .await;
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let trigger = spinning.clone();
            tokio::spawn(async move { trigger.shape(&request()).await })
        })
        .collect();
    for call in calls {
        let error = call.await.expect("no panic").expect_err("each is stopped");
        assert_eq!(
            error.cause,
            CallError::Guest(GuestError::Cpu(limits::SHAPER.cpu))
        );
        assert!(error.took < limits::SHAPER.wall, "{error}");
    }
    neighbours.unharmed().await;
}

#[tokio::test]
async fn a_cancelled_call_leaves_nothing_in_the_pool() {
    let neighbours = Neighbours::new().await;
    let spinning = shape("(loop $on (br $on)) unreachable")
        .trigger(&neighbours.host)
        .await;
    // The caller goes away while the guest has handed the thread back.
    let given_up =
        tokio::time::timeout(Duration::from_millis(20), spinning.shape(&request())).await;
    assert!(given_up.is_err());
    neighbours.unharmed().await;
}

/// Imports of a guest that waits for a clock; the second part passes them on to the inner component.
const WAITING: [&str; 2] = [
    r#"
    (import "wasi:io/poll@0.2.0" (instance $poll
        (export "pollable" (type $pollable (sub resource)))
        (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
    (alias export $poll "pollable" (type $pollable))
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
        (alias outer 1 $pollable (type $outer))
        (export "pollable" (type $pollable (eq $outer)))
        (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))
    "#,
    r#"
    (with "wasi:io/poll@0.2.0" (instance $poll))
    (with "wasi:clocks/monotonic-clock@0.2.0" (instance $clock))
    "#,
];

/// A plugin that can wait: `$wait` takes nanoseconds.
pub fn waiting(body: &str) -> Fixture {
    let core = format!(
        r#"
        (alias export $clock "subscribe-duration" (func $subscribe))
        (core func $subscribe (canon lower (func $subscribe)))
        (alias export $poll "[method]pollable.block" (func $block))
        (core func $block (canon lower (func $block)))
        {}"#,
        include_str!("../fixtures/core.wat")
    );
    let module = r#"
        (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
        (import "host" "block" (func $block (param i32)))
        (func $wait (param i64) (call $block (call $subscribe (local.get 0))))"#;
    shape(body)
        .with("imports", WAITING[0])
        .with("with", WAITING[1])
        .with(
            "lower",
            r#"(export "subscribe" (func $subscribe)) (export "block" (func $block))"#,
        )
        .with("core", &core)
        .with("module", module)
}

#[tokio::test]
async fn a_plugin_that_waits_ends_at_the_wall_clock() {
    let start = Instant::now();
    let waiting = waiting("(call $wait (i64.const 3600000000000)) unreachable");
    assert_eq!(
        fault_of(waiting).await,
        GuestError::Wall(limits::SHAPER.wall)
    );
    assert!(
        start.elapsed() >= limits::SHAPER.wall,
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn waiting_costs_no_processor_time() {
    // Twice as many waits as a call has ticks, each longer than one.
    let ticks = limits::SHAPER.cpu.as_millis() / limits::TICK.as_millis();
    let often = format!(
        "(local $n i32)
        (loop $on
            (call $wait (i64.const {}))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $on (i32.lt_u (local.get $n) (i32.const {}))))
        (call $invoke (i32.load (local.get $arguments)) (i32.load offset=4 (local.get $arguments)))",
        limits::TICK.as_nanos() * 5 / 4,
        ticks * 2,
    );
    let neighbours = Neighbours::new().await;
    let trigger = waiting(&often).trigger(&neighbours.host).await;
    let shaped = trigger.shape(&request()).await;
    shaped.expect("the guest hardly ran");
}
