//! `lambkin:http-trigger@0.2.x`: converts between the contract's types and the host's.
//!
//! Arguments are borrowed from the host's values, so they are only copied into the guest. Results are moved.

use std::time::Duration;

use lambkin_model::{Body, HttpRequest, HttpResponse};

use super::check;
use super::types::{Answer, InvocationMode, NewConnection, Setup, Shaped, Step, Timer};
use crate::adapter::{Adapter, ExportedInterface, Function, TypeCheck};
use crate::bindings::{self, SurroundingsLists, http as wit};
use crate::caller::Call;
use crate::error::{ConfigureError, ContractError, PluginError, Problem};
use crate::fetch::{CacheEntry, Fetch, Resumption};
use crate::limits::{MAX_WARNINGS, SHAPER};
use crate::outcome::{Ending, TriggerOutcome};
use crate::surroundings::Surroundings;
use crate::text::quote;

/// The key of `extra` for a warning.
const WARNING: &str = "warning";
/// The key of `extra` for a line of information.
const NOTE: &str = "note";
/// The keys of `extra` for the connection that a response with status 101 opens.
const CONNECTION_ID: &str = "connection-id";
const CONNECTION_DATA: &str = "connection-data";
/// The key of `extra` for what the next request of a timer has.
const MEMORY: &str = "memory";
/// The key of a setup's `extra` of a plugin that answers requests whose body is broken.
const ANSWERS_BODY_ERRORS: &str = "answers-body-errors";
/// The key of a setup's `extra` for a timer.
const TIMER: &str = "timer";

type ConfigureArguments<'a> = (&'a str, wit::Surroundings<'a>);
type ConfigureResult = (Result<wit::Setup, Vec<wit::Problem>>,);
type ShapeArguments<'a> = (&'a str, wit::Request<'a>);
type StepResult = (Result<wit::Step, String>,);
type ResumeArguments<'a> = (&'a str, &'a str, wit::Outcome<'a>, Option<wit::Request<'a>>);

/// The functions of a component that exports this version.
#[derive(Debug)]
pub(crate) struct Shaper {
    configure: Function,
    shape: Function,
    resume: Function,
}

impl Adapter for Shaper {
    fn find(exports: &ExportedInterface<'_>) -> Result<Self, String> {
        Ok(Self {
            configure: exports.function("configure")?,
            shape: exports.function("shape")?,
            resume: exports.function("resume")?,
        })
    }

    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), String> {
        types.check::<ConfigureArguments<'_>, ConfigureResult>("configure", &self.configure)?;
        types.check::<ShapeArguments<'_>, StepResult>("shape", &self.shape)?;
        types.check::<ResumeArguments<'_>, StepResult>("resume", &self.resume)
    }
}

impl Shaper {
    pub(super) async fn configure(
        &self,
        call: &Call<'_>,
        config: &str,
        surroundings: &Surroundings,
    ) -> Result<Setup, ConfigureError> {
        let lists = SurroundingsLists::of(surroundings);
        let arguments: ConfigureArguments<'_> = (config, bindings::borrowed(surroundings, &lists));
        let (result,): ConfigureResult = call.run(&SHAPER, &self.configure, arguments).await?;
        let result = result
            .map(|setup| check::setup(setup.try_into()?))
            .map_err(|problems| problems.into_iter().map(Problem::from).collect());
        call.configured(result)
    }

    pub(super) async fn shape(
        &self,
        call: &Call<'_>,
        setup: &Setup,
        request: &HttpRequest,
    ) -> Result<Step, PluginError> {
        let lists = RequestLists::of(request);
        let arguments: ShapeArguments<'_> = (&setup.state, borrowed(request, &lists));
        let bounds = SHAPER.for_input(setup.state.len() + request.size());
        let (result,): StepResult = call.run(&bounds, &self.shape, arguments).await?;
        let step = call.reported(result)?.into();
        let must_reply = request
            .body
            .is_none()
            .then_some("a request whose body is too large or broken");
        call.checked(check::step(step, setup, must_reply))
    }

