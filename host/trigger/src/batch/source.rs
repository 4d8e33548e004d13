//! The trait of what a batch trigger's messages come from.

use std::fmt;
use std::time::Duration;

use lambkin_model::{Action, Message};
use tokio::time::sleep;

use crate::limits::{APPLY_ATTEMPTS, RETRY_PAUSE_MIN};

/// A receipt and the action for its message.
pub type ReceiptAction = (String, Action);

/// Where messages come from and where their verdicts go: a queue of the store, or an external system.
///
/// A received message is leased: it is hidden from other consumers until a verdict is applied or the lease ends.
pub trait MessageSource: Send + Sync + 'static {
    /// Why messages could not be received, or a verdict could not be applied.
    type Error: fmt::Display + Send;

    /// Receives up to `max` messages. Waits up to `wait` for the first one; returns none if no message came.
    fn receive(
        &self,
        max: usize,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<Message>, Self::Error>> + Send;

    /// A batch begins, after the batches before it were applied as far as they will be. Called before the first
    /// [`receive`](Self::receive) for the batch.
    fn begin_batch(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// The largest number of batches at the same time. `None`: as many as the plugin and the function allow.
    fn max_concurrency(&self) -> Option<usize> {
        None
    }

    /// Whether [`Action::Retry`] with a delay, applied to a message that is being processed, only makes its lease end
    /// later. An external system may deliver the message again.
    fn can_renew_leases(&self) -> bool {
        false
    }

    /// Whether the messages of a group must be processed in order.
    fn is_ordered(&self) -> impl Future<Output = bool> + Send;

    /// Makes one attempt to carry out the actions. The caller has removed [`Action::Retry`] without a delay, which
    /// needs no action: the message is received again when its lease ends.
    fn apply(
        &self,
        actions: &[ReceiptAction],
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Returns messages that no function has seen, by their receipts. Where the source allows it, they count as not
    /// received.
    fn give_back(
        &self,
        receipts: Vec<String>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Applies verdicts, in up to [`APPLY_ATTEMPTS`] attempts with growing pauses.
pub(crate) async fn apply<S: MessageSource>(
    source: &S,
    mut verdicts: Vec<ReceiptAction>,
) -> Result<(), S::Error> {
    // The end of the lease has the same effect.
    verdicts.retain(|(_, action)| *action != Action::Retry(None));
    if verdicts.is_empty() {
        return Ok(());
    }
    let mut pause = RETRY_PAUSE_MIN;
    for _ in 1..APPLY_ATTEMPTS {
        if source.apply(&verdicts).await.is_ok() {
            return Ok(());
        }
        sleep(pause).await;
        pause *= 2;
    }
    source.apply(&verdicts).await
}
