//! The WebAssembly engine: every setting of it, each with its reason.
//!
//! Instances come from a pool of memory slots reserved up front, which makes a fresh instance per call cheap. The
//! pool reserves about 2 TiB of address space (not of memory). Where that is not to be had (an address-space limit,
//! a kernel with few bits), the engine allocates on demand instead: slower, otherwise the same. The log says which.

use std::fs;

use wasmtime::{
    Cache, Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
};

use crate::error::HostError;
use crate::limits;

/// Starts an engine, with a pool if the machine has the address space for one.
pub(crate) fn start(cache: Option<Cache>) -> Result<Engine, HostError> {
    let mut config = config(cache);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    let no_pool = match Engine::new(&config) {
        Ok(engine) => {
            let places = limits::CALLS + limits::WAITING_CALLS;
            tracing::debug!("plugins run in a pool of {places} instances");
            return Ok(engine);
        }
        Err(error) => error,
    };
    config
        .allocation_strategy(InstanceAllocationStrategy::OnDemand)
        // Address space is scarce: what a memory may grow to, not the 4 GiB that would save its bounds checks.
        .memory_reservation(limits::MEMORY_BYTES as u64)
        .memory_reservation_for_growth(0)
        .memory_guard_size(64 << 10);
    let engine = Engine::new(&config).map_err(|error| HostError::Engine(format!("{error:#}")))?;
    tracing::info!(
        "plugins run without an instance pool, some microseconds slower per call: {no_pool:#}"
    );
    Ok(engine)
}

fn config(cache: Option<Cache>) -> Config {
    let mut config = Config::new();
    config
        .cache(cache)
        // The only guard against endless loops that costs next to nothing; see `ticker.rs`.
        .epoch_interruption(true)
        .max_wasm_stack(limits::STACK_BYTES)
        // The guest's part plus room for host functions on the same stack. Reserved; only touched pages count.
        .async_stack_size(limits::STACK_BYTES + (512 << 10))
        // Shapers are synchronous: concurrent tasks inside a component would only make each call slower.
        .concurrency_support(false)
        .wasm_component_model_async(false)
        // The same input gives the same bytes on every processor.
        .relaxed_simd_deterministic(true)
        .cranelift_nan_canonicalization(true)
        // Less of the engine within a hostile plugin's reach.
        .wasm_memory64(false)
        .shared_memory(false);
    config
}

fn pool() -> PoolingAllocationConfig {
    let calls = (limits::CALLS + limits::WAITING_CALLS) as u32;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_stacks(calls)
        // A component is a handful of core instances: its own, the shims between, rarely a second memory.
        .total_core_instances(8 * calls)
        .total_memories(calls)
        .total_tables(4 * calls)
        .max_memories_per_component(limits::MEMORIES as u32)
        .max_memory_size(limits::MEMORY_BYTES)
        .table_elements(limits::TABLE_ELEMENTS)
        // Used slots keep the pages they touched, for the next call of the same plugin. These two together bound
        // what an idle host keeps.
        .max_unused_warm_slots(WARM_SLOTS)
        .linear_memory_keep_resident(KEEP_BYTES)
        .table_keep_resident(64 << 10)
        .pagemap_scan(page_scan());
    pool
}

/// Slots that stay warm: more than a developer's machine has calls at the same time.
const WARM_SLOTS: u32 = 16;

/// Touched bytes that a warm slot keeps.
const KEEP_BYTES: usize = 1 << 20;

/// Asking the kernel which pages a guest touched makes resetting a slot about twice as fast. A touched page that
/// was swapped out is missed, though, and would show the next call a former one's data: never where swap is in use.
fn page_scan() -> Enabled {
    match fs::read_to_string("/proc/swaps") {
        Ok(swaps) if swaps.lines().count() <= 1 => Enabled::Auto,
        _ => Enabled::No,
    }
}
