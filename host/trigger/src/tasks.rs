//! Tasks that are stopped together.

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Tasks that are stopped together. Dropping them aborts those that are still running.
#[derive(Debug, Default)]
pub struct Tasks {
    stop: CancellationToken,
    running: JoinSet<()>,
}

impl Tasks {
    /// No tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Spawns a task. When its token is cancelled, the task must start nothing new, finish what it has begun and
    /// return. The program drops tasks that still run 10 s after it was asked to stop.
    pub fn spawn<F>(&mut self, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.running.spawn(task(self.stop.clone()));
    }

    /// The token that is cancelled when the tasks are to stop.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Tells every task to stop and waits until all have returned.
    pub async fn stop(&mut self) {
        self.stop.cancel();
        while self.running.join_next().await.is_some() {}
    }
}
