//! `lambkin:batch-trigger@0.1.x`: converts between the contract's types and the host's.
//!
//! Messages are borrowed, so their bytes are only copied into the guest. Results are moved.

use std::time::Duration;

use lambkin_model::{Action, Attribute, AttributeValue, Message, Verdict};

use self::bindings::exports::lambkin::batch_trigger::shaper as wit;
use super::check;
use super::types::{Batching, FunctionInfo, Setup, ShapedBatch};
use crate::adapter::{Adapter, ExportedInterface, Function, TypeCheck};
use crate::caller::Call;

use crate::error::{ConfigureError, PluginError, Problem};
use crate::event_origin::EventOrigin;
use crate::limits;
use crate::outcome::TriggerOutcome;

#[allow(missing_docs, unused_qualifications, reason = "generated")]
#[allow(clippy::all, clippy::restriction, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/batch-trigger",
        world: "batch-trigger",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

type ConfigureArguments<'a> = (&'a str, wit::Source<'a>, &'a [wit::FunctionInfo<'a>]);
type ConfigureResult = (Result<wit::Setup, Vec<wit::Problem>>,);
type ShapeArguments<'a> = (&'a str, &'a [wit::Message<'a>]);
type ShapeResult = (Result<wit::Invocation, String>,);
type SettleArguments<'a> = (&'a str, &'a str, wit::Outcome<'a>);
type SettleResult = (Result<Vec<wit::Verdict>, String>,);

/// The functions of a component that exports this version.
#[derive(Debug)]
pub(crate) struct Shaper {
    configure: Function,
    shape: Function,
    settle: Function,
}

impl Adapter for Shaper {
    fn find(exports: &ExportedInterface<'_>) -> Result<Self, String> {
        Ok(Self {
            configure: exports.function("configure")?,
            shape: exports.function("shape")?,
            settle: exports.function("settle")?,
        })
    }

    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), String> {
        types.check::<ConfigureArguments<'_>, ConfigureResult>("configure", &self.configure)?;
        types.check::<ShapeArguments<'_>, ShapeResult>("shape", &self.shape)?;
        types.check::<SettleArguments<'_>, SettleResult>("settle", &self.settle)
    }
}

impl Shaper {
    pub(super) async fn configure(
        &self,
        call: &Call<'_>,
        config: &str,
        origin: &EventOrigin,
        functions: &[FunctionInfo],
    ) -> Result<Setup, ConfigureError> {
        let functions: Vec<_> = functions.iter().map(Into::into).collect();
        let arguments: ConfigureArguments<'_> = (config, origin.into(), &functions);
        let (result,): ConfigureResult = call
            .run(&limits::SHAPER, &self.configure, arguments)
            .await?;
        let result = result
            .map(|setup| check::setup(setup.into()))
            .map_err(|problems| problems.into_iter().map(Problem::from).collect());
        call.configured(result)
    }

    pub(super) async fn shape(
        &self,
        call: &Call<'_>,
        setup: &Setup,
        messages: &[Message],
    ) -> Result<ShapedBatch, PluginError> {
        let lists: Vec<Lists<'_>> = messages.iter().map(Lists::of).collect();
        let borrowed: Vec<wit::Message<'_>> = messages
            .iter()
            .zip(&lists)
            .map(|(message, lists)| borrowed(message, lists))
            .collect();
        let sizes = messages.iter().map(Message::size);
        let bounds =
            limits::batch(messages.len()).for_input(setup.state.len() + sizes.sum::<usize>());
        let arguments: ShapeArguments<'_> = (&setup.state, &borrowed);
        let (result,): ShapeResult = call.run(&bounds, &self.shape, arguments).await?;
        let batch = messages.iter().map(|message| &*message.id);
        let shaped = check::shaped(call.reported(result)?.into(), batch);
        call.checked(shaped)
    }

    pub(super) async fn settle(
        &self,
        call: &Call<'_>,
        setup: &Setup,
        token: &str,
        ids: &[&str],
        outcome: &TriggerOutcome,
    ) -> Result<Vec<Verdict>, PluginError> {
        let bounds =
            limits::batch(ids.len()).for_input(setup.state.len() + token.len() + outcome.size());
        let arguments: SettleArguments<'_> = (&setup.state, token, outcome.into());
        let (result,): SettleResult = call.run(&bounds, &self.settle, arguments).await?;
        let verdicts = call.reported(result)?.into_iter();
        let verdicts = check::verdicts(verdicts.map(Verdict::from).collect(), ids);
        call.checked(verdicts)
    }
}

