//! The function that an emulator runs, apart from what its flags and variables say.

use lambkin_invoke_api::limits::EMULATOR_QUEUE;
use lambkin_lambda::{FunctionSpec, Lifecycle, RecursiveLoop};

use crate::config::defaults;

/// The settings that both emulators share: one environment, which is neither frozen nor watched for memory, with calls
/// that wait for it, and the variables of the emulator's own environment.
pub(super) fn spec() -> FunctionSpec {
    FunctionSpec {
        exact_variables: true,
        concurrency: 1,
        queue: EMULATOR_QUEUE,
        recursive_loop: RecursiveLoop::Allow,
        lifecycle: Lifecycle {
            freeze: false,
            enforce_memory: false,
            ..Lifecycle::default()
        },
        ..defaults(String::new())
    }
}
