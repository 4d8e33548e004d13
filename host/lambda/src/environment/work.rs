//! One invocation as its environment sees it: what was asked, what has come of it, and who is to be told.
//!
//! A caller is answered exactly once: with a whole outcome, or with a stream whose end is told exactly once as well.
//! If the work is dropped instead, the caller sees its channel close, which it takes for the end of the host.

use std::time::{Duration, Instant};

use bytes::Bytes;
use lambkin_model::{
    FunctionError, FunctionErrorKind, Invocation, InvokeError, Outcome, RequestId,
};
use tokio::sync::oneshot;

use crate::call::{Call, Reply, ResponseStream, StreamEnd, StreamError, refused};
use crate::function_error;
use crate::log::ReportStatus;
use crate::runtime_api::session::{RuntimeResponse, StreamingResponse, Timing};

/// An invocation under way.
pub(super) struct Work {
    /// Tells it apart from other attempts in the same life.
    pub attempt: u64,
    pub invocation: Invocation,
    pub wants_stream: bool,
    /// When the event was handed over; the function's time-out counts from here.
    pub began: Instant,
    pub deadline: Instant,
    /// The init phase this invocation waited for, if it went well.
    pub init: Option<Duration>,
    /// When the runtime answered.
    pub timing: Option<Timing>,
    /// When the runtime asked for its next event.
    pub runtime_done: Option<Instant>,
    /// Whether the dispatcher was told to expect this environment soon.
    pub settled: bool,
    result: Option<Result<Bytes, InvokeError>>,
    stream_error: Option<StreamError>,
    answer: Option<oneshot::Sender<Reply>>,
    end_of_stream: Option<oneshot::Sender<StreamEnd>>,
}

impl Work {
    pub(super) fn new(call: Call, attempt: u64, timeout: Duration, init: Option<Duration>) -> Self {
        let began = Instant::now();
        Self {
            attempt,
            invocation: call.invocation,
            wants_stream: call.wants_stream,
            began,
            deadline: began + timeout,
            init,
            timing: None,
            runtime_done: None,
            settled: false,
            result: None,
            stream_error: None,
            answer: Some(call.answer),
            end_of_stream: None,
        }
    }

    pub(super) fn id(&self) -> &RequestId {
        &self.invocation.request_id
    }

    pub(super) fn has_result(&self) -> bool {
        self.result.is_some()
    }

    /// The runtime has begun to stream: the caller gets what there is and what will come.
    pub(super) fn stream(&mut self, streaming: StreamingResponse) {
        let Some(answer) = self.answer.take() else {
            return;
        };
        let (sender, end) = oneshot::channel();
        self.end_of_stream = Some(sender);
        let _the_caller_went_away = answer.send(Reply::Stream(ResponseStream {
            content_type: streaming.content_type,
            chunks: streaming.chunks,
            end,
        }));
    }

    /// The runtime has answered.
    pub(super) fn answered(&mut self, answer: RuntimeResponse, timing: Timing) {
        self.timing = Some(timing);
        let error = match answer {
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

    /// There will be no answer. One that has been given stays.
    pub(super) fn fail(&mut self, error: FunctionError) {
        self.result.get_or_insert(Err(InvokeError::Function(error)));
    }

    /// How it ended, as REPORT says it. A handler's own error is a success of the platform's.
    pub(super) fn end(&self) -> ReportStatus<'static> {
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

    /// Tells the caller, if it has not been told and there is something to tell.
    pub(super) fn hand_out(&mut self, log_tail: Option<Bytes>) {
        let Some(result) = &self.result else {
            return;
        };
        if let Some(end) = self.end_of_stream.take() {
            let error = self.stream_error.take().or_else(|| stream_error(result));
            let _the_caller_went_away = end.send(StreamEnd { error, log_tail });
        } else if let Some(answer) = self.answer.take() {
            let result = result.clone();
            let _the_caller_went_away = answer.send(Reply::Whole(Outcome { result, log_tail }));
        }
    }

    /// The host stops.
    pub(super) fn abandon(mut self) {
        if let Some(answer) = self.answer.take() {
            let _the_caller_went_away =
                answer.send(Reply::Whole(refused(InvokeError::ShuttingDown)));
        }
    }
}

/// What the end of a stream says of a failure.
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
