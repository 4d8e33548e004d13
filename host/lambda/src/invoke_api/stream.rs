//! `InvokeWithResponseStream`: the answer as AWS's event stream, each piece as it comes.
//!
//! A stream is any number of `PayloadChunk`s and one `InvokeComplete`, which says what went wrong, if anything did. A
//! function that does not stream makes the same stream with all of its response at once. `Content-Type` is that of the
//! event stream; a type that the runtime gave its response is in `X-Amzn-Remapped-Content-Type`.
//!
//! A task of its own carries the pieces. A caller who goes away ends the sending and nothing else: the rest of the
//! response is read and dropped, and the function does not notice. A caller who reads slowly holds the function up, as
//! on AWS. If the host stops in the middle the connection breaks off, so that nobody takes a part for the whole.

use std::io;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use lambkin_http::{Body, Response};
use lambkin_model::{Failure, Invocation, Outcome};
use serde::Serialize;
use tokio::sync::mpsc;

use super::error::Error;
use super::frame::Event;
use super::response::set;
use crate::function::{Function, FunctionSpec, Reply, ResponseStream, StreamEnd, StreamError};
use crate::limits::{STREAM_BACKLOG_FRAMES, STREAM_CHUNK_BYTES};

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("application/vnd.amazon.eventstream");
const REMAPPED_TYPE: HeaderName = HeaderName::from_static("x-amzn-remapped-content-type");

/// What the failure of a function that had not begun to stream is called.
const UNHANDLED: &str = "Unhandled";

/// The last event's payload.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct InvokeComplete<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_details: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_result: Option<String>,
}

/// Invokes a function and answers with its stream.
pub(super) async fn invoke(
    function: &Arc<Function>,
    invocation: Invocation,
) -> Result<Response, Error> {
    answer(function.invoke_streaming(invocation).await, function.spec())
}

fn answer(reply: Reply, spec: &FunctionSpec) -> Result<Response, Error> {
    let (sender, frames) = mpsc::channel(STREAM_BACKLOG_FRAMES);
    let frames_to = Caller(sender);
    let mut response = Response::new(Body::Stream(frames));
    response.headers_mut().insert(CONTENT_TYPE, EVENT_STREAM);
    match reply {
        Reply::Whole(outcome) => {
            let (payload, end) = whole(outcome, spec)?;
            tokio::spawn(frames_to.send_all(payload, end));
        }
        Reply::Stream(stream) => {
            if let Some(content_type) = &stream.content_type {
                set(&mut response, REMAPPED_TYPE, content_type);
            }
            tokio::spawn(frames_to.forward(stream));
        }
    }
    Ok(response)
}

/// The stream of a response that came in one piece.
fn whole(outcome: Outcome, spec: &FunctionSpec) -> Result<(Bytes, StreamEnd), Error> {
    let (payload, error) = match outcome.result {
        Ok(payload) => (payload, None),
        Err(Failure::Function(fault)) => {
            let error = StreamError {
                error_type: UNHANDLED.to_owned(),
                payload: fault.payload,
            };
            (Bytes::new(), Some(error))
        }
        Err(failure) => return Err(Error::not_invoked(&failure, spec)),
    };
    let log_tail = outcome.log_tail;
    Ok((payload, StreamEnd { error, log_tail }))
}

/// Where the frames go.
#[derive(Debug)]
struct Caller(mpsc::Sender<io::Result<Bytes>>);

/// The caller has gone away.
#[derive(Debug)]
struct Gone;

impl Caller {
    async fn send_all(self, payload: Bytes, end: StreamEnd) {
        if self.send(payload).await.is_ok() {
            self.complete(&end).await;
        }
    }

    async fn forward(self, mut stream: ResponseStream) {
        let mut listens = true;
        while let Some(chunk) = stream.chunks.recv().await {
            // What nobody reads is still taken, so that the runtime can finish.
            listens = listens && self.send(chunk).await.is_ok();
        }
        match stream.end.await {
            Ok(end) => self.complete(&end).await,
            Err(_host_stops) => {
                let stopped = io::Error::other("the host is shutting down");
                let _nobody_listens = self.0.send(Err(stopped)).await;
            }
        }
    }

    async fn send(&self, mut payload: Bytes) -> Result<(), Gone> {
        while !payload.is_empty() {
            let piece = payload.split_to(payload.len().min(STREAM_CHUNK_BYTES));
            let frame = Event::PayloadChunk.frame(&piece);
            self.0.send(Ok(frame)).await.map_err(|_| Gone)?;
        }
        Ok(())
    }

    async fn complete(&self, end: &StreamEnd) {
        let details = end
            .error
            .as_ref()
            .map(|error| String::from_utf8_lossy(&error.payload));
        let complete = InvokeComplete {
            error_code: end.error.as_ref().map(|error| error.error_type.as_str()),
            error_details: details.as_deref(),
            log_result: end.log_tail.as_ref().map(|tail| BASE64.encode(tail)),
        };
        // Strings always serialise.
        let payload = serde_json::to_vec(&complete).unwrap_or_default();
        let frame = Event::InvokeComplete.frame(&payload);
        let _nobody_listens = self.0.send(Ok(frame)).await;
    }
}
