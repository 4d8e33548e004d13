//! The WASI that every plugin gets: inert, unless a call is given the real one.
//!
//! Compilers link parts of WASI 0.2 into a component whether its source uses them or not, so those parts exist, and
//! give nothing away: no arguments, no environment, an empty stdin, no folders, a clock that stands at 1970 and
//! random numbers that are the same in every call. The same input therefore gives the same output, as the contract
//! promises. Output is collected for the log. Sockets, HTTP and everything else do not exist.
//!
//! A service's or a source's call is given the [`WasiAccess`] as it is: real clocks, real randomness and the environment
//! variables that are its own. There are no folders and no sockets in that one either.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, filesystem, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::{
    Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView, p2,
};

use crate::limits;
use crate::logs::Output;

/// The interfaces that are there, of WASI 0.2 in any patch release.
const ALLOWED_IMPORTS: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Whether any plugin may import this.
pub(crate) fn allows(import: &str) -> bool {
    import.split_once('@').is_some_and(|(interface, version)| {
        version.starts_with("0.2.") && ALLOWED_IMPORTS.contains(&interface)
    })
}

/// Links [`ALLOWED_IMPORTS`].
pub(crate) fn link<T: WasiView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    // Brings io, clocks, the first of random, and the three standard streams.
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
    Ok(())
}

/// What a guest sees of the world around it.
#[derive(Default)]
pub(crate) enum WasiAccess {
    /// Nothing.
    #[default]
    Inert,
    /// The time, true randomness, and these environment variables.
    Real(Arc<[(String, String)]>),
}

/// One call's WASI; made when the guest first uses it, as most calls of most plugins never do.
#[derive(Default)]
pub(crate) struct Wasi {
    access: WasiAccess,
    made: Option<Box<Made>>,
}

struct Made {
    ctx: WasiCtx,
    table: ResourceTable,
    output: Output,
}

impl Wasi {
    pub(crate) fn new(access: WasiAccess) -> Self {
        Self { access, made: None }
    }

    /// The view that the linked functions work on.
    pub(crate) fn view(&mut self) -> WasiCtxView<'_> {
        let Made { ctx, table, .. } = self.made();
        WasiCtxView { ctx, table }
    }

    /// The table for all resources of the call, those of other interfaces too.
    pub(crate) fn table(&mut self) -> &mut ResourceTable {
        &mut self.made().table
    }

    fn made(&mut self) -> &mut Made {
        self.made
            .get_or_insert_with(|| Box::new(Made::new(&self.access)))
    }

    /// What the guest printed, if it may have printed anything.
    pub(crate) fn output(&self) -> Option<&Output> {
        self.made.as_deref().map(|made| &made.output)
    }
}

impl Made {
    fn new(access: &WasiAccess) -> Self {
        let output = Output::default();
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits::HANDLES);
        let mut ctx = WasiCtx::builder();
        ctx.stdout(output.clone())
            .stderr(output.clone())
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

/// Bytes without a pattern that a guest would trip over, always the same.
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

/// A clock that stands still.
struct Stopped;

impl HostWallClock for Stopped {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for Stopped {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime_wasi::clocks::WasiClocksCtxView;
    use wasmtime_wasi::p2::bindings::clocks::wall_clock;

    #[test]
    fn only_inert_interfaces_of_wasi_0_2_are_granted() {
        for import in ["wasi:cli/stdout@0.2.0", "wasi:io/streams@0.2.12"] {
            assert!(allows(import), "{import}");
        }
        for import in [
            "wasi:cli/stdout@0.3.0",
            "wasi:cli/stdout",
            "wasi:sockets/tcp@0.2.0",
            "wasi:http/types@0.2.0",
            "env",
        ] {
            assert!(!allows(import), "{import}");
        }
    }

    #[test]
    fn only_a_call_that_is_given_the_world_sees_it() {
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
