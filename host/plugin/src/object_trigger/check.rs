//! Checks of the values that an object trigger's plugin returned: its target and its events. See [`crate::check`] for
//! the checks that all roles share.

use super::types::{QueueReference, Setup, Target};
use crate::check::{self, size};
use crate::error::ContractError;
use crate::limits;

/// Checks sizes and names, and makes the lines for the operator displayable.
pub(super) fn setup(setup: Setup) -> Result<Setup, ContractError> {
    check::state(&setup.state)?;
    let summary = check::lines("the summary", &setup.summary)?;
    let warnings = check::lines("the warnings", &setup.warnings)?;
    let target = match setup.target {
        Target::Function(function) => Target::Function(check::function(function)?),
        Target::Queue(QueueReference { name, at }) => {
            check::named("a queue", &name, limits::QUEUE_BYTES)?;
            let at = check::keys(&at)?;
            Target::Queue(QueueReference { name, at })
        }
    };
    Ok(Setup {
        target,
        summary,
        warnings,
        ..setup
    })
}

/// Checks the event, if there is one.
pub(super) fn shaped(event: Option<String>) -> Result<Option<String>, ContractError> {
    if let Some(event) = &event {
        size("the event", event.len(), limits::OBJECT_EVENT_BYTES)?;
        check::event(event)?;
    }
    Ok(event)
}
