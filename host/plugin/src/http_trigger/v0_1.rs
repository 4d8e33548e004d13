//! `lambkin:http-trigger@0.1.x`: converts between the contract's types and the host's.
//!
//! Arguments are borrowed from the host's values, so they are only copied into the guest. Results are moved.

use std::time::Duration;

use lambkin_model::{Body, HttpRequest, HttpResponse};

use self::bindings::exports::lambkin::http_trigger::shaper as wit;
use super::check;
use super::types::{Decision, Setup, Shaped};
use crate::adapter::{Adapter, ExportedInterface, Function, TypeCheck};
use crate::caller::Call;

use crate::error::{ConfigureError, PluginError, Problem};
use crate::limits::{MAX_WARNINGS, SHAPER};
use crate::outcome::TriggerOutcome;
use crate::text::quote;

/// The key of `extra` for a warning.
const WARNING: &str = "warning";

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

/// The functions of a component that exports this version.
#[derive(Debug)]
pub(crate) struct Shaper {
    configure: Function,
    shape: Function,
    respond: Function,
}

impl Adapter for Shaper {
    fn find(exports: &ExportedInterface<'_>) -> Result<Self, String> {
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
        call: &Call<'_>,
        config: &str,
    ) -> Result<Setup, ConfigureError> {
        let arguments: ConfigureArguments<'_> = (config,);
        let (result,): ConfigureResult = call.run(&SHAPER, &self.configure, arguments).await?;
        let result = result
            .map(|setup| check::setup(setup.into()))
            .map_err(|problems| problems.into_iter().map(Problem::from).collect());
        call.configured(result)
    }

    pub(super) async fn shape(
        &self,
        call: &Call<'_>,
        setup: &Setup,
        request: &HttpRequest,
    ) -> Result<Decision, PluginError> {
        let headers: Vec<_> = request
            .headers
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let arguments: ShapeArguments<'_> = (&setup.state, borrowed(request, &headers));
        let bounds = SHAPER.for_input(setup.state.len() + request.size());
        let (result,): ShapeResult = call.run(&bounds, &self.shape, arguments).await?;
        let decision = match call.reported(result)? {
            wit::Decision::Reply(response) => check::response(response.into()).map(Decision::Reply),
            wit::Decision::Invoke(invocation) => {
                check::shaped(invocation.into(), setup).map(Decision::Invoke)
            }
        };
        call.checked(decision)
    }

    pub(super) async fn respond(
        &self,
        call: &Call<'_>,
        setup: &Setup,
        token: &str,
        outcome: &TriggerOutcome,
    ) -> Result<(HttpResponse, Vec<String>), PluginError> {
        let arguments: RespondArguments<'_> = (&setup.state, token, outcome.into());
        let bounds = SHAPER.for_input(setup.state.len() + token.len() + outcome.size());
        let (result,): RespondResult = call.run(&bounds, &self.respond, arguments).await?;
        let mut response = call.reported(result)?;
        let extra = std::mem::take(&mut response.extra);
        let warnings = extra.into_iter().filter(|(key, _)| key == WARNING);
        let warnings = warnings.map(|(_, text)| quote(&text)).take(MAX_WARNINGS);
        let response = call.checked(check::response(response.into()))?;
        Ok((response, warnings.collect()))
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
