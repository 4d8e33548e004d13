//! Checks of the values that a WebSocket trigger's plugin returned.

use super::types::WebSocketSetup;
use crate::check::{size, within};
use crate::error::ContractError;
use crate::limits;

/// Checks sizes.
pub(super) fn setup(setup: WebSocketSetup) -> Result<WebSocketSetup, ContractError> {
    let reason = setup.timeout_reason.len();
    size("timeout-reason", reason, limits::CLOSE_REASON_BYTES)?;
    let max = limits::WEBSOCKET_MESSAGE_BYTES as u64;
    within("max-message-bytes", setup.max_message_bytes as u64, 1, max)?;
    within("max-frame-bytes", setup.max_frame_bytes as u64, 1, max)?;
    Ok(setup)
}
