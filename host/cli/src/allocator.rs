//! The program's memory allocator.
//!
//! On Linux this is jemalloc, because it returns memory to the system: a minute after 100 clients had not read answers
//! of 5 MB, the C library's allocator kept 490 MB, mimalloc half of that, and jemalloc 2 MB. Requests take no more time.
//! An idle host uses 2 MB more, and each supervisor 0.4 MB. Other systems keep their own allocator.

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Starts the threads that return freed memory within about 10 seconds, even if the program allocates nothing
/// meanwhile. They sleep while there is nothing to return.
///
/// On failure, memory is returned later: when threads allocate and free again.
pub(crate) fn return_memory() {
    #[cfg(target_os = "linux")]
    if let Err(error) = tikv_jemalloc_ctl::background_thread::write(true) {
        tracing::debug!("memory is returned to the system without threads of its own: {error}");
    }
}
