//! Checking what an object trigger's plugin returned: its target and its events. See [`crate::check`] for what all
//! roles have in common.

use super::{Setup, Target};
use crate::check::{self, Invalid, size};
use crate::limits;

/// Checks sizes and names, and makes the summary fit to be shown.
pub(super) fn setup(setup: Setup) -> Result<Setup, Invalid> {
    let summary = check::understood(&setup.state, &setup.summary)?;
    match &setup.target {
        Target::Function(name) => check::function(name)?,
        Target::Queue(name) => check::named("a queue", name, limits::QUEUE_BYTES)?,
    }
    Ok(Setup { summary, ..setup })
}

/// Checks the event, if there is one.
pub(super) fn shaped(event: Option<String>) -> Result<Option<String>, Invalid> {
    if let Some(event) = &event {
        size("the event", event.len(), limits::OBJECT_EVENT_BYTES)?;
        check::event(event)?;
    }
    Ok(event)
}
