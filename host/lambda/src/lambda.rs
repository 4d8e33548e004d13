//! All functions of the host by name, version and alias.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lambkin_model::{Invocation, InvokeError, Outcome};

use crate::asynchronous::{AcceptError, Asynchronous};
use crate::call::{Reply, refused};
use crate::function::Function;
use crate::name::FunctionRef;
use crate::spec::Account;
use crate::version::{Alias, Versions};

/// The functions of the host. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lambda {
    account: Arc<Account>,
    functions: Arc<BTreeMap<String, Versions>>,
    /// The names of functions by their other names.
    other_names: Arc<BTreeMap<String, String>>,
    asynchronous: Option<Asynchronous>,
}

impl Lambda {
    /// Collects functions, of which each is one version. If two have the same name and version, the last one is used.
    /// An alias of an unknown function is ignored.
    pub fn new(
        account: Account,
        functions: impl IntoIterator<Item = Arc<Function>>,
        aliases: impl IntoIterator<Item = Alias>,
    ) -> Self {
        let mut named: BTreeMap<String, Versions> = BTreeMap::new();
        let mut other_names = BTreeMap::new();
        for function in functions {
            let name = function.spec().name.clone();
            let others = function.spec().other_names.iter();
            other_names.extend(others.map(|other| (other.clone(), name.clone())));
            named.entry(name).or_default().add(function);
        }
        for alias in aliases {
            if let Some(versions) = named.get_mut(&alias.function) {
                versions.add_alias(alias);
            }
        }
        Self {
            account: Arc::new(account),
            functions: Arc::new(named),
            other_names: Arc::new(other_names),
            asynchronous: None,
        }
    }

    /// The account to which the functions belong.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The names of all functions, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.functions.keys().map(String::as_str)
    }

    /// Adds asynchronous invocation. [`Asynchronous::serve`] must run as well.
    #[must_use]
    pub fn with_asynchronous(self, asynchronous: Asynchronous) -> Self {
        Self {
            asynchronous: Some(asynchronous),
            ..self
        }
    }

    /// The version `$LATEST` of each function, in alphabetical order.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.all_versions().filter_map(Versions::latest)
    }

    /// Finds a function by any form of its name. A name without a qualifier refers to `$LATEST`.
    pub fn function(&self, name: &str) -> Option<&Arc<Function>> {
        self.find(&FunctionRef::parse(name)?)
    }

    /// Invokes a function by any form of its name. A qualifier in the name overrides the invocation's.
    pub async fn invoke(&self, function: &str, mut invocation: Invocation) -> Outcome {
        match self.named(function, &mut invocation) {
            Some(function) => function.invoke(invocation).await,
            None => refused(InvokeError::UnknownFunction),
        }
    }

    /// Invokes a function by any form of its name, for a caller that accepts a streamed response.
    pub async fn invoke_streaming(&self, function: &str, mut invocation: Invocation) -> Reply {
        match self.named(function, &mut invocation) {
            Some(function) => function.invoke_streaming(invocation).await,
            None => Reply::Whole(refused(InvokeError::UnknownFunction)),
        }
    }

    /// Waits for the result of an invocation for up to `limit`, not counting the time for which the function is debugged.
    /// `None`: the time is over.
    pub async fn timeout<F: Future>(
        &self,
        function: &str,
        limit: Duration,
        invoked: F,
    ) -> Option<F::Output> {
        match self.function(function) {
            Some(function) if function.spec().debug.is_some() => {
                function.clock().timeout(limit, invoked).await
            }
            _ => tokio::time::timeout(limit, invoked).await.ok(),
        }
    }

    /// Counts a call in the trace header of its chain, as the Invoke API does. Returns `false`, and logs a warning,
    /// if the chain is a loop and the call must not be made.
    pub fn check_recursion(&self, function: &str, trace_id: &mut String) -> bool {
        let found = self.function(function);
        found.is_none_or(|function| function.check_recursion(trace_id))
    }

    fn named(&self, function: &str, invocation: &mut Invocation) -> Option<&Arc<Function>> {
        let mut reference = FunctionRef::parse(function)?;
        match reference.qualifier {
            Some(qualifier) => invocation.qualifier = Some(qualifier.to_owned()),
            None => reference.qualifier = invocation.qualifier.as_deref(),
        }
        self.find(&reference)
    }

    /// Finds a function in the version to which the reference's qualifier resolves.
    pub fn find(&self, reference: &FunctionRef<'_>) -> Option<&Arc<Function>> {
        self.versions(reference)?.find(reference.qualifier)
    }

    /// Finds all versions of a function. A reference to another region or account finds nothing.
    pub fn versions(&self, reference: &FunctionRef<'_>) -> Option<&Versions> {
        let Account { region, id } = self.account();
        let is_ours = reference.region.is_none_or(|asked| asked == region)
            && reference.account.is_none_or(|asked| asked == id);
        let found = self.functions.get(reference.name).or_else(|| {
            let name = self.other_names.get(reference.name)?;
            self.functions.get(name)
        });
        found.filter(|_| is_ours)
    }

    /// The version to which a qualifier resolves.
    pub(crate) fn version(&self, name: &str, qualifier: &str) -> Option<&str> {
        let function = self.functions.get(name)?.find(Some(qualifier))?;
        Some(&function.spec().version)
    }

    /// All versions of every function, in alphabetical order.
    pub fn all_versions(&self) -> impl Iterator<Item = &Versions> {
        self.functions.values()
    }

    /// Accepts an event for a function. The function runs later, at least once, even if the host is killed before.
    pub async fn accept(
        &self,
        function: &Function,
        invocation: Invocation,
    ) -> Result<(), AcceptError> {
        let asynchronous = self.asynchronous.as_ref().ok_or(AcceptError::NoStore)?;
        Ok(asynchronous.accept(function, invocation).await?)
    }

    /// Accepts an event for a function by any form of its name.
    pub async fn accept_named(
        &self,
        function: &str,
        mut invocation: Invocation,
    ) -> Result<(), AcceptError> {
        match self.named(function, &mut invocation) {
            Some(function) => self.accept(function, invocation).await,
            None => Err(AcceptError::UnknownFunction(function.to_owned())),
        }
    }

    /// Starts the environments of all provisioned concurrency.
    pub fn start_provisioned(&self) {
        for function in self.all_versions().flat_map(Versions::all) {
            function.start_provisioned();
        }
    }

    /// Ends all environments and closes the store. Returns when the last process has ended.
    pub async fn close(&self) {
        for function in self.all_versions().flat_map(Versions::all) {
            function.close().await;
        }
        if let Some(asynchronous) = &self.asynchronous {
            asynchronous.close().await;
        }
    }
}
