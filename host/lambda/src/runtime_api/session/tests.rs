use super::*;

fn event(delivery_id: u64, id: &str) -> Delivery {
    Arc::new(EventWithContext {
        delivery_id,
        request_id: RequestId::new(id),
        invocation_id: format!("delivery-{delivery_id}"),
        event: Bytes::new(),
        deadline_ms: 0,
        function_arn: String::new(),
        trace_id: String::new(),
        client_context: None,
        cognito_identity: None,
        tenant_id: None,
        wants_stream: false,
    })
}

fn post_head<'a>(id: &'a str, invocation_id: Option<&'a str>) -> PostHead<'a> {
    PostHead {
        request_id: id,
        invocation_id,
        kind: PostKind::Response,
    }
}

fn error_type(result: Result<PendingPost, ApiError>) -> &'static str {
    result
        .map(|post| post.finish(RuntimeResponse::Truncated, 0))
        .unwrap_err()
        .error_type
}

#[test]
fn a_response_to_another_delivery_is_too_late() {
    let (session, _events) = RuntimeSession::new(1);
    let _request = session.next().unwrap();
    session.deliver(event(2, "r"));
    let stale = session.begin_post(&post_head("r", Some("delivery-1")));
    assert_eq!(error_type(stale), "InvokeTimeout");
    assert!(
        session
            .begin_post(&post_head("r", Some("delivery-2")))
            .is_ok()
    );
}

#[test]
fn a_response_that_is_dropped_counts_as_truncated() {
    let (session, mut events) = RuntimeSession::new(1);
    let _request = session.next().unwrap();
    session.deliver(event(1, "r"));
    drop(session.begin_post(&post_head("r", None)).unwrap());
    assert!(matches!(events.try_recv(), Ok(RuntimeEvent::Ready)));
    assert!(matches!(
        events.try_recv(),
        Ok(RuntimeEvent::Responded(1, RuntimeResponse::Truncated, _))
    ));
}

#[tokio::test]
async fn the_next_event_may_be_requested_while_the_response_is_being_read() {
    let (session, _events) = RuntimeSession::new(1);
    let _request = session.next().unwrap();
    session.deliver(event(1, "r"));
    let post = session.begin_post(&post_head("r", None)).unwrap();
    let NextEvent::AfterResponse(response_read) = session.next().unwrap() else {
        panic!("expected to wait for the response");
    };
    post.finish(RuntimeResponse::Response(Bytes::new()), 0);
    assert!(response_read.await.is_err(), "the sender is dropped");
    assert!(matches!(session.next(), Ok(NextEvent::Later(_))));
}

#[test]
fn several_events_are_processed_concurrently_and_answered_in_any_order() {
    let (session, mut events) = RuntimeSession::new(2);
    let _one = session.next().unwrap();
    let _two = session.next().unwrap();
    assert_eq!(
        session.next().unwrap_err().error_type,
        "Runtime.TooManyIdleRuntimes"
    );
    session.deliver(event(1, "a"));
    session.deliver(event(2, "b"));
    let b = session.begin_post(&post_head("b", None)).unwrap();
    let a = session.begin_post(&post_head("a", None)).unwrap();
    b.finish(RuntimeResponse::Response(Bytes::new()), 0);
    a.finish(RuntimeResponse::Response(Bytes::new()), 0);
    assert!(matches!(events.try_recv(), Ok(RuntimeEvent::Ready)));
    assert!(matches!(
        events.try_recv(),
        Ok(RuntimeEvent::Responded(2, ..))
    ));
    assert!(matches!(
        events.try_recv(),
        Ok(RuntimeEvent::Responded(1, ..))
    ));
    assert_eq!(
        error_type(session.begin_post(&post_head("a", None))),
        "InvalidRequestID"
    );
}

#[test]
fn a_response_to_an_expired_event_is_too_late_and_the_others_continue() {
    let (session, _events) = RuntimeSession::new(2);
    let _one = session.next().unwrap();
    let _two = session.next().unwrap();
    session.deliver(event(1, "a"));
    session.deliver(event(2, "b"));
    session.expire(1);
    assert_eq!(
        error_type(session.begin_post(&post_head("a", None))),
        "InvokeTimeout"
    );
    assert!(session.begin_post(&post_head("b", None)).is_ok());
}

#[tokio::test]
async fn the_runtime_waits_for_the_restore_and_then_for_the_first_event() {
    let (session, mut events) = RuntimeSession::new(1);
    let restored = session.restore_next().unwrap();
    assert!(matches!(events.try_recv(), Ok(RuntimeEvent::RestoreReady)));
    assert!(
        session.next().is_err(),
        "next is refused before the restore"
    );
    session.restore();
    restored.await.unwrap();
    assert!(session.next().is_ok());
    assert!(matches!(events.try_recv(), Ok(RuntimeEvent::Ready)));
}
