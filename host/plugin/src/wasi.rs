//! The WASI of a call: inert, unless the call has access to the real one.
//!
//! Compilers link parts of WASI 0.2 into a component whether its source uses them or not. These parts exist and give
//! nothing away: no arguments, no environment, an empty stdin, no folders, a clock that stands still just after the
//! beginning of 1970, and random numbers that are the same in every call. So the same input gives the same output, as
//! the contracts promise. Output is collected for the log. Sockets cannot be created and names are not resolved: every
//! such call fails with `access-denied` or without a result.
//!
//! The call of a service or a source has real clocks, real randomness and its own environment variables
//! ([`WasiAccess::Real`]). It has no folders and no sockets, either.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::sockets;
use wasmtime_wasi::p2::bindings::{cli, filesystem, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView};
use wasmtime_wasi::{
    Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView, p2,
};

use crate::limits;
use crate::logs::Output;

/// Links the interfaces of WASI that every component may import.
pub(crate) fn link<T: WasiView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    // Adds io, clocks, `random/random` and the three standard streams.
    p2::add_to_linker_proxy_interfaces_async(linker)?;
    cli::environment::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::exit::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_input::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_output::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stdin::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stdout::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stderr::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    filesystem::types::add_to_linker::<T, WasiFilesystem>(linker, T::filesystem)?;
    filesystem::preopens::add_to_linker::<T, WasiFilesystem>(linker, T::filesystem)?;
    random::insecure::add_to_linker::<T, WasiRandom>(linker, T::random)?;
    random::insecure_seed::add_to_linker::<T, WasiRandom>(linker, T::random)?;
    link_sockets(linker)
}

fn link_sockets<T: WasiView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    let options = sockets::network::LinkOptions::default();
    sockets::network::add_to_linker::<T, WasiSockets>(linker, &options, T::sockets)?;
    sockets::instance_network::add_to_linker::<T, WasiSockets>(linker, T::sockets)?;
    sockets::ip_name_lookup::add_to_linker::<T, WasiSockets>(linker, T::sockets)?;
    sockets::tcp::add_to_linker::<T, WasiSockets>(linker, T::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<T, WasiSockets>(linker, T::sockets)?;
    sockets::udp::add_to_linker::<T, WasiSockets>(linker, T::sockets)?;
    sockets::udp_create_socket::add_to_linker::<T, WasiSockets>(linker, T::sockets)?;
    Ok(())
}

/// What a guest sees of the system.
#[derive(Default)]
pub(crate) enum WasiAccess {
    /// Nothing: the inert WASI.
    #[default]
    Inert,
    /// The time, randomness, and these environment variables.
    Real(Arc<[(String, String)]>),
}

/// The WASI of one call. It is created when the guest first uses it, because most calls never do.
#[derive(Default)]
pub(crate) struct Wasi {
    access: WasiAccess,
    context: Option<Box<Context>>,
}

struct Context {
    ctx: WasiCtx,
    table: ResourceTable,
    output: Output,
}

impl Wasi {
    pub(crate) fn new(access: WasiAccess) -> Self {
        Self {
            access,
            context: None,
        }
    }

    /// The data that the linked functions work on.
    pub(crate) fn view(&mut self) -> WasiCtxView<'_> {
        let Context { ctx, table, .. } = self.context();
        WasiCtxView { ctx, table }
    }

    /// The table of all resources of the call, including those of other interfaces.
    pub(crate) fn table(&mut self) -> &mut ResourceTable {
        &mut self.context().table
    }

    fn context(&mut self) -> &mut Context {
        self.context
            .get_or_insert_with(|| Box::new(Context::new(&self.access)))
    }

    /// The guest's output; `None` if it cannot have printed anything.
    pub(crate) fn output(&self) -> Option<&Output> {
        self.context.as_deref().map(|context| &context.output)
    }
}

impl Context {
    fn new(access: &WasiAccess) -> Self {
        let output = Output::default();
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits::HANDLES);
        let mut ctx = WasiCtx::builder();
        ctx.stdout(output.clone())
            .stderr(output.errors())
            .max_random_size(limits::RANDOM_BYTES)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false);
        match access {
            WasiAccess::Inert => ctx
                .wall_clock(Stopped)
                .monotonic_clock(Stopped)
                .secure_random(numbers())
                .insecure_random(numbers())
                .insecure_random_seed(0),
            // Clocks and randomness are real unless they are replaced.
            WasiAccess::Real(environment) => ctx.envs(environment),
        };
        let ctx = ctx.build();
        Self { ctx, table, output }
    }
}

/// Random numbers that are the same in every call.
fn numbers() -> Deterministic {
    let step = |state: u32| state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    let states = std::iter::successors(Some(1), |state| Some(step(*state)));
    Deterministic::new(
        states
            .skip(1)
            .take(256)
            .map(|state| (state >> 24) as u8)
            .collect(),
    )
}

/// A clock that stands still, one nanosecond after its beginning: Go's runtime takes 0 for a broken clock and aborts.
struct Stopped;

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(1)
    }
}

impl HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime_wasi::clocks::WasiClocksCtxView;
    use wasmtime_wasi::p2::bindings::clocks::wall_clock;

    #[test]
    fn only_a_call_with_real_access_sees_the_time() {
        let time = |wasi: &mut Wasi| {
            let WasiCtxView { ctx, table } = wasi.view();
            let ctx = ctx.clocks();
            let now = wall_clock::Host::now(&mut WasiClocksCtxView { ctx, table });
            now.unwrap().seconds
        };
        assert_eq!(time(&mut Wasi::default()), 0);
        assert!(time(&mut Wasi::new(WasiAccess::Real(Arc::new([])))) > 0);
    }
}
