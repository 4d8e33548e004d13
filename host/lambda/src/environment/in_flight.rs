//! An invocation in flight: its call, its result so far, and the channel to its caller.
//!
//! A caller gets exactly one reply: an outcome, or a stream, whose end is sent exactly once as well. If the value is
//! dropped instead, the caller's channel closes, which means that the host is shutting down.

use std::time::{Duration, Instant};

use bytes::Bytes;
use lambkin_model::{
    FunctionError, FunctionErrorKind, Invocation, InvokeError, Outcome, RequestId,
};
use tokio::sync::oneshot;

use crate::call::{Call, Reply, ResponseStream, StreamEnd, StreamError, shutting_down};
use crate::clock::Deadline;
use crate::function_error;
use crate::log::ReportStatus;
use crate::runtime_api::session::{RuntimeResponse, StreamingResponse, Timing};

/// An invocation in flight.
pub(super) struct InFlight {
    /// Identifies the delivery of the event among all deliveries of the environment.
    pub delivery_id: u64,
    pub invocation: Invocation,
    pub wants_stream: bool,
    /// When the event was delivered. The function's timeout starts here.
    pub began: Instant,
    pub deadline: Deadline,
    /// The duration of the init phase, if this is the first invocation after it and it succeeded.
    pub init: Option<Duration>,
    /// When the runtime responded.
    pub timing: Option<Timing>,
    /// When the runtime requested its next event.
    pub runtime_done: Option<Instant>,
    /// Whether it was announced to the dispatcher that this environment will soon be idle.
    pub announced_idle: bool,
    result: Option<Result<Bytes, InvokeError>>,
    stream_error: Option<StreamError>,
    answer: Option<oneshot::Sender<Reply>>,
    end_of_stream: Option<oneshot::Sender<StreamEnd>>,
}

impl InFlight {
    pub(super) fn new(
        call: Call,
        delivery_id: u64,
        deadline: Deadline,
        init: Option<Duration>,
    ) -> Self {
        Self {
            delivery_id,
            invocation: call.invocation,
            wants_stream: call.wants_stream,
            began: Instant::now(),
            deadline,
            init,
            timing: None,
            runtime_done: None,
            announced_idle: false,
            result: None,
            stream_error: None,
            answer: Some(call.answer),
            end_of_stream: None,
        }
    }

    /// The call, if its caller has got no answer.
    pub(super) fn into_call(self) -> Option<Call> {
        Some(Call {
            invocation: self.invocation,
            wants_stream: self.wants_stream,
            answer: self.answer?,
        })
    }

    pub(super) fn id(&self) -> &RequestId {
        &self.invocation.request_id
    }

    pub(super) fn has_result(&self) -> bool {
        self.result.is_some()
    }

    /// The runtime has started to stream its response: sends the stream to the caller.
    pub(super) fn start_stream(&mut self, response: StreamingResponse) {
        let Some(answer) = self.answer.take() else {
            return;
        };
        let (sender, end) = oneshot::channel();
        self.end_of_stream = Some(sender);
        let _ = answer.send(Reply::Stream(ResponseStream {
            content_type: response.content_type,
            chunks: response.chunks,
            end,
        })); // the caller went away
    }

    /// The runtime has responded: sets the result.
    pub(super) fn set_response(&mut self, response: RuntimeResponse, timing: Timing) {
        self.timing = Some(timing);
        let error = match response {
            RuntimeResponse::Response(payload) | RuntimeResponse::Streamed(payload, None) => {
                self.result = Some(Ok(payload));
                return;
            }
            RuntimeResponse::Streamed(_, Some(error)) => {
                let reported = function_error::reported(error.payload.clone());
                self.stream_error = Some(error);
                reported
            }
            RuntimeResponse::Error(payload) => function_error::reported(payload),
            RuntimeResponse::TooLarge => function_error::response_too_large(),
            RuntimeResponse::Truncated => function_error::truncated_response(self.id()),
            RuntimeResponse::InvalidMode => function_error::invalid_response_mode(self.id()),
        };
        self.fail(error);
    }

    /// There will be no response: sets the error, unless there is a result already.
    pub(super) fn fail(&mut self, error: FunctionError) {
        self.result.get_or_insert(Err(InvokeError::Function(error)));
    }

    /// The status for REPORT. An error that the runtime reported is a success for the platform.
    pub(super) fn status(&self) -> ReportStatus<'static> {
        match &self.result {
            Some(Err(InvokeError::Function(error))) => match error.kind {
                FunctionErrorKind::Platform(error_type) => ReportStatus::Error(error_type),
                FunctionErrorKind::TimedOut => ReportStatus::TimedOut,
                FunctionErrorKind::Reported | FunctionErrorKind::ReportedInInit => {
                    ReportStatus::Success
                }
            },
            _ => ReportStatus::Success,
        }
    }

    /// Sends the result to the caller, if there is one and it has not been sent.
    pub(super) fn send_result(&mut self, log_tail: Option<Bytes>) {
        let Some(result) = &self.result else {
            return;
        };
        if let Some(end) = self.end_of_stream.take() {
            let error = self.stream_error.take().or_else(|| stream_error(result));
            let _ = end.send(StreamEnd { error, log_tail }); // the caller went away
        } else if let Some(answer) = self.answer.take() {
            let result = result.clone();
            let outcome = Outcome { result, log_tail };
            let _ = answer.send(Reply::Whole(outcome)); // the caller went away
        }
    }

    /// The host is shutting down: sends that error to the caller.
    pub(super) fn abandon(mut self) {
        if let Some(answer) = self.answer.take() {
            let _ = answer.send(shutting_down()); // the caller went away
        }
    }
}

/// The error for the end of a stream.
fn stream_error(result: &Result<Bytes, InvokeError>) -> Option<StreamError> {
    let Err(InvokeError::Function(error)) = result else {
        return None;
    };
    let error_type = match error.kind {
        FunctionErrorKind::Platform(error_type) => error_type,
        FunctionErrorKind::TimedOut => function_error::TIMED_OUT,
        FunctionErrorKind::Reported | FunctionErrorKind::ReportedInInit => "Unhandled",
    };
    Some(StreamError {
        error_type: error_type.to_owned(),
        payload: error.payload.clone(),
    })
}
