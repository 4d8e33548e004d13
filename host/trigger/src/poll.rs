//! Poll triggers, `poll = { … }`: messages of an external system, fetched by a plugin in the role of a source.

use std::time::Duration;

use lambkin_http::Listener;
use lambkin_model::{Action, Message};
use lambkin_plugin::{
    BatchTrigger, FunctionReference, Position, Progress, Source, SourceError, SourceSetup,
};
use tokio::time::{Instant, sleep};

use crate::batch::preview::preview;
use crate::batch::{self, BatchConsumer, MessageSource, ReceiptAction};
use crate::event_source::{BoxFuture, ConfiguredTrigger, EventSource, Setup, SetupError};
use crate::limits::EMPTY_POLL_PAUSE;
use crate::log::LogReader;
use crate::preview::{Outcomes, Preview, PreviewError, Sample};
use crate::trigger_context::TriggerContext;

/// What a source plugin is granted. Its plugin and settings are in [`Setup::source`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PollSource {
    /// The origins that the plugin may connect to, such as `http://127.0.0.1:9324`. It reaches no others.
    pub network: Vec<String>,
    /// The names of the host's environment variables that are passed to the plugin. Those that are not set are left
    /// out.
    pub pass_environment: Vec<String>,
}

impl EventSource for PollSource {
    /// For the cursors of a log. Whether the source is one is known when its plugin is configured.
    fn needs_store(&self) -> bool {
        true
    }

    fn configure<'a>(
        &'a self,
        setup: Setup<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn ConfiguredTrigger>, SetupError>> {
        Box::pin(async move {
            let plugin = setup.source.unwrap_or(setup.plugin);
            let source_setup = SourceSetup {
                settings: plugin.settings.to_owned(),
                network: self.network.clone(),
                surroundings: setup.surroundings_with(&self.pass_environment),
            };
            let source = plugin
                .plugin
                .source(source_setup)
                .await
                .map_err(SetupError::Source)?;
            let trigger = setup
                .plugin
                .plugin
                .batch_trigger(
                    setup.plugin.settings,
                    &setup.surroundings(),
                    source.origin(),
                    setup.grants.reuse,
                )
                .await
                .map_err(SetupError::Trigger)?;
            let warnings = [source.warnings(), trigger.warnings()].concat();
            Ok(Box::new(ConfiguredPoll {
                source,
                trigger,
                warnings,
            }) as Box<dyn ConfiguredTrigger>)
        })
    }
}

/// A poll trigger whose plugins have accepted their settings.
struct ConfiguredPoll {
    source: Source,
    trigger: BatchTrigger,
    /// Those of both plugins.
    warnings: Vec<String>,
}

impl ConfiguredTrigger for ConfiguredPoll {
    fn functions(&self) -> Vec<&FunctionReference> {
        vec![self.trigger.function()]
    }

    fn description(&self) -> String {
        let name = &self.source.origin().name;
        match self.source.progress() {
            Progress::Receipts => format!("external queue {name}"),
            Progress::Cursors => format!("external log {name}"),
        }
    }

    fn summary(&self) -> &[String] {
        self.trigger.summary()
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn preview<'a>(
        &'a self,
        sample: &'a Sample,
        outcomes: &'a mut Outcomes,
    ) -> BoxFuture<'a, Result<Preview, PreviewError>> {
        Box::pin(preview(
            &self.trigger,
            self.source.origin().ordered,
            sample,
            outcomes,
        ))
    }

    fn spawn(self: Box<Self>, context: &mut TriggerContext<'_>, _listener: Option<Listener>) {
        let lambda = context.lambda().clone();
        match (self.source.progress(), context.cursors().cloned()) {
            (Progress::Receipts, _) => {
                let consumer = BatchConsumer {
                    trigger: self.trigger,
                    source: self.source,
                    lambda,
                };
                context.spawn(|stop| consumer.serve(stop));
            }
            (Progress::Cursors, Some(cursors)) => {
                let reader = LogReader {
                    trigger: self.trigger,
                    source: self.source,
                    lambda,
                    cursors,
                };
                context.spawn(|stop| reader.serve(stop));
            }
            // `needs_store` asks for one.
            (Progress::Cursors, None) => {}
        }
    }
}

impl MessageSource for Source {
    type Error = SourceError;

    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Message>, Self::Error> {
        let start = Instant::now();
        let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
        let max = max.min(self.max_messages());
        let polled = self.poll(Position::default(), max, wait_ms).await?;
        if polled.messages.is_empty() {
            let left = wait.saturating_sub(start.elapsed());
            sleep(left.min(EMPTY_POLL_PAUSE)).await;
        }
        Ok(polled.messages)
    }

    async fn is_ordered(&self) -> bool {
        self.origin().ordered
    }

    async fn apply(&self, verdicts: &[ReceiptAction]) -> Result<(), Self::Error> {
        self.settle(verdicts).await
    }

    async fn give_back(&self, receipts: Vec<String>) -> Result<(), Self::Error> {
        let at_once = receipts
            .into_iter()
            .map(|receipt| (receipt, Action::Retry(Some(0))));
        batch::source::apply(self, at_once.collect()).await
    }
}
