//! What the connections of one trigger have in common.

use std::sync::Arc;

use lambkin_plugin::WebSocketTrigger;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http_exchange::Steps;
use crate::websocket::open_connections::OpenConnections;

/// What the connections of one trigger have in common.
#[derive(Debug)]
pub(crate) struct WebSockets {
    pub trigger: WebSocketTrigger,
    pub connections: Arc<OpenConnections>,
    pub steps: Arc<Steps>,
    pub stop: CancellationToken,
    /// What goes on without a client: a handshake whose client has gone away, and the end of its connection.
    pub detached: TaskTracker,
}

impl WebSockets {
    /// Waits for the tasks whose clients have left. Call it when no further connection can be opened.
    pub(crate) async fn finish(&self) {
        self.detached.close();
        self.detached.wait().await;
    }
}