    pub(super) async fn resume(
        &self,
        call: &Call<'_>,
        setup: &Setup,
        token: &str,
        outcome: &TriggerOutcome,
        request: Option<&HttpRequest>,
    ) -> Result<Step, PluginError> {
        let lists = request.map(RequestLists::of).unwrap_or_default();
        let fetched = match &outcome.ending {
            Ending::Fetched(fetched) => bindings::pairs(&fetched.headers),
            _ => Vec::new(),
        };
        let arguments: ResumeArguments<'_> = (
            &setup.state,
            token,
            wit::Outcome {
                ending: ending(&outcome.ending, &fetched),
                at_ms: outcome.at_ms,
                cached: outcome.cached,
                extra: &[],
            },
            request.map(|request| borrowed(request, &lists)),
        );
        let request_bytes = request.map_or(0, HttpRequest::size);
        let input = setup.state.len() + token.len() + outcome.size() + request_bytes;
        let bounds = SHAPER.for_input(input);
        let (result,): StepResult = call.run(&bounds, &self.resume, arguments).await?;
        let step = call.reported(result)?.into();
        let must_reply =
            matches!(outcome.ending, Ending::StreamOpened(_)).then_some("a stream that has begun");
        call.checked(check::step(step, setup, must_reply))
    }
}

/// The lists that a borrowed request refers to.
#[derive(Default)]
struct RequestLists<'a> {
    headers: Vec<wit::Header<'a>>,
    extra: Vec<(&'a str, &'a str)>,
}

impl<'a> RequestLists<'a> {
    fn of(request: &'a HttpRequest) -> Self {
        let headers = request.headers.iter();
        let extra = request.extra.iter();
        Self {
            headers: headers
                .map(|header| wit::Header {
                    name: &header.name,
                    name_as_sent: header.name_as_sent.as_ref().unwrap_or(&header.name),
                    value: &header.value,
                })
                .collect(),
            extra: extra.map(|(key, value)| (*key, value.as_ref())).collect(),
        }
    }
}

/// A request for the plugin. `lists` are those of the same request.
fn borrowed<'a>(request: &'a HttpRequest, lists: &'a RequestLists<'a>) -> wit::Request<'a> {
    wit::Request {
        id: &request.id,
        trace_id: &request.trace_id,
        at_ms: request.at_ms,
        peer: &request.peer,
        scheme: request.scheme,
        port: request.port,
        protocol: &request.protocol,
        authority: &request.authority,
        method: &request.method,
        path: &request.path,
        query: &request.query,
        headers: &lists.headers,
        body: match &request.body {
            None => wit::RequestBody::TooLarge,
            Some(Body::Empty) => wit::RequestBody::Empty,
            Some(Body::Text(text)) => wit::RequestBody::Text(text),
            Some(Body::Binary(bytes)) => wit::RequestBody::Binary(bytes),
        },
        extra: &lists.extra,
    }
}

/// `headers` are those of [`Ending::Fetched`].
fn ending<'a>(ending: &'a Ending, headers: &'a [(&'a str, &'a str)]) -> wit::Ending<'a> {
    match ending {
        Ending::Completed(result) => wit::Ending::Completed(result),
        Ending::StreamOpened(head) => wit::Ending::StreamOpened(wit::StreamHead {
            prelude: head.prelude.as_deref(),
            content_type: head.content_type.as_deref(),
        }),
        Ending::Accepted => wit::Ending::Accepted,
        Ending::Failed { kind, payload } => {
            wit::Ending::Failed(wit::FunctionError { kind, payload })
        }
        Ending::TimedOut => wit::Ending::TimedOut,
        Ending::Expired => wit::Ending::Expired,
        Ending::Throttled => wit::Ending::Throttled,
        Ending::Unavailable(reason) => wit::Ending::Unavailable(reason),
        Ending::Fetched(fetched) => wit::Ending::Fetched(wit::Fetched {
            status: fetched.status,
            headers,
            body: &fetched.body,
        }),
    }
}

