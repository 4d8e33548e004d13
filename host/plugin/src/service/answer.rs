//! Handles one request with a service.
//!
//! The guest runs in its caller's task until its response can be forwarded. The moment depends on what the guest does
//! and not on the speed of the machine, so that clients see the same response on an idle and on a busy one:
//!
//! - A response is forwarded when the guest has ended. It is complete, with a known length, or the client gets an
//!   error.
//! - It is forwarded before that if the guest has begun it and then waits: for a time, for the store, for more of the
//!   request. The same holds when its body exceeds [`limits::WHOLE_ANSWER_BYTES`]. The guest then moves to a task of
//!   its own, and the client receives the rest while the guest writes it. A failure truncates the body.
//! - A response that declares a `Content-Length` within that limit, and any response to `HEAD`, is never forwarded
//!   early.
//!
//! Dropping the future of [`Service::answer`], or the body of its result, drops the guest and everything it holds, so
//! a client that disconnects leaves nothing running.

use std::fmt::Display;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HOST, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime_wasi::runtime;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::p2::bindings::http::types::Scheme;

use super::body::{IsIncomplete, ReadProgress, RequestBody, StreamedBody};
use super::handler::GuestResponse;
use super::service_role::{Client, Service, ServiceBody};
use crate::error::{CallError, ContractError, PluginError};
use crate::limits;
use crate::state::State;
use crate::text::quote;

/// The header with the client's address for the service. One that the client sent is replaced.
const PEER: &str = "x-lambkin-peer";

/// The header of a request that a foreign page has made. One that the client sent is removed.
const FOREIGN_PAGE: &str = "x-lambkin-foreign-page";

impl Service {
    /// Handles a request.
    ///
    /// # Errors
    ///
    /// The plugin failed before its response was forwarded, or could not be run. Answer the client with 500; with 503
    /// for [`CallError::Host`]; with 400 for [`CallError::IncompleteRequest`], whose cause is the client's own body.
    /// A failure after the response was forwarded truncates the body.
    pub async fn answer<B>(
        &self,
        request: Request<B>,
        client: impl Into<Client>,
    ) -> Result<Response<ServiceBody>, PluginError>
    where
        B: Body<Data = Bytes, Error: Display> + Send + Unpin + 'static,
    {
        let incomplete = IsIncomplete::default();
        let call = self.caller().begin("handle", None);
        let answered = self
            .try_answer(request, client.into(), incomplete.clone())
            .await;
        answered.map_err(|error| {
            if incomplete.get() {
                call.error(CallError::IncompleteRequest)
            } else {
                error
            }
        })
    }

    async fn try_answer<B>(
        &self,
        request: Request<B>,
        client: Client,
        incomplete: IsIncomplete,
    ) -> Result<Response<ServiceBody>, PluginError>
    where
        B: Body<Data = Bytes, Error: Display> + Send + Unpin + 'static,
    {
        let call = self.caller().begin("handle", None);
        let is_head = request.method() == Method::HEAD;
        let (answered, mut answer) = oneshot::channel();
        let scheme = if client.is_encrypted {
            Scheme::Https
        } else {
            Scheme::Http
        };
        let request = prepared(request, client);
        let request = request.map(|body| RequestBody::new(body, limits::BODY_IDLE, incomplete));
        let waits = Arc::new(AtomicBool::new(false));
        let handled = handle(
            self.clone(),
            (scheme, request),
            answered,
            Arc::clone(&waits),
        );
        let mut guest = Guest {
            state: GuestState::Running(Box::pin(handled)),
            waits,
        };
        // The guest only sends its response while it is polled.
        let mut head = None;
        poll_fn(|context| {
            let ended = guest.poll(context);
            head = head.take().or_else(|| answer.try_recv().ok());
            if head.is_some() {
                Poll::Ready(())
            } else {
                ended
            }
        })
        .await;
        let Some(head) = head else {
            guest.result()?;
            return Err(call.error(ContractError::from("it returned without an answer")));
        };
        let (head, body) = checked(head)
            .map_err(|cause| call.error(cause))?
            .into_parts();
        let declared = head.headers.get(CONTENT_LENGTH).filter(|_| !is_head);
        let is_held = is_head || is_short(declared);
        let gathered = gather(body, guest, is_held).await;
        let body = if gathered.is_whole() {
            let whole = gathered.whole(declared)?;
            call.checked(whole)?
        } else {
            self.streamed(gathered)
        };
        Ok(Response::from_parts(head, body))
    }
}

