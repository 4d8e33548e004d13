//! `lambkin:websocket-trigger/connections@0.2.x`: the host's implementation of the interface.
//!
//! A call of a trigger without WebSocket connections finds none: every id is gone.

use wasmtime::component::{HasSelf, Linker};

use crate::bindings::connections::{self as wit, Message};
use crate::connections::{SendError, WebSocketMessage};
use crate::state::State;

/// Links the interface.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<State>>(linker, |state| state)
}

impl wit::Host for State {
    fn get(&mut self, id: String) -> Option<wit::ConnectionInfo> {
        let info = self.capabilities.connections.as_ref()?.get(&id)?;
        Some(wit::ConnectionInfo {
            data: info.data,
            connected_at_ms: info.connected_at_ms,
            last_active_at_ms: info.last_active_at_ms,
        })
    }

    fn send(&mut self, id: String, message: Message) -> Result<(), wit::SendError> {
        let connections = self.capabilities.connections.as_ref();
        let connections = connections.ok_or(wit::SendError::Gone)?;
        let message = match message {
            Message::Text(text) => WebSocketMessage::Text(text),
            Message::Binary(bytes) => WebSocketMessage::Binary(bytes.into()),
        };
        connections.send(&id, message).map_err(|error| match error {
            SendError::Gone => wit::SendError::Gone,
            SendError::Busy => wit::SendError::Busy,
        })
    }

    fn close(&mut self, id: String, code: u16, reason: String) -> bool {
        let connections = self.capabilities.connections.as_ref();
        connections.is_some_and(|connections| connections.close(&id, code, &reason))
    }
}