impl TryFrom<wit::Setup> for Setup {
    type Error = ContractError;

    fn try_from(setup: wit::Setup) -> Result<Self, ContractError> {
        let timers = setup.extra.iter().filter(|(key, _)| key == TIMER);
        let timers = timers.map(|(_, text)| Timer::read(text));
        Ok(Self {
            timers: timers.collect::<Result<_, _>>()?,
            state: setup.state,
            functions: setup.functions.into_iter().map(Into::into).collect(),
            max_body_bytes: setup.max_body_bytes as usize,
            reusable: setup.reusable,
            has_websockets: false,
            answers_body_errors: setup
                .extra
                .iter()
                .any(|(key, _)| key == ANSWERS_BODY_ERRORS),
            summary: setup.summary,
            warnings: setup.warnings,
        })
    }
}

impl From<wit::Step> for Step {
    fn from(step: wit::Step) -> Self {
        match step {
            wit::Step::Reply(response) => Self::Reply(response.into()),
            wit::Step::Invoke(invocation) => Self::Invoke(invocation.into()),
            wit::Step::Fetch(fetch) => Self::Fetch(fetch.into()),
        }
    }
}

impl From<wit::Response> for Answer {
    fn from(response: wit::Response) -> Self {
        let (mut warnings, mut notes) = (Vec::new(), Vec::new());
        let (mut id, mut data, mut memory) = (None, String::new(), None);
        for (key, text) in response.extra {
            match key.as_str() {
                WARNING if warnings.len() < MAX_WARNINGS => warnings.push(quote(&text)),
                NOTE if notes.len() < MAX_WARNINGS => notes.push(quote(&text)),
                CONNECTION_ID => id = Some(text),
                CONNECTION_DATA => data = text,
                MEMORY => memory = Some(text),
                _ => {}
            }
        }
        Self {
            warnings,
            notes,
            memory,
            connection: id.map(|id| NewConnection { id, data }),
            response: HttpResponse {
                status: response.status,
                reason: response.reason,
                headers: response.headers,
                body: match response.body {
                    wit::ResponseBody::Empty => Body::Empty,
                    wit::ResponseBody::Text(text) => Body::Text(text),
                    wit::ResponseBody::Binary(bytes) => Body::Binary(bytes.into()),
                },
            },
        }
    }
}

impl From<wit::Invocation> for Shaped {
    fn from(invocation: wit::Invocation) -> Self {
        Self {
            function: invocation.function,
            event: invocation.event,
            mode: match invocation.mode {
                wit::InvocationMode::Buffered => InvocationMode::Buffered,
                wit::InvocationMode::Streamed => InvocationMode::Streamed,
                wit::InvocationMode::Asynchronous => InvocationMode::Asynchronous,
            },
            wait: bindings::milliseconds(invocation.max_wait_ms),
            cache: invocation.cache.map(Into::into),
            resumption: Resumption {
                token: invocation.token,
                with_request: invocation.with_request,
            },
        }
    }
}

impl From<wit::Fetch> for Fetch {
    fn from(fetch: wit::Fetch) -> Self {
        Self {
            url: fetch.url,
            method: fetch.method,
            headers: fetch.headers,
            body: fetch.body.into(),
            wait: Duration::from_millis(fetch.max_wait_ms.into()),
            cache: fetch.cache.map(Into::into),
            resumption: Resumption {
                token: fetch.token,
                with_request: fetch.with_request,
            },
        }
    }
}

impl From<wit::Cache> for CacheEntry {
    fn from(cache: wit::Cache) -> Self {
        Self {
            key: cache.key,
            ttl: Duration::from_millis(cache.ttl_ms.into()),
        }
    }
}
