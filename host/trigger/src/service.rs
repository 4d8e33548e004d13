//! The listeners of services.

use lambkin_http::StopSignal;
use lambkin_plugin::Service;
use tokio::net::TcpListener;

/// One service, ready to answer.
#[derive(Debug)]
pub struct ServiceDoor {
    /// The configured plugin.
    pub service: Service,
}

impl ServiceDoor {
    /// Answers requests until the signal comes.
    pub async fn serve(self, _listener: TcpListener, mut stop: StopSignal) {
        stop.stopped().await;
    }
}
