//! The settings of the WebAssembly engine, each with its reason.
//!
//! Instances come from a pool of memory slots that are reserved in advance, which makes a new instance per call
//! cheap. The pool reserves about 2 TiB of address space (not of memory), or a sixth of it for triggers alone. If that
//! is not available (an address-space limit, a kernel with fewer bits), the engine allocates on demand instead, which is
//! slower and otherwise the same. The log says which of the two it is.
//!
//! There are two kinds of engines ([`Tasks`]). The usual one knows nothing of concurrent tasks in a component, because
//! support for them makes every call slower. The other one is made when the first component needs it.

use std::fs;

use serde::{Deserialize, Serialize};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::HostError;
use crate::limits;

/// Where instances come from. Compiled code depends on it: with a pool it needs fewer bounds checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Allocation {
    Pool,
    OnDemand,
}

/// Whether a component can have concurrent tasks. Compiled code depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Tasks {
    /// It can have one, the call itself.
    One,
    /// It can use the asynchronous instructions of the component model. No contract needs them, but the runtime of a
    /// language may: QuickJS's does in what `jco componentize` builds by default.
    Many,
}

/// Creates an engine for this number of concurrent calls, with a pool if there is enough address space for one. The
/// number counts when the host starts: the guard page of each stack is a system call, and a mapping of the kernel's.
pub(crate) fn start(tasks: Tasks, calls: usize) -> Result<(Engine, Allocation), HostError> {
    let mut with_pool = config(Allocation::Pool, tasks);
    with_pool.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(calls as u32)));
    let no_pool = match Engine::new(&with_pool) {
        Ok(engine) => {
            tracing::debug!("plugins run in a pool of {calls} instances");
            return Ok((engine, Allocation::Pool));
        }
        Err(error) => error,
    };
    let engine = for_compiling(Allocation::OnDemand, tasks)?;
    tracing::info!(
        "plugins run without an instance pool, some microseconds slower per call: {no_pool:#}"
    );
    Ok((engine, Allocation::OnDemand))
}

/// Creates an engine whose code another engine with this allocation can run. It reserves no address space.
pub(crate) fn for_compiling(allocation: Allocation, tasks: Tasks) -> Result<Engine, HostError> {
    let mut config = config(allocation, tasks);
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    Engine::new(&config).map_err(|error| HostError::Engine(format!("{error:#}")))
}

/// The settings that compiled code depends on, and the others except for the allocation strategy.
fn config(allocation: Allocation, tasks: Tasks) -> Config {
    let mut config = Config::new();
    if allocation == Allocation::OnDemand {
        config
            // Address space is scarce, so reserve only what a memory may grow to, not the 4 GiB that avoid bounds
            // checks.
            .memory_reservation(limits::MEMORY_BYTES as u64)
            .memory_reservation_for_growth(0)
            .memory_guard_size(64 << 10);
    }
    config
        // The cheapest way to interrupt endless loops; see `ticker.rs`.
        .epoch_interruption(true)
        .max_wasm_stack(limits::STACK_BYTES)
        // The guest's stack plus space for host functions on the same stack. Only pages that are used take memory.
        .async_stack_size(limits::STACK_BYTES + (512 << 10))
        .concurrency_support(tasks == Tasks::Many)
        .wasm_component_model_async(tasks == Tasks::Many)
        // The same input gives the same bytes on every processor.
        .relaxed_simd_deterministic(true)
        .cranelift_nan_canonicalization(true)
        // Features that plugins do not need are not exposed to hostile ones.
        .wasm_memory64(false)
        .shared_memory(false);
    config
}

fn pool(calls: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_stacks(calls)
        // A component consists of several core instances: its own module and adapters.
        .total_core_instances(8 * calls)
        .total_memories(calls)
        .total_tables(4 * calls)
        .max_memories_per_component(limits::MEMORIES as u32)
        .max_memory_size(limits::MEMORY_BYTES)
        .table_elements(limits::TABLE_ELEMENTS)
        // Slots keep the pages that a call used, for the next call of the same plugin. These two settings limit the
        // memory that an idle host keeps.
        .max_unused_warm_slots(WARM_SLOTS)
        .linear_memory_keep_resident(KEEP_BYTES)
        .table_keep_resident(64 << 10)
        .pagemap_scan(page_scan());
    pool
}

/// The number of slots that stay warm: more than the concurrent calls on a developer's machine.
const WARM_SLOTS: u32 = 16;

/// The number of used bytes that a warm slot keeps.
const KEEP_BYTES: usize = 1 << 20;

/// Whether to ask the kernel which pages a guest has used, which makes resetting a slot about twice as fast. The
/// kernel does not report pages that were swapped out, and the next call would see the data in them, so this is off
/// if the system has swap.
fn page_scan() -> Enabled {
    match fs::read_to_string("/proc/swaps") {
        Ok(swaps) if swaps.lines().count() <= 1 => Enabled::Auto,
        _ => Enabled::No,
    }
}
