//! Why work inside a transaction ends early.

/// The error of work inside a transaction. `E` is the error type of the operation, such as `QueueError`.
#[derive(Debug)]
pub(crate) enum Abort<E> {
    /// The operation is refused. The transaction is shared with other operations and is committed all the same, so an
    /// operation must refuse before it has changed anything.
    Refused(E),
    /// SQLite failed. The whole transaction is rolled back.
    Failed(rusqlite::Error),
}

impl<E> From<rusqlite::Error> for Abort<E> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

impl<E> Abort<E> {
    /// Splits the result of work into what the writer has to know (the outer result: commit or roll back) and what the
    /// caller is answered (the inner one).
    pub(crate) fn split<T>(result: Result<T, Self>) -> rusqlite::Result<Result<T, E>> {
        match result {
            Ok(value) => Ok(Ok(value)),
            Err(Self::Refused(error)) => Ok(Err(error)),
            Err(Self::Failed(error)) => Err(error),
        }
    }
}
