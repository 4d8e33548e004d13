//! `lambkin:source@0.1.x`: converts between the contract's types and the host's.

use lambkin_model::{Action, Attribute, AttributeValue, Message};

use self::bindings::exports::lambkin::source::poller as wit;
use super::types::{Setup, SourceError, SourceSetup};
use crate::adapter::{Adapter, ExportedInterface, Function, TypeCheck};
use crate::caller::Call;

use crate::check::{named, size, within};
use crate::error::{ConfigureError, ContractError, Problem};
use crate::event_origin::EventOrigin;
use crate::limits::{self, SOURCE};
use crate::state::Capabilities;
use crate::text::quote;

#[allow(missing_docs, unused_qualifications, reason = "generated")]
#[allow(clippy::all, clippy::restriction, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/source",
        world: "source",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

type ConfigureArguments<'a> = (&'a str,);
type ConfigureResult = (Result<wit::Setup, Vec<wit::Problem>>,);
type PollArguments<'a> = (&'a str, u32, u32);
type PollResult = (Result<Vec<wit::Message>, wit::Error>,);
type SettleArguments<'a> = (&'a str, &'a [wit::Verdict<'a>]);
type SettleResult = (Result<(), wit::Error>,);

/// The functions of a component that exports this version.
#[derive(Debug)]
pub(crate) struct Poller {
    configure: Function,
    poll: Function,
    settle: Function,
}

impl Adapter for Poller {
    fn find(exports: &ExportedInterface<'_>) -> Result<Self, String> {
        Ok(Self {
            configure: exports.function("configure")?,
            poll: exports.function("poll")?,
            settle: exports.function("settle")?,
        })
    }

    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), String> {
        types.check::<ConfigureArguments<'_>, ConfigureResult>("configure", &self.configure)?;
        types.check::<PollArguments<'_>, PollResult>("poll", &self.poll)?;
        types.check::<SettleArguments<'_>, SettleResult>("settle", &self.settle)
    }
}

impl Poller {
    pub(super) async fn configure(
        &self,
        call: &Call<'_>,
        capabilities: Capabilities,
        given: &SourceSetup,
    ) -> Result<Setup, ConfigureError> {
        let arguments: ConfigureArguments<'_> = (&given.settings,);
        let (result,): ConfigureResult = call
            .run_with(capabilities, &SOURCE, &self.configure, arguments)
            .await?;
        let result = result
            .map(|setup| checked(setup, given))
            .map_err(|problems| problems.into_iter().map(Problem::from).collect());
        call.configured(result)
    }

    pub(super) async fn poll(
        &self,
        call: &Call<'_>,
        capabilities: Capabilities,
        state: &str,
        max_messages: u32,
        wait_ms: u32,
    ) -> Result<Vec<Message>, SourceError> {
        let arguments: PollArguments<'_> = (state, max_messages, wait_ms);
        let (result,): PollResult = call
            .run_with(capabilities, &SOURCE, &self.poll, arguments)
            .await?;
        let messages = result?;
        let checked = match messages.len() {
            count if count > max_messages as usize => {
                Err(format!("it returns {count} messages, and was asked for {max_messages}").into())
            }
            _ => Ok(messages.into_iter().map(Message::from).collect()),
        };
        Ok(call.checked(checked)?)
    }

    pub(super) async fn settle(
        &self,
        call: &Call<'_>,
        capabilities: Capabilities,
        state: &str,
        verdicts: &[(String, Action)],
    ) -> Result<(), SourceError> {
        let verdicts: Vec<_> = verdicts
            .iter()
            .map(|(receipt, action)| wit::Verdict {
                receipt,
                action: action.into(),
            })
            .collect();
        let arguments: SettleArguments<'_> = (state, &verdicts);
        let (result,): SettleResult = call
            .run_with(capabilities, &SOURCE, &self.settle, arguments)
            .await?;
        Ok(result?)
    }
}

fn checked(setup: wit::Setup, given: &SourceSetup) -> Result<Setup, ContractError> {
    size("the state", setup.state.len(), limits::STATE_BYTES)?;
    named("the source", &setup.name, limits::SOURCE_NAME_BYTES)?;
    within(
        "max-messages",
        setup.max_messages.into(),
        1,
        limits::SOURCE_MESSAGES.into(),
    )?;
    Ok(Setup {
        state: setup.state,
        origin: EventOrigin {
            name: setup.name,
            ordered: setup.ordered,
            lease_ms: None,
            region: setup.region.unwrap_or_else(|| given.region.clone()),
            account: setup.account.unwrap_or_else(|| given.account.clone()),
        },
        max_messages: setup.max_messages,
    })
}

impl From<wit::Problem> for Problem {
    fn from(problem: wit::Problem) -> Self {
        Self {
            at: problem.at,
            message: problem.message,
        }
    }
}

impl From<wit::Error> for SourceError {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::Transient(reason) => Self::Transient(quote(&reason)),
            wit::Error::Permanent(reason) => Self::Permanent(quote(&reason)),
        }
    }
}

impl<'a> From<&'a Action> for wit::Action<'a> {
    fn from(action: &'a Action) -> Self {
        match action {
            Action::Ack => Self::Ack,
            Action::Retry(after_ms) => Self::Retry(*after_ms),
            Action::DeadLetter(reason) => Self::DeadLetter(reason),
        }
    }
}

impl From<wit::Message> for Message {
    fn from(message: wit::Message) -> Self {
        Self {
            id: message.id,
            receipt: message.receipt,
            body: message.body.into(),
            attributes: message.attributes.into_iter().map(attribute).collect(),
            group: message.group,
            deduplication: message.deduplication,
            sequence: message.sequence,
            sent_at: message.sent_at_ms,
            first_received_at: message.first_received_at_ms,
            receives: message.receive_count,
            source: message.dead_letter_source,
            extra: message.extra,
        }
    }
}

fn attribute(attribute: wit::Attribute) -> Attribute {
    Attribute {
        name: attribute.name,
        data_type: attribute.data_type,
        value: match attribute.value {
            wit::Value::Text(text) => AttributeValue::Text(text),
            wit::Value::Binary(bytes) => AttributeValue::Binary(bytes.into()),
        },
    }
}
