//! `lambkin:source@0.2.x`: converts between the contract's types and the host's.

use lambkin_model::{Action, Message, Place};

use super::check;
use super::types::{Part, Polled, Position, Progress, Setup, SourceError, SourceSetup};
use crate::adapter::{Adapter, ExportedInterface, Function, TypeCheck};
use crate::bindings::{self, SurroundingsLists, source as wit};
use crate::caller::Call;
use crate::error::{ConfigureError, Problem};
use crate::event_origin::EventOrigin;
use crate::limits::SOURCE;
use crate::state::Capabilities;
use crate::text::quote;

type ConfigureArguments<'a> = (&'a str, wit::Surroundings<'a>);
type ConfigureResult = (Result<wit::Setup, Vec<wit::Problem>>,);
type PartsArguments<'a> = (&'a str,);
type PartsResult = (Result<Vec<wit::Part>, wit::Error>,);
type PollArguments<'a> = (&'a str, wit::Position<'a>, u32, u32);
type PollResult = (Result<wit::Polled, wit::Error>,);
type SettleArguments<'a> = (&'a str, &'a [wit::Verdict<'a>]);
type SettleResult = (Result<(), wit::Error>,);

/// The functions of a component that exports this version.
#[derive(Debug)]
pub(crate) struct Poller {
    configure: Function,
    parts: Function,
    poll: Function,
    settle: Function,
}

impl Adapter for Poller {
    fn find(exports: &ExportedInterface<'_>) -> Result<Self, String> {
        Ok(Self {
            configure: exports.function("configure")?,
            parts: exports.function("parts")?,
            poll: exports.function("poll")?,
            settle: exports.function("settle")?,
        })
    }

    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), String> {
        types.check::<ConfigureArguments<'_>, ConfigureResult>("configure", &self.configure)?;
        types.check::<PartsArguments<'_>, PartsResult>("parts", &self.parts)?;
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
        let lists = SurroundingsLists::of(&given.surroundings);
        let surroundings = bindings::borrowed(&given.surroundings, &lists);
        let arguments: ConfigureArguments<'_> = (&given.settings, surroundings);
        let (result,): ConfigureResult = call
            .run_with(capabilities, &SOURCE, &self.configure, arguments)
            .await?;
        let result = result
            .map(|setup| check::setup(converted(setup, given)))
            .map_err(|problems| problems.into_iter().map(Problem::from).collect());
        call.configured(result)
    }

    pub(super) async fn parts(
        &self,
        call: &Call<'_>,
        capabilities: Capabilities,
        state: &str,
    ) -> Result<Vec<Part>, SourceError> {
        let arguments: PartsArguments<'_> = (state,);
        let (result,): PartsResult = call
            .run_with(capabilities, &SOURCE, &self.parts, arguments)
            .await?;
        let parts = result?.into_iter().map(|part| Part {
            id: part.id,
            after: part.after,
        });
        Ok(call.checked(check::parts(parts.collect()))?)
    }

    pub(super) async fn poll(
        &self,
        call: &Call<'_>,
        capabilities: Capabilities,
        setup: &Setup,
        position: Position<'_>,
        max_messages: u32,
        wait_ms: u32,
    ) -> Result<Polled, SourceError> {
        let place = wit::Position {
            part: position.part,
            cursor: position.cursor,
        };
        let arguments: PollArguments<'_> = (&setup.state, place, max_messages, wait_ms);
        let (result,): PollResult = call
            .run_with(capabilities, &SOURCE, &self.poll, arguments)
            .await?;
        let polled = result?;
        let messages = polled.messages.into_iter();
        let polled = Polled {
            messages: messages
                .map(|message| from_wit(message, position.part))
                .collect(),
            cursor: polled.cursor,
            ended: polled.ended,
        };
        Ok(call.checked(check::polled(polled, setup.progress, max_messages))?)
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

fn converted(setup: wit::Setup, given: &SourceSetup) -> Setup {
    let surroundings = &given.surroundings;
    Setup {
        state: setup.state,
        origin: EventOrigin {
            name: setup.name,
            ordered: setup.ordered,
            lease_ms: None,
            region: setup.region.unwrap_or_else(|| surroundings.region.clone()),
            account: setup
                .account
                .unwrap_or_else(|| surroundings.account.clone()),
        },
        max_messages: setup.max_messages,
        progress: match setup.progress {
            wit::Progress::Receipts => Progress::Receipts,
            wit::Progress::Cursors => Progress::Cursors,
        },
        warnings: setup.warnings,
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

/// A message of this part, or of a queue.
fn from_wit(message: wit::Message, part: Option<&str>) -> Message {
    Message {
        id: message.id,
        receipt: message.receipt,
        body: message.body.into(),
        attributes: message.attributes.into_iter().map(Into::into).collect(),
        group: message.group,
        deduplication: message.deduplication,
        key: message.key.map(Into::into),
        place: message.cursor.map(|cursor| Place {
            part: part.unwrap_or_default().to_owned(),
            cursor,
        }),
        sequence: message.sequence,
        sent_at: message.sent_at_ms,
        first_received_at: message.first_received_at_ms,
        receives: message.receive_count,
        source: message.dead_letter_source,
        extra: message.extra,
    }
}
