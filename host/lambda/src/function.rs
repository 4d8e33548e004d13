//! One version of a function: its configuration, and the dispatcher of its environments.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lambkin_http::{CrossOrigin, ForeignPages};

use crate::clock::Clock;
use crate::code::Entry;
use crate::debugger::{DebugPorts, DebugSettings, Debugger};
use crate::debugger_http::HttpRules;
use crate::dispatch::Dispatcher;
use crate::log::Log;
use crate::ports::Sandboxes;
use crate::recursion;
use crate::spec::{Account, FunctionSpec};
use crate::start_turn::StartQueue;

/// One version of a function, with its environments.
#[derive(Debug)]
pub struct Function {
    pub(crate) spec: FunctionSpec,
    pub(crate) account: Account,
    pub(crate) log: Log,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) starts: StartQueue,
    pub(crate) sandboxes: Sandboxes,
    pub(crate) clock: Arc<Clock>,
    pub(crate) debug_ports: Arc<DebugPorts>,
}

impl Function {
    /// A function without environments.
    pub fn new(spec: FunctionSpec, account: Account, log: Log) -> Arc<Self> {
        let mut dispatcher =
            Dispatcher::new(spec.concurrency, spec.queue, spec.lifecycle.concurrency);
        // A call at a breakpoint may last for hours.
        dispatcher.counts_retiring = spec.debug.is_none();
        Arc::new(Self {
            spec,
            account,
            log,
            dispatcher,
            starts: StartQueue::default(),
            sandboxes: Sandboxes::default(),
            clock: Arc::default(),
            debug_ports: Arc::default(),
        })
    }

    /// The clock that limits the function, and by which its callers may wait. It is paused while somebody debugs the function.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Listens at the port at which a debugger attaches, if the function is debugged. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// The port is taken.
    pub fn open_debug_port(&self) -> io::Result<Option<SocketAddr>> {
        let settings = self
            .spec
            .debug
            .map(|debug| self.debug_ports.open(debug.port));
        settings.transpose()
    }

    /// The debugger's way to a new environment, if the function is debugged.
    pub(crate) fn debugger(&self) -> io::Result<Option<Debugger>> {
        let Some(DebugSettings { port, wait }) = self.spec.debug else {
            return Ok(None);
        };
        let port = self.debug_ports.take(port)?;
        let address = port.address()?;
        let pages = CrossOrigin::new(self.spec.allowlist.clone(), ForeignPages::Refused);
        let rules = HttpRules {
            // A program of another kind may have any debugger.
            pages: match &self.spec.code.entry {
                Entry::Managed(managed) if !managed.is_node() => None,
                _ => Some(pages),
            },
            listener: format!("the debugger of function {} at {address}", self.spec.name),
        };
        Debugger::start(port, &self.clock, wait, rules).map(Some)
    }

    /// The function's configuration.
    pub fn spec(&self) -> &FunctionSpec {
        &self.spec
    }

    /// The region and the account of the function.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Counts a call of the function in the trace header of its chain. Returns `false`, and logs a warning, if the
    /// chain is a loop and the call must not be made.
    pub fn check_recursion(&self, trace_id: &mut String) -> bool {
        recursion::check_recursion(trace_id, &self.spec)
    }

    /// `arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME`, with the qualifier if the caller named one. The partition
    /// is the region's, as on AWS.
    pub fn arn(&self, qualifier: Option<&str>) -> String {
        let Account { region, id } = &self.account;
        let arn = lambkin_model::arn(
            "lambda",
            region,
            id,
            &format!("function:{}", self.spec.name),
        );
        match qualifier {
            Some(qualifier) => format!("{arn}:{qualifier}"),
            None => arn,
        }
    }

    /// Whether an environment is starting or serves a call, or did within this time.
    pub fn was_active_within(&self, time: Duration) -> bool {
        self.dispatcher.was_active_within(time)
    }

    /// Ends all environments, because the code has changed: further calls get new ones. Invocations in flight finish
    /// first. An environment in its init phase ends at once, and a call that waits for it goes on with the new code.
    pub fn retire_environments(&self) {
        // Environments that have not begun a call end at once, so none waits for a debugger at a port that it has lost.
        self.debug_ports.take_back();
        self.dispatcher.retire();
    }

    /// Ends all environments and refuses waiting calls. Returns when the last process has ended.
    pub async fn close(&self) {
        self.dispatcher.close().await;
    }
}
