//! All functions of the host, by name, version and alias.

use std::collections::BTreeMap;
use std::sync::Arc;

use lambkin_model::{Invocation, InvokeError, Outcome};

use crate::asynchronous::{Asynchronous, NotAccepted};
use crate::call::{Reply, refused};
use crate::function::Function;
use crate::name::FunctionRef;
use crate::recursion;
use crate::spec::Account;
use crate::version::{Alias, Versions};

/// The functions of the host. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lambda {
    account: Arc<Account>,
    functions: Arc<BTreeMap<String, Versions>>,
    asynchronous: Option<Asynchronous>,
}

impl Lambda {
    /// Puts functions together, each version a function of its own; of two that are the same version of the same
    /// function the last stays. An alias of an unknown function is ignored.
    pub fn new(
        account: Account,
        functions: impl IntoIterator<Item = Arc<Function>>,
        aliases: impl IntoIterator<Item = Alias>,
    ) -> Self {
        let mut named: BTreeMap<String, Versions> = BTreeMap::new();
        for function in functions {
            let name = function.spec().name.clone();
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
            asynchronous: None,
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

    /// The same with asynchronous invocation, which has to be served too: [`Asynchronous::serve`].
    #[must_use]
    pub fn with_asynchronous(self, asynchronous: Asynchronous) -> Self {
        Self {
            asynchronous: Some(asynchronous),
            ..self
        }
    }

    /// All functions, in their version `$LATEST`, by name.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<Function>> {
        self.all().filter_map(Versions::latest)
    }

    /// The function that any form of a name leads to. A name without a qualifier leads to `$LATEST`.
    pub fn function(&self, name: &str) -> Option<&Arc<Function>> {
        self.find(&FunctionRef::parse(name)?)
    }

    /// Invokes a function by any form of its name. A qualifier in the name counts as the invocation's.
    pub async fn invoke(&self, function: &str, mut invocation: Invocation) -> Outcome {
        match self.named(function, &mut invocation) {
            Some(function) => function.invoke(invocation).await,
            None => refused(InvokeError::UnknownFunction),
        }
    }

    /// The same for a caller that takes a response as it is made.
    pub async fn invoke_streaming(&self, function: &str, mut invocation: Invocation) -> Reply {
        match self.named(function, &mut invocation) {
            Some(function) => function.invoke_streaming(invocation).await,
            None => Reply::Whole(refused(InvokeError::UnknownFunction)),
        }
    }

    /// Counts a call in the trace header of its chain, as the Invoke API does. Returns `false`, and logs a warning, if the
    /// chain is a loop and the call must not be made.
    pub fn check_recursion(&self, function: &str, trace_id: &mut String) -> bool {
        let function = self.function(function);
        function.is_none_or(|function| recursion::check_recursion(trace_id, function.spec()))
    }

    fn named(&self, function: &str, invocation: &mut Invocation) -> Option<&Arc<Function>> {
        let mut reference = FunctionRef::parse(function)?;
        match reference.qualifier {
            Some(qualifier) => invocation.qualifier = Some(qualifier.to_owned()),
            None => reference.qualifier = invocation.qualifier.as_deref(),
        }
        self.find(&reference)
    }

    /// The function, in the version that the qualifier leads to.
    pub(crate) fn find(&self, reference: &FunctionRef<'_>) -> Option<&Arc<Function>> {
        self.versions(reference)?.find(reference.qualifier)
    }

    /// A function in all its versions. One of another region or account is not here.
    pub(crate) fn versions(&self, reference: &FunctionRef<'_>) -> Option<&Versions> {
        let Account { region, id } = self.account();
        let ours = reference.region.is_none_or(|asked| asked == region)
            && reference.account.is_none_or(|asked| asked == id);
        self.functions.get(reference.name).filter(|_| ours)
    }

    /// The version that a qualifier leads to.
    pub(crate) fn version(&self, name: &str, qualifier: &str) -> Option<&str> {
        let function = self.functions.get(name)?.find(Some(qualifier))?;
        Some(&function.spec().version)
    }

    /// Every function in all its versions, by name.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Versions> {
        self.functions.values()
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

    /// Accepts an event for a function by any form of its name.
    pub async fn accept_named(
        &self,
        function: &str,
        mut invocation: Invocation,
    ) -> Result<(), NotAccepted> {
        match self.named(function, &mut invocation) {
            Some(function) => self.accept(function, invocation).await,
            None => Err(NotAccepted::UnknownFunction(function.to_owned())),
        }
    }

    /// Starts the environments that are to be there before the first call.
    pub fn start_provisioned(&self) {
        for function in self.all().flat_map(Versions::all) {
            function.start_provisioned();
        }
    }

    /// Ends every environment; returns when the last process is gone.
    pub async fn close(&self) {
        for function in self.all().flat_map(Versions::all) {
            function.close().await;
        }
        if let Some(asynchronous) = &self.asynchronous {
            asynchronous.close().await;
        }
    }
}