/// A running guest.
struct Guest {
    state: GuestState,
    /// Whether it waits for something other than the processor or the reader of its response; set by [`observe`].
    waits: Arc<AtomicBool>,
}

enum GuestState {
    Running(Pin<Box<dyn Future<Output = Result<(), PluginError>> + Send>>),
    Ended(Result<(), PluginError>),
}

impl Guest {
    /// Ready when the guest has ended. It may be polled again after that.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let GuestState::Running(future) = &mut self.state {
            self.state = GuestState::Ended(ready!(future.as_mut().poll(context)));
        }
        Poll::Ready(())
    }

    fn has_ended(&self) -> bool {
        matches!(self.state, GuestState::Ended(_))
    }

    fn waits(&self) -> bool {
        !self.has_ended() && self.waits.load(Ordering::Relaxed)
    }

    /// The result of the guest; `Ok` if it is still running.
    fn result(self) -> Result<(), PluginError> {
        match self.state {
            GuestState::Running(_) => Ok(()),
            GuestState::Ended(result) => result,
        }
    }

    async fn end(mut self) -> Result<(), PluginError> {
        poll_fn(|context| self.poll(context)).await;
        self.result()
    }
}

/// Polls a future and records whether it waits. A future that asks to be polled again at once, as a guest does at the
/// end of its time slice, does not wait.
async fn observe<F: Future>(future: F, waits: &AtomicBool) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let observer = Arc::new(Observer {
            waker: context.waker().clone(),
            woken: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&observer));
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        let waits_now = polled.is_pending() && !observer.woken.load(Ordering::Relaxed);
        waits.store(waits_now, Ordering::Relaxed);
        polled
    })
    .await
}

/// Wakes a task and remembers that it did.
struct Observer {
    waker: Waker,
    woken: AtomicBool,
}

impl Wake for Observer {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        self.waker.wake_by_ref();
    }
}

/// Adds what the contract requires: a host, the client's address, and the mark of a foreign page.
fn prepared<B>(mut request: Request<B>, client: Client) -> Request<B> {
    let headers = request.headers_mut();
    let host = headers.get(HOST).map(HeaderValue::to_str);
    if !matches!(host, Some(Ok(_))) {
        headers.insert(HOST, HeaderValue::from_static("localhost"));
    }
    if let Ok(peer) = HeaderValue::try_from(client.peer.ip().to_string()) {
        headers.insert(PEER, peer);
    }
    if client.is_foreign_page {
        headers.insert(FOREIGN_PAGE, HeaderValue::from_static("true"));
    } else {
        headers.remove(FOREIGN_PAGE);
    }
    request
}

/// Runs a guest from its start to its end.
async fn handle<B>(
    service: Service,
    request: (Scheme, Request<RequestBody<B>>),
    answered: oneshot::Sender<GuestResponse>,
    waits: Arc<AtomicBool>,
) -> Result<(), PluginError>
where
    B: Body<Data = Bytes, Error: Display> + Send + Unpin + 'static,
{
    let handler = service.handler();
    let work = async move |store: &mut Store<State>| {
        observe(handler.call(store, request, answered), &waits).await
    };
    service
        .caller()
        .begin("handle", None)
        .run_in_store(service.capabilities(), &limits::SERVICE, work)
        .await
}

fn invalid(reason: String) -> CallError {
    ContractError(reason).into()
}

