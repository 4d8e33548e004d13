//! Golden cases: what AWS does, as JSON files that the component's tests run as well.

use golden::websocket::{Functions, check};
use http_event::websocket::{ConnectionInfo, Message, SendError};

use crate::OpenConnections;

/// The connection that the cases of the management API find, and one whose client does not read.
const OPEN: &str = "R1kmxc2VNjMCFIA=";
const BUSY: &str = "R1kmxc2VNjMBUSY=";

struct Connections;

impl OpenConnections for Connections {
    fn get(&self, id: &str) -> Option<ConnectionInfo> {
        (id == OPEN).then(|| ConnectionInfo {
            data: "192.0.2.1\nexample.com\ntest/1\n".to_owned(),
            connected_at_ms: 1_700_000_000_000,
            last_active_at_ms: 1_700_000_060_500,
        })
    }

    fn send(&self, id: &str, _: &Message) -> Result<(), SendError> {
        match id {
            OPEN => Ok(()),
            BUSY => Err(SendError::Busy),
            _ => Err(SendError::Gone),
        }
    }

    fn close(&self, id: &str, _: u16, _: &str) -> bool {
        id == OPEN
    }
}

#[test]
fn golden_cases() {
    check(
        "api-gateway-websocket",
        Functions {
            configure: crate::configure,
            shape: |state, request| crate::shape(state, request, &Connections),
            receive: |state, connection, occasion, message| {
                crate::receive(state, connection, occasion, message, &Connections)
            },
            disconnected: crate::disconnected,
            resume: crate::resume,
        },
    );
}
