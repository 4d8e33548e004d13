//! Tests of the dispatcher.

use lambkin_model::{Invocation, InvokeError, RequestId};
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::call::Reply;

fn call(id: &str) -> (Call, oneshot::Receiver<Reply>) {
    let (answer, outcome) = oneshot::channel();
    let invocation = Invocation::new(RequestId::new(id), "{}", "");
    (
        Call {
            invocation,
            wants_stream: false,
            answer,
        },
        outcome,
    )
}

/// A call whose caller waits forever.
fn call_of(id: &str) -> Call {
    let (call, outcome) = call(id);
    std::mem::forget(outcome);
    call
}

/// The id of the call that an environment serves next.
fn next(next: Next) -> Option<String> {
    match next {
        Next::Serve(call) => Some(id(&call).to_owned()),
        Next::Wait | Next::End => None,
    }
}

fn id(call: &Call) -> &str {
    call.invocation.request_id.as_str()
}

/// An environment that serves its first call.
fn environment(dispatcher: &Dispatcher) -> (EnvironmentId, mpsc::UnboundedReceiver<Message>) {
    let (first, _outcome) = call("first");
    assert!(matches!(dispatcher.place(first), Placement::Start));
    let (id, mailbox) = start(dispatcher, StartFor::Call).unwrap();
    assert_eq!(initialize(dispatcher, id).as_deref(), Some("first"));
    (id, mailbox)
}

/// It is the turn of an environment for which a place is reserved.
fn start(
    dispatcher: &Dispatcher,
    start_for: StartFor,
) -> Option<(EnvironmentId, mpsc::UnboundedReceiver<Message>)> {
    let (sender, mailbox) = mpsc::unbounded_channel();
    Some((dispatcher.join(sender, start_for)?, mailbox))
}

/// The init phase ends. Returns the id of the first call that the environment serves.
fn initialize(dispatcher: &Dispatcher, environment: EnvironmentId) -> Option<String> {
    dispatcher.initialized(environment);
    next(dispatcher.release(environment, false))
}

#[test]
fn the_environment_that_became_idle_last_is_used_first() {
    let dispatcher = Dispatcher::new(2, 10, 1);
    let (one, mut mail_of_one) = environment(&dispatcher);
    let (two, mut mail_of_two) = environment(&dispatcher);
    assert!(matches!(dispatcher.release(one, false), Next::Wait));
    assert!(matches!(dispatcher.release(two, false), Next::Wait));
    let (next, _outcome) = call("next");
    assert!(matches!(dispatcher.place(next), Placement::Sent));
    assert!(matches!(mail_of_two.try_recv(), Ok(Message::Invoke(call)) if id(&call) == "next"));
    assert!(mail_of_one.try_recv().is_err());
}

#[test]
fn at_the_limit_calls_are_queued_in_order_and_then_throttled() {
    let dispatcher = Dispatcher::new(1, 2, 1);
    let (one, _mail) = environment(&dispatcher);
    let (a, _a) = call("a");
    let (b, _b) = call("b");
    let (c, _c) = call("c");
    assert!(matches!(dispatcher.place(a), Placement::Queued));
    assert!(matches!(dispatcher.place(b), Placement::Queued));
    assert!(matches!(
        dispatcher.place(c),
        Placement::Refused(InvokeError::Throttled)
    ));
    assert_eq!(next(dispatcher.release(one, false)).as_deref(), Some("a"));
    assert_eq!(next(dispatcher.release(one, false)).as_deref(), Some("b"));
    assert!(matches!(dispatcher.release(one, false), Next::Wait));
}

#[test]
fn with_a_limit_of_zero_every_call_is_throttled() {
    let dispatcher = Dispatcher::new(0, 10, 1);
    let (call, _outcome) = call("never");
    assert!(matches!(
        dispatcher.place(call),
        Placement::Refused(InvokeError::Throttled)
    ));
}

#[test]
fn a_call_waits_for_an_environment_that_has_just_answered() {
    let dispatcher = Dispatcher::new(2, 0, 1);
    let (one, _mail) = environment(&dispatcher);
    dispatcher.announce_idle();
    let (a, _a) = call("a");
    let (b, _b) = call("b");
    assert!(matches!(dispatcher.place(a), Placement::WaitsForIdle));
    assert!(
        matches!(dispatcher.place(b), Placement::Start),
        "one will soon be idle, so one call may wait for it"
    );
    assert_eq!(next(dispatcher.release(one, true)).as_deref(), Some("a"));
}