/// Checks the status and the number of headers.
fn checked(head: GuestResponse) -> Result<Response<WasiBody>, CallError> {
    let head = head.map_err(|code| CallError::Reported(quote(&code.to_string())))?;
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

/// Whether a response is short enough to be forwarded only when it is complete.
fn is_short(declared: Option<&HeaderValue>) -> bool {
    let length = declared.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    length.is_some_and(|length| length <= limits::WHOLE_ANSWER_BYTES)
}

/// The part of a response's body that is known when the response is forwarded.
struct Gathered {
    guest: Guest,
    read: BytesMut,
    rest: WasiBody,
    /// How the body ended, if it has.
    end: Option<Result<(), wasmtime_wasi_http::Error>>,
}

/// Runs a guest and reads what it writes until the response can be forwarded; if `is_held`, until it is complete.
async fn gather(rest: WasiBody, guest: Guest, is_held: bool) -> Gathered {
    let mut gathered = Gathered {
        guest,
        read: BytesMut::new(),
        rest,
        end: None,
    };
    poll_fn(|context| gathered.poll(context, is_held)).await;
    gathered
}

impl Gathered {
    fn poll(&mut self, context: &mut Context<'_>, is_held: bool) -> Poll<()> {
        loop {
            let guest_ended = self.guest.poll(context);
            let before = self.read.len();
            self.read(context);
            if self.read.len() > limits::WHOLE_ANSWER_BYTES {
                return Poll::Ready(());
            }
            if self.end.is_some() {
                return guest_ended;
            }
            // If the guest waited for its reader, it can continue now.
            if self.read.len() == before {
                let is_early = !is_held && self.guest.waits();
                return if is_early {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                };
            }
        }
    }

    /// Reads what is there.
    fn read(&mut self, context: &mut Context<'_>) {
        while self.end.is_none() && self.read.len() <= limits::WHOLE_ANSWER_BYTES {
            match Pin::new(&mut self.rest).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => self.read.extend(frame.into_data()),
                Poll::Ready(Some(Err(error))) => self.end = Some(Err(error)),
                Poll::Ready(None) => self.end = Some(Ok(())),
                Poll::Pending => return,
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.end.is_some() && self.guest.has_ended()
    }

    /// The body of a complete response. The inner error says how it breaks the contract.
    fn whole(
        self,
        declared: Option<&HeaderValue>,
    ) -> Result<Result<ServiceBody, ContractError>, PluginError> {
        self.guest.result()?;
        if let Some(Err(error)) = self.end {
            return Ok(Err(format!(
                "the body of the answer is not complete: {error}"
            )
            .into()));
        }
        let length = self.read.len();
        if let Some(declared) = declared.and_then(|length| length.to_str().ok())
            && declared != length.to_string()
        {
            return Ok(Err(format!(
                "the answer declares {} bytes of body and has {length}",
                quote(declared)
            )
            .into()));
        }
        Ok(Ok(full(self.read.freeze())))
    }
}

fn full(bytes: Bytes) -> ServiceBody {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

impl Service {
    /// The body of a response that is forwarded while the guest writes it.
    fn streamed(&self, gathered: Gathered) -> ServiceBody {
        let Gathered {
            guest, read, rest, ..
        } = gathered;
        let progress = Arc::new(ReadProgress::default());
        let watched = Arc::clone(&progress);
        let service = self.clone();
        let guest = runtime::spawn(async move {
            let call = service.caller().begin("handle", None);
            let result = tokio::select! {
                result = guest.end() => result,
                () = watched.stalled(limits::BODY_IDLE) => {
                    let idle = limits::BODY_IDLE.as_secs();
                    Err(call.error(CallError::Host(format!(
                        "the client has read nothing of the answer for {idle} s"
                    ))))
                }
            };
            if let Err(error) = &result {
                tracing::error!("{error}; the answer is broken off");
            }
            result
        });
        let answer = StreamedBody {
            read: read.freeze(),
            rest,
            guest,
            progress,
        };
        answer.boxed_unsync()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn a_client_cannot_forge_what_the_host_adds() {
        let peer = SocketAddr::from(([192, 0, 2, 1], 80));
        for (is_foreign_page, mark) in [(false, None), (true, Some("true"))] {
            let request = Request::builder()
                .header(PEER, "198.51.100.1")
                .header(FOREIGN_PAGE, "perhaps")
                .header(FOREIGN_PAGE, "no")
                .body(())
                .unwrap();
            let client = Client {
                peer,
                is_foreign_page,
                is_encrypted: false,
            };
            let prepared = prepared(request, client);
            let values = |name| {
                let values = prepared.headers().get_all(name).iter();
                values
                    .map(|value| value.to_str().unwrap())
                    .collect::<Vec<_>>()
            };
            assert_eq!(values(PEER), ["192.0.2.1"]);
            assert_eq!(values(FOREIGN_PAGE), Vec::from_iter(mark));
        }
    }
}
