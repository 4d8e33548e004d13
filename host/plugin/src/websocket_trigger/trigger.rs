//! One WebSocket trigger.

use std::sync::Arc;

use super::types::{Close, Occasion, OpenConnection, WebSocketSetup};
use super::v0_2::MessageShaper;
use crate::connections::WebSocketMessage;
use crate::error::{ConfigureError, PluginError};
use crate::http_trigger::{HttpTrigger, Step};

/// A trigger whose clients may open WebSocket connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WebSocketTrigger {
    http: HttpTrigger,
    shaper: Arc<MessageShaper>,
    setup: Arc<WebSocketSetup>,
}

impl WebSocketTrigger {
    /// Asks the plugin of an HTTP trigger for the settings of its connections.
    pub(crate) async fn configure(
        http: HttpTrigger,
        shaper: Arc<MessageShaper>,
    ) -> Result<Self, ConfigureError> {
        let setup = shaper
            .websockets(&http.begin("websockets", None), http.state())
            .await?;
        Ok(Self {
            http: http.with_websockets(),
            shaper,
            setup: Arc::new(setup),
        })
    }

    /// The trigger for requests. Its [`resume`](HttpTrigger::resume) also goes on with messages and ends of connections.
    pub fn http(&self) -> &HttpTrigger {
        &self.http
    }

    /// How the host treats the connections.
    pub fn setup(&self) -> &WebSocketSetup {
        &self.setup
    }

    /// Decides what to do with a message.
    ///
    /// # Errors
    ///
    /// The plugin reported an error, is defective or could not be run.
    pub async fn receive(
        &self,
        connection: &OpenConnection,
        occasion: &Occasion,
        message: &WebSocketMessage,
    ) -> Result<Step, PluginError> {
        let call = self.http.begin("receive", Some(&occasion.id));
        let state = self.http.state();
        let step = self
            .shaper
            .receive(&call, state, connection, occasion, message)
            .await?;
        self.http.checked(&call, step)
    }

    /// Decides what to do when a connection has ended.
    ///
    /// # Errors
    ///
    /// The same as for [`receive`](Self::receive).
    pub async fn disconnected(
        &self,
        connection: &OpenConnection,
        occasion: &Occasion,
        close: &Close,
    ) -> Result<Step, PluginError> {
        let call = self.http.begin("disconnected", Some(&occasion.id));
        let state = self.http.state();
        let step = self
            .shaper
            .disconnected(&call, state, connection, occasion, close)
            .await?;
        self.http.checked(&call, step)
    }
}