#[test]
fn a_call_that_has_waited_long_enough_gets_a_new_environment_if_the_limit_allows_it() {
    let dispatcher = Dispatcher::new(2, 0, 1);
    let (one, _mail) = environment(&dispatcher);
    dispatcher.announce_idle();
    let (a, _a) = call("a");
    assert!(matches!(dispatcher.place(a), Placement::WaitsForIdle));
    assert!(dispatcher.needs_another());
    let (b, _b) = call("b");
    assert!(matches!(dispatcher.place(b), Placement::WaitsForIdle));
    assert!(!dispatcher.needs_another(), "the limit is reached");
    let (two, _mail) = start(&dispatcher, StartFor::Call).unwrap();
    assert_eq!(initialize(&dispatcher, two).as_deref(), Some("a"));
    assert_eq!(next(dispatcher.release(one, true)).as_deref(), Some("b"));
}

#[test]
fn a_call_whose_caller_has_gone_does_not_begin() {
    let dispatcher = Dispatcher::new(1, 2, 1);
    let (one, _mail) = environment(&dispatcher);
    let (gone, outcome) = call("gone");
    drop(outcome);
    let (patient, _outcome) = call("patient");
    assert!(matches!(dispatcher.place(gone), Placement::Queued));
    assert!(matches!(dispatcher.place(patient), Placement::Queued));
    assert_eq!(
        next(dispatcher.release(one, false)).as_deref(),
        Some("patient")
    );
}

#[test]
fn an_environment_that_has_ended_gets_no_call_and_frees_its_place() {
    let dispatcher = Dispatcher::new(1, 0, 1);
    let (one, mail) = environment(&dispatcher);
    assert!(matches!(dispatcher.release(one, false), Next::Wait));
    drop(mail);
    assert!(!dispatcher.leave(one));
    let (next, _outcome) = call("next");
    assert!(matches!(dispatcher.place(next), Placement::Start));
}

#[test]
fn a_retired_environment_finishes_its_call_and_frees_its_place() {
    let dispatcher = Dispatcher::new(1, 2, 1);
    let (one, mut mail) = environment(&dispatcher);
    let (waiting, _outcome) = call("waiting");
    assert!(matches!(dispatcher.place(waiting), Placement::Queued));
    dispatcher.retire();
    assert!(matches!(mail.try_recv(), Ok(Message::Retire)));
    assert!(!dispatcher.needs_another(), "it has the only place");
    assert!(matches!(dispatcher.release(one, false), Next::End));
    assert!(dispatcher.leave(one), "the waiting call needs another one");
    let (two, _mail) = start(&dispatcher, StartFor::Call).unwrap();
    assert_eq!(initialize(&dispatcher, two).as_deref(), Some("waiting"));
}

#[test]
fn an_environment_can_be_withdrawn_unless_it_is_busy_or_must_be_kept() {
    let dispatcher = Dispatcher::new(2, 0, 1);
    let (one, _mail) = environment(&dispatcher);
    let (two, _mail) = environment(&dispatcher);
    assert!(matches!(dispatcher.release(one, false), Next::Wait));
    assert!(!dispatcher.withdraw(two, 0), "it is busy");
    assert!(!dispatcher.withdraw(one, 2), "it must be kept");
    assert!(dispatcher.withdraw(one, 1));
    let (call, _outcome) = call("next");
    assert!(
        matches!(dispatcher.place(call), Placement::Refused(_)),
        "it is out of service"
    );
}

#[test]
fn an_idle_environment_ends_at_once_when_it_is_retired() {
    let dispatcher = Dispatcher::new(2, 0, 1);
    let (one, mut mail) = environment(&dispatcher);
    assert!(matches!(dispatcher.release(one, false), Next::Wait));
    dispatcher.retire();
    assert!(matches!(mail.try_recv(), Ok(Message::Retire)));
    let (fresh, _outcome) = call("fresh");
    assert!(matches!(dispatcher.place(fresh), Placement::Start));
}

