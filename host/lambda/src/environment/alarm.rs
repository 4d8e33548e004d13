//! A timer that is set again and again.

use std::future;
use std::pin::Pin;
use std::time::Instant;

use tokio::time::{Instant as TokioInstant, Sleep};

/// Waits for points in time, with one timer for all of them.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Waits until `until`, or forever if it is `None`. A timer that is set to an earlier time first expires and is
    /// then set again, so that a thousand short calls in a row set it only once.
    pub(super) async fn reached(&mut self, until: Option<Instant>) {
        let Some(until) = until.map(TokioInstant::from) else {
            return future::pending().await;
        };
        let timer = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if timer.deadline() > until {
            timer.as_mut().reset(until);
        }
        timer.as_mut().await;
        while TokioInstant::now() < until {
            timer.as_mut().reset(until);
            timer.as_mut().await;
        }
    }
}