/// The lists of a message in the contract's types, which the borrowed message refers to.
struct Lists<'a> {
    attributes: Vec<wit::Attribute<'a>>,
    extra: Vec<(&'a str, &'a str)>,
}

impl<'a> Lists<'a> {
    fn of(message: &'a Message) -> Self {
        let extra = message.extra.iter();
        Self {
            attributes: message.attributes.iter().map(Into::into).collect(),
            extra: extra.map(|(key, value)| (&**key, &**value)).collect(),
        }
    }
}

fn borrowed<'a>(message: &'a Message, lists: &'a Lists<'a>) -> wit::Message<'a> {
    wit::Message {
        id: &message.id,
        receipt: &message.receipt,
        body: match std::str::from_utf8(&message.body) {
            Ok(text) => wit::Body::Text(text),
            Err(_) => wit::Body::Binary(&message.body),
        },
        attributes: &lists.attributes,
        group: message.group.as_deref(),
        deduplication: message.deduplication.as_deref(),
        sequence: message.sequence.as_deref(),
        sent_at_ms: message.sent_at,
        first_received_at_ms: message.first_received_at,
        receive_count: message.receives,
        dead_letter_source: message.source.as_deref(),
        extra: &lists.extra,
    }
}

impl<'a> From<&'a Attribute> for wit::Attribute<'a> {
    fn from(attribute: &'a Attribute) -> Self {
        Self {
            name: &attribute.name,
            data_type: &attribute.data_type,
            value: match &attribute.value {
                AttributeValue::Text(text) => wit::Value::Text(text),
                AttributeValue::Binary(bytes) => wit::Value::Binary(bytes),
            },
        }
    }
}

impl<'a> From<&'a EventOrigin> for wit::Source<'a> {
    fn from(origin: &'a EventOrigin) -> Self {
        Self {
            name: &origin.name,
            ordered: origin.ordered,
            lease_ms: origin.lease_ms,
            region: &origin.region,
            account: &origin.account,
            extra: &[],
        }
    }
}

impl<'a> From<&'a FunctionInfo> for wit::FunctionInfo<'a> {
    fn from(function: &'a FunctionInfo) -> Self {
        Self {
            name: &function.name,
            timeout_ms: u32::try_from(function.timeout.as_millis()).unwrap_or(u32::MAX),
        }
    }
}

impl<'a> From<&'a TriggerOutcome> for wit::Outcome<'a> {
    fn from(outcome: &'a TriggerOutcome) -> Self {
        match outcome {
            TriggerOutcome::Completed(result) => Self::Completed(result),
            TriggerOutcome::StreamOpened(_) => {
                Self::Unavailable("its response is a stream, which a batch trigger does not read")
            }
            TriggerOutcome::Failed { kind, payload } => {
                Self::Failed(wit::FunctionError { kind, payload })
            }
            TriggerOutcome::TimedOut | TriggerOutcome::Expired => Self::TimedOut,
            TriggerOutcome::Throttled => Self::Throttled,
            TriggerOutcome::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

impl From<wit::Setup> for Setup {
    fn from(setup: wit::Setup) -> Self {
        let wit::Batching {
            max_messages,
            max_bytes,
            window_ms,
            max_concurrency,
        } = setup.batching;
        Self {
            state: setup.state,
            function: setup.function,
            batching: Batching {
                max_messages: max_messages as usize,
                max_bytes: max_bytes as usize,
                window: Duration::from_millis(window_ms.into()),
                max_concurrency: max_concurrency.map(|batches| batches as usize),
            },
            summary: setup.summary,
            warnings: setup.warnings,
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

impl From<wit::Invocation> for ShapedBatch {
    fn from(invocation: wit::Invocation) -> Self {
        Self {
            event: invocation.event,
            skipped: invocation.skipped,
            token: invocation.token,
        }
    }
}

impl From<wit::Verdict> for Verdict {
    fn from(verdict: wit::Verdict) -> Self {
        Self {
            id: verdict.id,
            action: match verdict.action {
                wit::Action::Ack => Action::Ack,
                wit::Action::Retry(after) => Action::Retry(after),
                wit::Action::DeadLetter(reason) => Action::DeadLetter(reason),
            },
        }
    }
}
