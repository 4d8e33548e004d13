//! What a component needs that has no standard library: a heap, the host's access to it, and a panic handler. Linking
//! this crate provides them; a component exports its contract with [`contract::export!`](crate::contract::export).
//!
//! Such a component imports nothing, and instantiating it runs no code. With the standard library, which would bring
//! its own of all three, `api-gateway-http` takes 22.2 µs for a `shape` and a `respond` instead of 17.4 µs (medians of
//! `cargo bench --workspace --bench shape -- api-gateway-http` in one run; 229,127 bytes instead of 229,645).
//!
//! On failure: a panic is a trap without a message. The host's log names the plugin.

#![allow(
    unsafe_code,
    reason = "the heap, the host's access to it and the trap need it"
)]

mod heap;

use alloc::alloc::Layout;

use heap::Heap;

// `core` compares bytes with `memcmp`, the only function of the C library that is used.
#[link(name = "c")]
unsafe extern "C" {}

#[global_allocator]
static HEAP: Heap = Heap::new();

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Provides memory in which the host places the arguments of a call. The C library's own function would take it from
/// another heap.
///
/// # Safety
///
/// Only the host calls this, under the rules of the canonical ABI: `old` is null with `old_size` 0, or a block of this
/// heap with that size and `align`; `align` is a power of two.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_size: usize,
    align: usize,
    new_size: usize,
) -> *mut u8 {
    if new_size == 0 {
        return core::ptr::without_provenance_mut(align);
    }
    let block = if old_size == 0 {
        // SAFETY: `new_size` is not zero and `align` is a power of two. A size that is too large for a layout does not
        // fit into a 32-bit memory either, so it results in null.
        unsafe { alloc::alloc::alloc(Layout::from_size_align_unchecked(new_size, align)) }
    } else {
        // SAFETY: as above, and `old` was allocated here with `old_size` and `align`.
        unsafe {
            alloc::alloc::realloc(
                old,
                Layout::from_size_align_unchecked(old_size, align),
                new_size,
            )
        }
    };
    if block.is_null() {
        core::arch::wasm32::unreachable();
    }
    block
}
