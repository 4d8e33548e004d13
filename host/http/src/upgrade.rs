//! Connections that stop speaking HTTP: a response with status 101 and what happens on its connection afterwards.
//!
//! A handler attaches the work with [`upgrade`]. When the response has been sent, hyper gives the connection away, and
//! the accept loop runs the work as a task of its own, which does not count as one of the listener's connections. None
//! of the crate's timeouts apply to it; it has to observe the listener's stop itself.
//!
//! On failure: if the client goes away before the response has been sent, the work is dropped without being run.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use http::Extensions;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

/// A connection that has stopped speaking HTTP. Bytes that the client sent after its request are read first.
pub type Upgraded = TokioIo<hyper::upgrade::Upgraded>;

/// A task that outlives the HTTP connection it comes from.
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

type Work = Box<dyn FnOnce(Upgraded) -> Task + Send>;

/// The work that a handler attached to a response. Extensions are cloned, so the work is shared, and taken once.
#[derive(Clone)]
struct Attached(Arc<Mutex<Option<Work>>>);

/// Attaches the work for a connection whose response has status 101, to the extensions of that response.
pub fn upgrade<F>(response: &mut Extensions, work: impl FnOnce(Upgraded) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let work: Work = Box::new(|upgraded| Box::pin(work(upgraded)));
    response.insert(Attached(Arc::new(Mutex::new(Some(work)))));
}

/// A connection that hyper is about to give away, and the work on it.
pub(crate) struct Upgrade {
    connection: OnUpgrade,
    work: Work,
}

impl Upgrade {
    /// Takes the work that the handler attached; `None` without any, or if the request did not ask for an upgrade.
    pub(crate) fn take(connection: Option<OnUpgrade>, response: &mut Extensions) -> Option<Self> {
        let Attached(work) = response.remove()?;
        let work = work.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(Self {
            connection: connection?,
            work,
        })
    }

    /// The task that does the work.
    pub(crate) fn into_task(self) -> Task {
        Box::pin(async move {
            match self.connection.await {
                Ok(upgraded) => (self.work)(TokioIo::new(upgraded)).await,
                Err(error) => tracing::debug!("the connection ended before its upgrade: {error}"),
            }
        })
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade").finish_non_exhaustive()
    }
}
