//! `lambkin:batch-trigger@0.2.x`: converts between the contract's types and the host's.
//!
//! Messages are borrowed, so their bytes are only copied into the guest. Results are moved.

use std::time::Duration;

use lambkin_model::{Action, Message, Settlement, Verdict};

use super::check;
use super::types::{Batching, Setup, ShapedBatch};
use crate::adapter::{Adapter, ExportedInterface, Function, TypeCheck};
use crate::bindings::{self, SurroundingsLists, batch as wit};
use crate::caller::Call;
use crate::error::{ConfigureError, PluginError, Problem};
use crate::event_origin::EventOrigin;
use crate::limits;
use crate::outcome::{Ending, TriggerOutcome};
use crate::surroundings::Surroundings;

type ConfigureArguments<'a> = (&'a str, wit::Surroundings<'a>, wit::Source<'a>);
type ConfigureResult = (Result<wit::Setup, Vec<wit::Problem>>,);
type ShapeArguments<'a> = (&'a str, &'a [wit::Message<'a>]);
type ShapeResult = (Result<wit::Invocation, String>,);
type SettleArguments<'a> = (&'a str, &'a str, &'a [&'a str], wit::Outcome<'a>);
type SettleResult = (Result<wit::Settlement, String>,);

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
        surroundings: &Surroundings,
        origin: &EventOrigin,
    ) -> Result<Setup, ConfigureError> {
        let lists = SurroundingsLists::of(surroundings);
        let arguments: ConfigureArguments<'_> = (
            config,
            bindings::borrowed(surroundings, &lists),
            origin.into(),
        );
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
    ) -> Result<Settlement, PluginError> {
        let bounds =
            limits::batch(ids.len()).for_input(setup.state.len() + token.len() + outcome.size());
        let outcome = wit::Outcome {
            ending: (&outcome.ending).into(),
            at_ms: outcome.at_ms,
            extra: &[],
        };
        let arguments: SettleArguments<'_> = (&setup.state, token, ids, outcome);
        let (result,): SettleResult = call.run(&bounds, &self.settle, arguments).await?;
        let settlement = check::settlement(call.reported(result)?.into(), ids);
        call.checked(settlement)
    }
}

/// The lists of a message in the contract's types, which the borrowed message refers to.
struct Lists<'a> {
    attributes: Vec<bindings::AttributeParam<'a>>,
    extra: Vec<(&'a str, &'a str)>,
}

impl<'a> Lists<'a> {
    fn of(message: &'a Message) -> Self {
        Self {
            attributes: message.attributes.iter().map(Into::into).collect(),
            extra: bindings::pairs(&message.extra),
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
        key: message.key.as_deref(),
        part: message.place.as_ref().map(|place| &*place.part),
        sequence: message.sequence.as_deref(),
        sent_at_ms: message.sent_at,
        first_received_at_ms: message.first_received_at,
        receive_count: message.receives,
        dead_letter_source: message.source.as_deref(),
        extra: &lists.extra,
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

impl<'a> From<&'a Ending> for wit::Ending<'a> {
    fn from(ending: &'a Ending) -> Self {
        match ending {
            Ending::Completed(result) => Self::Completed(result),
            Ending::StreamOpened(_) => {
                Self::Unavailable("its response is a stream, which a batch trigger does not read")
            }
            Ending::Accepted | Ending::Fetched(_) => {
                Self::Unavailable("it was not invoked as a batch trigger invokes functions")
            }
            Ending::Failed { kind, payload } => Self::Failed(wit::FunctionError { kind, payload }),
            Ending::TimedOut | Ending::Expired => Self::TimedOut,
            Ending::Throttled => Self::Throttled,
            Ending::Unavailable(reason) => Self::Unavailable(reason),
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
            function: setup.function.into(),
            batching: Batching {
                max_messages: max_messages as usize,
                max_bytes: max_bytes as usize,
                window: Duration::from_millis(window_ms.into()),
                max_concurrency: max_concurrency.map(|batches| batches as usize),
            },
            reusable: setup.reusable,
            summary: setup.summary,
            warnings: setup.warnings,
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

impl From<wit::Settlement> for Settlement {
    fn from(settlement: wit::Settlement) -> Self {
        Self {
            otherwise: settlement.otherwise.into(),
            but: settlement.but.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<wit::Verdict> for Verdict {
    fn from(verdict: wit::Verdict) -> Self {
        Self {
            id: verdict.id,
            action: verdict.action.into(),
        }
    }
}

impl From<wit::Action> for Action {
    fn from(action: wit::Action) -> Self {
        match action {
            wit::Action::Ack => Self::Ack,
            wit::Action::Retry(after) => Self::Retry(after),
            wit::Action::DeadLetter(reason) => Self::DeadLetter(reason),
        }
    }
}