#[test]
fn a_call_that_waits_for_a_start_takes_an_environment_that_becomes_idle_first() {
    let dispatcher = Dispatcher::new(3, 0, 1);
    let (one, _mail) = environment(&dispatcher);
    let (a, _a) = call("a");
    let (b, _b) = call("b");
    assert!(matches!(dispatcher.place(a), Placement::Start));
    assert!(matches!(dispatcher.place(b), Placement::Start));
    let (two, _mail) = start(&dispatcher, StartFor::Call).unwrap();
    assert_eq!(next(dispatcher.release(one, false)).as_deref(), Some("a"));
    assert!(
        start(&dispatcher, StartFor::Call).is_none(),
        "the environment that is starting serves the call that is left"
    );
    assert_eq!(initialize(&dispatcher, two).as_deref(), Some("b"));
    let (c, _c) = call("c");
    assert!(
        matches!(dispatcher.place(c), Placement::Start),
        "the place of the start that was not made is free again"
    );
}

#[test]
fn a_start_for_a_caller_that_has_gone_is_not_made() {
    let dispatcher = Dispatcher::new(1, 0, 1);
    let (a, outcome) = call("a");
    assert!(matches!(dispatcher.place(a), Placement::Start));
    drop(outcome);
    assert!(start(&dispatcher, StartFor::Call).is_none());
}

#[test]
fn a_call_for_which_an_environment_starts_is_made_even_if_its_caller_goes() {
    let dispatcher = Dispatcher::new(1, 0, 1);
    let (a, outcome) = call("a");
    assert!(matches!(dispatcher.place(a), Placement::Start));
    let (one, _mail) = start(&dispatcher, StartFor::Call).unwrap();
    drop(outcome);
    assert_eq!(initialize(&dispatcher, one).as_deref(), Some("a"));
}

#[test]
fn calls_share_the_places_of_an_environment_that_is_starting() {
    let dispatcher = Dispatcher::new(2, 0, 2);
    for (id, starts) in [("a", true), ("b", false), ("c", true)] {
        let placement = dispatcher.place(call(id).0);
        assert_eq!(matches!(placement, Placement::Start), starts, "{id}");
    }
}

#[test]
fn a_call_waits_for_a_provisioned_environment_that_is_starting() {
    let dispatcher = Dispatcher::new(2, 0, 1);
    assert!(dispatcher.reserve());
    let (one, _mail) = start(&dispatcher, StartFor::Provisioned).unwrap();
    let (a, _a) = call("a");
    assert!(matches!(dispatcher.place(a), Placement::Queued));
    assert_eq!(initialize(&dispatcher, one).as_deref(), Some("a"));
}

#[tokio::test]
async fn closing_ends_starts_whose_turn_has_not_come() {
    let dispatcher = Dispatcher::new(1, 0, 1);
    let (a, _a) = call("a");
    assert!(matches!(dispatcher.place(a), Placement::Start));
    let starting = async {
        dispatcher.closing().await;
        assert!(start(&dispatcher, StartFor::Call).is_none());
    };
    tokio::join!(dispatcher.close(), starting);
}

#[tokio::test]
async fn closing_stops_all_environments_refuses_all_calls_and_waits_for_the_last_to_end() {
    let dispatcher = Dispatcher::new(1, 1, 1);
    let (one, mut mail) = environment(&dispatcher);
    let (waiting, outcome) = call("waiting");
    assert!(matches!(dispatcher.place(waiting), Placement::Queued));
    let leaving = async {
        assert!(matches!(mail.recv().await, Some(Message::Stop)));
        dispatcher.leave(one);
    };
    tokio::join!(dispatcher.close(), leaving);
    assert!(matches!(
        outcome.await.unwrap(),
        Reply::Whole(outcome) if outcome.result == Err(InvokeError::ShuttingDown)
    ));
    let (late, _outcome) = call("late");
    assert!(matches!(
        dispatcher.place(late),
        Placement::Refused(InvokeError::ShuttingDown)
    ));
}

