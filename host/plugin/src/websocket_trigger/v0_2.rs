//! `lambkin:websocket-trigger@0.2.x`: converts between the contract's types and the host's.
//!
//! Steps and their endings have the types of `lambkin:http-trigger`, and its adapter converts them.

use std::time::Duration;

use super::check;
use super::types::{Close, Occasion, OpenConnection, WebSocketSetup};
use crate::adapter::{Adapter, ExportedInterface, Function, TypeCheck};
use crate::bindings::{MessageParam, http, websocket as wit};
use crate::caller::Call;
use crate::connections::WebSocketMessage;
use crate::error::PluginError;
use crate::http_trigger::Step;
use crate::limits::SHAPER;

type WebSocketsArguments<'a> = (&'a str,);
type WebSocketsResult = (Result<wit::WebsocketSetup, String>,);
type ReceiveArguments<'a> = (
    &'a str,
    wit::Connection<'a>,
    wit::Occasion<'a>,
    MessageParam<'a>,
);
type DisconnectedArguments<'a> = (
    &'a str,
    wit::Connection<'a>,
    wit::Occasion<'a>,
    wit::Close<'a>,
);
type StepResult = (Result<http::Step, String>,);

/// The functions of a component that exports this version.
#[derive(Debug)]
pub(crate) struct MessageShaper {
    websockets: Function,
    receive: Function,
    disconnected: Function,
}

impl Adapter for MessageShaper {
    fn find(exports: &ExportedInterface<'_>) -> Result<Self, String> {
        Ok(Self {
            websockets: exports.function("websockets")?,
            receive: exports.function("receive")?,
            disconnected: exports.function("disconnected")?,
        })
    }

    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), String> {
        types.check::<WebSocketsArguments<'_>, WebSocketsResult>("websockets", &self.websockets)?;
        types.check::<ReceiveArguments<'_>, StepResult>("receive", &self.receive)?;
        types.check::<DisconnectedArguments<'_>, StepResult>("disconnected", &self.disconnected)
    }
}

impl MessageShaper {
    pub(super) async fn websockets(
        &self,
        call: &Call<'_>,
        state: &str,
    ) -> Result<WebSocketSetup, PluginError> {
        let (result,): WebSocketsResult = call.run(&SHAPER, &self.websockets, (state,)).await?;
        let setup = call.reported(result)?.into();
        call.checked(check::setup(setup))
    }

    /// Returns the step unchecked.
    pub(super) async fn receive(
        &self,
        call: &Call<'_>,
        state: &str,
        connection: &OpenConnection,
        occasion: &Occasion,
        message: &WebSocketMessage,
    ) -> Result<Step, PluginError> {
        let arguments: ReceiveArguments<'_> = (
            state,
            connection.into(),
            occasion.into(),
            match message {
                WebSocketMessage::Text(text) => MessageParam::Text(text),
                WebSocketMessage::Binary(bytes) => MessageParam::Binary(bytes),
            },
        );
        let bounds = SHAPER.for_input(state.len() + connection.data.len() + message.len());
        let (result,): StepResult = call.run(&bounds, &self.receive, arguments).await?;
        Ok(call.reported(result)?.into())
    }

    /// Returns the step unchecked.
    pub(super) async fn disconnected(
        &self,
        call: &Call<'_>,
        state: &str,
        connection: &OpenConnection,
        occasion: &Occasion,
        close: &Close,
    ) -> Result<Step, PluginError> {
        let close = wit::Close {
            code: close.code,
            reason: &close.reason,
        };
        let arguments: DisconnectedArguments<'_> =
            (state, connection.into(), occasion.into(), close);
        let bounds = SHAPER.for_input(state.len() + connection.data.len());
        let (result,): StepResult = call.run(&bounds, &self.disconnected, arguments).await?;
        Ok(call.reported(result)?.into())
    }
}

impl<'a> From<&'a OpenConnection> for wit::Connection<'a> {
    fn from(connection: &'a OpenConnection) -> Self {
        Self {
            id: &connection.id,
            data: &connection.data,
            connected_at_ms: connection.connected_at_ms,
        }
    }
}

impl<'a> From<&'a Occasion> for wit::Occasion<'a> {
    fn from(occasion: &'a Occasion) -> Self {
        Self {
            id: &occasion.id,
            trace_id: &occasion.trace_id,
            at_ms: occasion.at_ms,
            extra: &[],
        }
    }
}

impl From<wit::WebsocketSetup> for WebSocketSetup {
    fn from(setup: wit::WebsocketSetup) -> Self {
        let limit = |ms: u32| (ms > 0).then(|| Duration::from_millis(ms.into()));
        Self {
            idle_timeout: limit(setup.idle_timeout_ms),
            max_duration: limit(setup.max_duration_ms),
            timeout_reason: setup.timeout_reason,
            max_message_bytes: setup.max_message_bytes as usize,
            max_frame_bytes: setup.max_frame_bytes as usize,
        }
    }
}
