//! `lambkin:http-trigger@0.1.x`: the adapter between the contract's types and the host's.
//!
//! Arguments are borrowed from the host's own values, so nothing is copied but into the guest; results are moved.

use std::time::{Duration, Instant};

use lambkin_model::{Body, HttpRequest, HttpResponse};

use self::bindings::exports::lambkin::http_trigger::shaper as wit;
use super::check;
use super::{Decision, Setup, Shaped, TriggerOutcome};
use crate::call::{CallContext, Function, Runner};
use crate::check::{configured, granted, valid};
use crate::error::{ConfigureError, PluginError, Problem};
use crate::limits::SHAPER;
use crate::roles::{Adapter, Exports, TypeCheck};

#[allow(missing_docs, unused_qualifications, reason = "generated")]
#[allow(clippy::all, clippy::restriction, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/http-trigger",
        world: "http-trigger",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

type ConfigureArguments<'a> = (&'a str,);
type ConfigureResult = (Result<wit::Setup, Vec<wit::Problem>>,);
type ShapeArguments<'a> = (&'a str, wit::Request<'a>);
type ShapeResult = (Result<wit::Decision, String>,);
type RespondArguments<'a> = (&'a str, &'a str, wit::Outcome<'a>);
type RespondResult = (Result<wit::Response, String>,);

/// A component of this version, ready to be called.
#[derive(Debug)]
pub(crate) struct Shaper {
    configure: Function,
    shape: Function,
    respond: Function,
}

impl Adapter for Shaper {
    fn find(exports: &Exports<'_>) -> Result<Self, String> {
        Ok(Self {
            configure: exports.function("configure")?,
            shape: exports.function("shape")?,
            respond: exports.function("respond")?,
        })
    }

    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), String> {
        types.check::<ConfigureArguments<'_>, ConfigureResult>("configure", &self.configure)?;
        types.check::<ShapeArguments<'_>, ShapeResult>("shape", &self.shape)?;
        types.check::<RespondArguments<'_>, RespondResult>("respond", &self.respond)
    }
}

impl Shaper {
    pub(super) async fn configure(
        &self,
        runner: &Runner,
        context: &CallContext<'_>,
        config: &str,
    ) -> Result<Setup, ConfigureError> {
        let start = Instant::now();
        let arguments: ConfigureArguments<'_> = (config,);
        let (result,): ConfigureResult = runner
            .call(context, &SHAPER, &self.configure, arguments)
            .await?;
        let result = result
            .map(|setup| check::setup(setup.into()))
            .map_err(|problems| problems.into_iter().map(Problem::from).collect());
        configured(result, context, start)
    }

    pub(super) async fn shape(
        &self,
        runner: &Runner,
        context: &CallContext<'_>,
        setup: &Setup,
        request: &HttpRequest,
    ) -> Result<Decision, PluginError> {
        let start = Instant::now();
        let headers: Vec<_> = request
            .headers
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let arguments: ShapeArguments<'_> = (&setup.state, borrowed(request, &headers));
        let (result,): ShapeResult = runner
            .call(context, &SHAPER, &self.shape, arguments)
            .await?;
        let decision = match granted(result, context, start)? {
            wit::Decision::Reply(response) => check::response(response.into()).map(Decision::Reply),
            wit::Decision::Invoke(invocation) => {
                check::shaped(invocation.into(), setup).map(Decision::Invoke)
            }
        };
        valid(decision, context, start)
    }

    pub(super) async fn respond(
        &self,
        runner: &Runner,
        context: &CallContext<'_>,
        setup: &Setup,
        token: &str,
        outcome: &TriggerOutcome,
    ) -> Result<HttpResponse, PluginError> {
        let start = Instant::now();
        let arguments: RespondArguments<'_> = (&setup.state, token, outcome.into());
        let (result,): RespondResult = runner
            .call(context, &SHAPER, &self.respond, arguments)
            .await?;
        let response = granted(result, context, start)?;
        valid(check::response(response.into()), context, start)
    }
}

fn borrowed<'a>(request: &'a HttpRequest, headers: &'a [(&'a str, &'a str)]) -> wit::Request<'a> {
    wit::Request {
        id: &request.id,
        trace_id: &request.trace_id,
        at_ms: request.at_ms,
        peer: &request.peer,
        protocol: &request.protocol,
        authority: &request.authority,
        method: &request.method,
        path: &request.path,
        query: &request.query,
        headers,
        body: match &request.body {
            Body::Empty => wit::BodyParam::Empty,
            Body::Text(text) => wit::BodyParam::Text(text),
            Body::Binary(bytes) => wit::BodyParam::Binary(bytes),
        },
        extra: &[],
    }
}

impl<'a> From<&'a TriggerOutcome> for wit::Outcome<'a> {
    fn from(outcome: &'a TriggerOutcome) -> Self {
        match outcome {
            TriggerOutcome::Completed(result) => Self::Completed(result),
            TriggerOutcome::StreamOpened(prelude) => Self::StreamOpened(prelude),
            TriggerOutcome::Failed { kind, payload } => {
                Self::Failed(wit::FunctionError { kind, payload })
            }
            TriggerOutcome::TimedOut => Self::TimedOut,
            TriggerOutcome::Expired => Self::Expired,
            TriggerOutcome::Throttled => Self::Throttled,
            TriggerOutcome::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

impl From<wit::Setup> for Setup {
    fn from(setup: wit::Setup) -> Self {
        Self {
            state: setup.state,
            functions: setup.functions,
            max_body_bytes: setup.max_body_bytes as usize,
            summary: setup.summary,
        }
    }
}

impl From<wit::Problem> for Problem {
    fn from(problem: wit::Problem) -> Self {
        Self {
            at: problem.at,
            message: problem.message,
        }
    }
}

impl From<wit::Invocation> for Shaped {
    fn from(invocation: wit::Invocation) -> Self {
        Self {
            function: invocation.function,
            event: invocation.event,
            token: invocation.token,
            wait: invocation
                .max_wait_ms
                .map(|ms| Duration::from_millis(ms.into())),
            streaming: invocation.streaming,
        }
    }
}

impl From<wit::Response> for HttpResponse {
    fn from(response: wit::Response) -> Self {
        Self {
            status: response.status,
            headers: response.headers,
            body: match response.body {
                wit::BodyResult::Empty => Body::Empty,
                wit::BodyResult::Text(text) => Body::Text(text),
                wit::BodyResult::Binary(bytes) => Body::Binary(bytes.into()),
            },
        }
    }
}
