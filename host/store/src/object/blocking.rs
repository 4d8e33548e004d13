//! File system work on threads that can block.

use std::path::Path;

use super::errors;
use super::types::ObjectError;

/// Runs `work` on a blocking thread. `place` is the file or folder that an error names if the runtime is shut down.
pub(super) async fn blocking<T, F>(place: &Path, work: F) -> Result<T, ObjectError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, ObjectError> + Send + 'static,
{
    let working = tokio::task::spawn_blocking(work).await;
    working.unwrap_or_else(|_| Err(errors::stopping(place)))
}
