//! One request on its way through a service.
//!
//! The guest runs in its caller's task until it has ended, or has begun an answer that it goes on making. In the first
//! case, by far the more frequent, the answer is whole and its length known. In the second the guest moves to a task of
//! its own, and its client gets the body as it comes.
//!
//! Whoever drops the future of [`Service::answer`] or the body of its result drops the guest, and with it all it held: a
//! client that goes away keeps nothing busy.

use std::fmt::Display;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime_wasi::runtime;
use wasmtime_wasi_http::WasiBody;

use super::body::{self, Incomplete, Taken};
use super::handler::Answered;
use super::{Inner, Service, ServiceBody};
use crate::error::{Failure, Fault, PluginError};
use crate::limits;
use crate::state::State;
use crate::text::quote;

/// The header that tells a service its caller's address. What a caller says there does not reach the service.
const PEER: &str = "x-lambkin-peer";

type Guest = Pin<Box<dyn Future<Output = Result<(), PluginError>> + Send>>;

impl Service {
    /// Answers a request, body and all.
    ///
    /// # Errors
    ///
    /// The plugin misbehaved before it had begun to answer, or could not be run; the caller's answer is 500 or, for
    /// [`Failure::Host`], 503. If the caller's own body is to blame, [`Failure::Incomplete`], it is 400. Once it has begun,
    /// a failure breaks the body off.
    pub async fn answer<B>(
        &self,
        request: Request<B>,
        peer: SocketAddr,
    ) -> Result<Response<ServiceBody>, PluginError>
    where
        B: Body<Data = Bytes, Error: Display> + Send + Unpin + 'static,
    {
        let start = Instant::now();
        let incomplete = Incomplete::default();
        let answered = self.try_answer(request, peer, incomplete.clone()).await;
        answered.map_err(|error| match incomplete.is_so() {
            true => self.0.error(start, Failure::Incomplete),
            false => error,
        })
    }

    async fn try_answer<B>(
        &self,
        request: Request<B>,
        peer: SocketAddr,
        incomplete: Incomplete,
    ) -> Result<Response<ServiceBody>, PluginError>
    where
        B: Body<Data = Bytes, Error: Display> + Send + Unpin + 'static,
    {
        let start = Instant::now();
        let is_head = request.method() == Method::HEAD;
        let (answered, mut answer) = oneshot::channel();
        let request = prepared(request, peer);
        let request = request.map(|body| body::Request::new(body, limits::BODY_IDLE, incomplete));
        let handled = handle(Arc::clone(&self.0), request, answered);
        let mut guest: Guest = Box::pin(handled);
        let mut head = None;
        let ended = poll_fn(|context| {
            let polled = guest.as_mut().poll(context);
            // The guest answers while it is polled, and at no other time.
            head = head.take().or_else(|| answer.try_recv().ok());
            match polled {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending if head.is_some() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        });
        let ended = ended.await;
        let is_over = ended.is_some();
        ended.unwrap_or(Ok(()))?;
        let (head, body) = checked(head)
            .map_err(|failure| self.0.error(start, failure))?
            .into_parts();
        let body = match is_over {
            true => {
                let length = head.headers.get(CONTENT_LENGTH).filter(|_| !is_head);
                let whole = whole(body, length).await;
                whole.map_err(|reason| self.0.error(start, invalid(reason)))?
            }
            false => Arc::clone(&self.0).streamed(body, guest),
        };
        Ok(Response::from_parts(head, body))
    }
}

/// Makes a request fit for the contract: it has a host, and says who calls.
fn prepared<B>(mut request: Request<B>, peer: SocketAddr) -> Request<B> {
    let headers = request.headers_mut();
    let host = headers.get(HOST).map(HeaderValue::to_str);
    if !matches!(host, Some(Ok(_))) {
        headers.insert(HOST, HeaderValue::from_static("localhost"));
    }
    if let Ok(peer) = HeaderValue::try_from(peer.ip().to_string()) {
        headers.insert(PEER, peer);
    }
    request
}

/// Runs a guest from its start to its end.
async fn handle<B>(
    service: Arc<Inner>,
    request: Request<body::Request<B>>,
    answered: oneshot::Sender<Answered>,
) -> Result<(), PluginError>
where
    B: Body<Data = Bytes, Error: Display> + Send + Unpin + 'static,
{
    let handler = &service.handler;
    let work = async move |store: &mut Store<State>| handler.call(store, request, answered).await;
    let runner = service.plugin.runner();
    runner
        .run(&service.site(), &limits::SERVICE, service.given(), work)
        .await
}

fn invalid(reason: impl Into<String>) -> Failure {
    Failure::Faulted(Fault::Invalid(reason.into()))
}

/// Checks what the types of HTTP do not.
fn checked(head: Option<Answered>) -> Result<Response<WasiBody>, Failure> {
    let head = head.ok_or_else(|| invalid("it returned without an answer"))?;
    let head = head.map_err(|code| Failure::Refused(quote(&code.to_string())))?;
    let status = head.status();
    if status.is_informational() {
        return Err(invalid(format!(
            "the status is {}, and may be 200 to 999",
            status.as_u16()
        )));
    }
    let (count, max) = (head.headers().len(), limits::HEADER_COUNT);
    if count > max {
        return Err(invalid(format!(
            "the answer has {count} headers, and may have {max}"
        )));
    }
    Ok(head)
}

/// The body of a guest that has ended: all of it is there.
async fn whole(body: WasiBody, declared: Option<&HeaderValue>) -> Result<ServiceBody, String> {
    let collected = body.collect().await;
    let bytes =
        collected.map_err(|error| format!("the body of the answer is not complete: {error}"))?;
    let bytes = bytes.to_bytes();
    let declared = declared.and_then(|length| length.to_str().ok());
    if let Some(declared) = declared
        && declared != bytes.len().to_string()
    {
        let length = bytes.len();
        return Err(format!(
            "the answer declares {} bytes of body and has {length}",
            quote(declared)
        ));
    }
    Ok(Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync())
}

impl Inner {
    /// The body of a guest that goes on.
    fn streamed(self: Arc<Self>, body: WasiBody, guest: Guest) -> ServiceBody {
        let taken = Arc::new(Taken::default());
        let watched = Arc::clone(&taken);
        let guest = runtime::spawn(async move {
            let start = Instant::now();
            let result = tokio::select! {
                result = guest => result,
                () = watched.stalled(limits::BODY_IDLE) => {
                    let idle = limits::BODY_IDLE.as_secs();
                    Err(self.error(start, Failure::Host(format!(
                        "the client has taken nothing of the answer for {idle} s"
                    ))))
                }
            };
            if let Err(error) = &result {
                tracing::error!("{error}; the answer is broken off");
            }
            result
        });
        let answer = body::Answer { body, guest, taken };
        answer.boxed_unsync()
    }
}
