//! The component's heap: blocks in a row, and a new start once all are freed.
//!
//! A call allocates, answers and frees everything, and then the host drops the instance. So the heap never looks for
//! a gap: a block is placed after the last one, the last one can grow and shrink where it is, and when no block is left
//! the row begins anew, so an instance that serves many calls needs no more memory than the largest of them. What counts
//! is the first call, and for it the heap has no tables to set up and touches no page but those it hands out.
//!
//! On failure: null when the memory can not grow, which ends the call with a trap.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::Cell;
use core::ptr;

const PAGE: usize = 64 * 1024;

/// Addresses, all 0 before the first block.
pub struct Heap {
    /// Where the next block may start.
    next: Cell<usize>,
    /// Where the last block starts.
    last: Cell<usize>,
    /// Where the memory ends.
    end: Cell<usize>,
    /// How many blocks are in use.
    blocks: Cell<usize>,
}

// SAFETY: a component's instance has one thread.
unsafe impl Sync for Heap {}

unsafe extern "C" {
    /// Placed by the linker after the stack and all static data.
    static __heap_base: u8;
}

impl Heap {
    /// A heap without blocks.
    pub const fn new() -> Self {
        Self {
            next: Cell::new(0),
            last: Cell::new(0),
            end: Cell::new(0),
            blocks: Cell::new(0),
        }
    }

    /// Makes the memory reach up to `end`. False if it can not.
    fn reach(&self, end: usize) -> bool {
        if end <= self.end.get() {
            return true;
        }
        let end_of_memory = memory_size(0) * PAGE;
        if end > end_of_memory && memory_grow(0, (end - end_of_memory).div_ceil(PAGE)) == usize::MAX
        {
            return false;
        }
        self.end.set(memory_size(0) * PAGE);
        true
    }
}

// SAFETY: blocks lie between `__heap_base` and the end of the memory, aligned as asked, and do not overlap: `next` never
// lies before the end of a block in use, and begins anew only when none is.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.blocks.get() == 0 {
            self.next.set((&raw const __heap_base).addr());
        }
        let end = self
            .next
            .get()
            .checked_next_multiple_of(layout.align())
            .and_then(|start| {
                let end = start.checked_add(layout.size())?;
                Some((start, end))
            });
        match end {
            Some((start, end)) if self.reach(end) => {
                self.last.set(start);
                self.next.set(end);
                self.blocks.set(self.blocks.get() + 1);
                ptr::with_exposed_provenance_mut(start)
            }
            _ => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        self.blocks.set(self.blocks.get() - 1);
        if block.addr() == self.last.get() {
            self.next.set(block.addr());
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if block.addr() == self.last.get() {
            return match block.addr().checked_add(new_size) {
                Some(end) if self.reach(end) => {
                    self.next.set(end);
                    block
                }
                _ => ptr::null_mut(),
            };
        }
        if new_size <= layout.size() {
            return block;
        }
        // SAFETY: `new_size` is not zero and fits a layout of this alignment, as the caller has promised; the new block
        // is longer than the old one and lies elsewhere.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, layout.size());
                self.dealloc(block, layout);
            }
            new
        }
    }
}
