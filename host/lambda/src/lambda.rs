//! All functions of the host, by name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use lambkin_model::{Failure, Invocation, Outcome, RequestId};
use uuid::Uuid;

use crate::asynchronous::{Asynchronous, NotAccepted};
use crate::function::{Account, Function, refused};
use crate::name::FunctionRef;

/// The functions of the host. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lambda {
    account: Arc<Account>,
    functions: Arc<BTreeMap<String, Arc<Function>>>,
    asynchronous: Option<Asynchronous>,
}

impl Lambda {
    /// Puts functions together; of two with the same name the last stays.
    pub fn new(account: Account, functions: impl IntoIterator<Item = Arc<Function>>) -> Self {
        let functions = functions
            .into_iter()
            .map(|function| (function.spec().name.clone(), function))
            .collect();
        Self {
            account: Arc::new(account),
            functions: Arc::new(functions),
            asynchronous: None,
        }
    }

    /// The same with asynchronous invocation, which has to be served too: [`Asynchronous::serve`].
    #[must_use]
    pub fn with_asynchronous(self, asynchronous: Asynchronous) -> Self {
        Self {
            asynchronous: Some(asynchronous),
            ..self
        }
    }

    /// Whose functions these are.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The functions' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    /// All functions, by name.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.functions.values()
    }

    /// The function of this name.
    pub fn function(&self, name: &str) -> Option<&Arc<Function>> {
        self.functions.get(name)
    }

    /// Invokes a function by any form of its name. A qualifier in the name counts as the invocation's.
    pub async fn invoke(&self, function: &str, mut invocation: Invocation) -> Outcome {
        let Some(reference) = FunctionRef::parse(function) else {
            return refused(Failure::UnknownFunction);
        };
        if reference.qualifier.is_some() {
            invocation.qualifier = reference.qualifier;
        }
        match self.find(&reference.name, invocation.qualifier.as_deref()) {
            Some(function) => function.invoke(invocation).await,
            None => refused(Failure::UnknownFunction),
        }
    }

    /// Accepts an event for a function; it runs later, at least once, even if the host is killed in between.
    pub async fn accept(
        &self,
        function: &Function,
        invocation: Invocation,
    ) -> Result<(), NotAccepted> {
        let asynchronous = self.asynchronous.as_ref().ok_or(NotAccepted::NoStore)?;
        Ok(asynchronous.accept(function, invocation).await?)
    }

    /// The function a name and a qualifier lead to. There is one version, `$LATEST`.
    pub(crate) fn find(&self, name: &str, qualifier: Option<&str>) -> Option<&Arc<Function>> {
        let function = self.functions.get(name)?;
        qualifier
            .is_none_or(|qualifier| qualifier == function.spec().version)
            .then_some(function)
    }

    /// Ends every environment; returns when the last process is gone.
    pub async fn close(&self) {
        for function in self.functions.values() {
            function.close().await;
        }
        if let Some(asynchronous) = &self.asynchronous {
            asynchronous.close().await;
        }
    }
}

/// The time, in milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_millis() as u64)
}

/// A fresh request id.
pub fn new_request_id() -> RequestId {
    RequestId::new(Uuid::new_v4().to_string())
}

/// A fresh trace header value: `Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=0`, its first part the time in seconds.
pub fn new_trace_id(at_ms: u64) -> String {
    let random = Uuid::new_v4().as_u128();
    // Two views of one random number: nothing here needs the two ids to be independent, and each draw is a system call.
    let (root, parent) = (
        random >> 32,
        (random as u64).rotate_left(17) ^ (random >> 64) as u64,
    );
    format!(
        "Root=1-{:08x}-{root:024x};Parent={parent:016x};Sampled=0",
        at_ms / 1000
    )
}