#[test]
fn calls_wait_for_the_environment_beside_which_no_other_one_can_live() {
    let dispatcher = Dispatcher::new(4, 0, 1);
    let (one, mut mail_of_one) = environment(&dispatcher);
    for id in ["a", "b", "c"] {
        assert!(matches!(dispatcher.place(call_of(id)), Placement::Start));
    }
    let (two, _mail) = start(&dispatcher, StartFor::Call).unwrap();
    let (three, _mail) = start(&dispatcher, StartFor::Call).unwrap();
    assert_eq!(dispatcher.give_way(two), Way::Given { is_first: true });
    assert_eq!(dispatcher.give_way(three), Way::Given { is_first: false });
    assert!(
        start(&dispatcher, StartFor::Call).is_none(),
        "a reserved place is given back"
    );
    assert!(!dispatcher.leave(two) && !dispatcher.leave(three));
    for id in ["a", "b", "c"] {
        assert_eq!(next(dispatcher.release(one, false)).as_deref(), Some(id));
    }
    assert!(matches!(
        dispatcher.place(call_of("d")),
        Placement::Refused(InvokeError::Throttled)
    ));
    dispatcher.put_back(call_of("returned"));
    assert_eq!(
        next(dispatcher.release(one, false)).as_deref(),
        Some("returned")
    );
    assert!(matches!(dispatcher.release(one, false), Next::Wait));
    dispatcher.put_back(call_of("returned again"));
    assert!(matches!(mail_of_one.try_recv(), Ok(Message::Invoke(_))));
    assert_eq!(dispatcher.give_way(one), Way::Alone);
}

#[test]
fn further_environments_are_tried_when_the_others_have_ended_or_the_code_has_changed() {
    for ends in [true, false] {
        let dispatcher = Dispatcher::new(2, 9, 1);
        let (one, _mail) = environment(&dispatcher);
        assert!(matches!(dispatcher.place(call_of("a")), Placement::Start));
        let (two, _mail) = start(&dispatcher, StartFor::Call).unwrap();
        assert_eq!(dispatcher.give_way(two), Way::Given { is_first: true });
        assert!(!dispatcher.leave(two));
        assert!(matches!(dispatcher.place(call_of("b")), Placement::Queued));
        if ends {
            assert!(dispatcher.leave(one), "the waiting calls need one");
        } else {
            dispatcher.retire();
        }
        assert!(matches!(dispatcher.place(call_of("c")), Placement::Start));
    }
}

#[tokio::test]
async fn closing_waits_for_environments_that_have_given_way() {
    let dispatcher = Dispatcher::new(2, 0, 1);
    let (one, _mail) = environment(&dispatcher);
    assert!(dispatcher.reserve());
    let (two, _mail) = start(&dispatcher, StartFor::Provisioned).unwrap();
    assert_eq!(dispatcher.give_way(two), Way::Given { is_first: true });
    assert!(!dispatcher.leave(one));
    let closed = dispatcher.close();
    tokio::pin!(closed);
    let early = tokio::time::timeout(Duration::ZERO, closed.as_mut()).await;
    assert!(early.is_err(), "one has not ended yet");
    dispatcher.leave(two);
    closed.await;
}

#[test]
fn an_environment_in_its_init_phase_ends_at_once_when_the_code_changes() {
    let dispatcher = Dispatcher::new(1, 10, 1);
    assert!(matches!(dispatcher.place(call_of("a")), Placement::Start));
    let (old, mut mail) = start(&dispatcher, StartFor::Call).unwrap();
    dispatcher.retire();
    assert!(matches!(mail.try_recv(), Ok(Message::Retire)));
    assert!(dispatcher.leave(old), "its call needs another one");
    let (new, _mail) = start(&dispatcher, StartFor::Call).unwrap();
    assert_eq!(initialize(&dispatcher, new).as_deref(), Some("a"));
}

#[test]
fn a_call_at_a_breakpoint_of_old_code_does_not_keep_new_code_from_starting() {
    let mut dispatcher = Dispatcher::new(1, 10, 1);
    dispatcher.counts_retiring = false;
    let (old, _old_mail) = environment(&dispatcher);
    assert!(matches!(dispatcher.place(call_of("a")), Placement::Queued));
    dispatcher.retire();
    assert!(dispatcher.needs_another(), "for the call that waits");
    assert!(matches!(dispatcher.place(call_of("b")), Placement::Queued));
    let (new, _mail) = start(&dispatcher, StartFor::Call).unwrap();
    assert!(matches!(dispatcher.release(old, false), Next::End));
    assert!(!dispatcher.leave(old), "one is enough");
    assert_eq!(initialize(&dispatcher, new).as_deref(), Some("a"));
}
