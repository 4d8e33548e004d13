//! How a function of the store fails.

use std::fmt::Display;

use wasmtime::component::ResourceTableError;

/// The failure of a host function; `E` is the error type of its interface.
pub enum HostCallError<E> {
    /// The function returns this error.
    Returned(E),
    /// The guest has broken the contract: it traps.
    Trap(wasmtime::Error),
}

impl<E> HostCallError<E> {
    /// The error in the form that the generated bindings expect.
    pub(super) fn into_result(self) -> wasmtime::Result<E> {
        match self {
            Self::Returned(error) => Ok(error),
            Self::Trap(error) => Err(error),
        }
    }
}

impl<E> From<ResourceTableError> for HostCallError<E> {
    fn from(error: ResourceTableError) -> Self {
        Self::Trap(error.into())
    }
}

/// The text of `unavailable` for a failure of the store. It is also logged, so that the operator learns of a full
/// disk even if the guest ignores the error.
pub(super) fn unavailable(error: impl Display) -> String {
    let reason = error.to_string();
    tracing::error!("{reason}");
    reason
}
