//! The program that compiles, and its limits.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::protocol::COMPILER_ARGUMENT;
use crate::limits;

/// How to start the compiler's process, and its limits.
#[derive(Debug, Clone)]
pub struct Compiler {
    /// The program, which has to call [`crate::compile_for_host`] when it is started with these arguments. Default:
    /// the running one.
    pub program: PathBuf,
    /// Its arguments. Default: [`COMPILER_ARGUMENT`].
    pub arguments: Vec<OsString>,
    /// The processor time for one component, in full seconds. Default: [`limits::COMPILE_CPU`].
    pub cpu: Duration,
    /// The memory for one component, in bytes. Default: [`limits::COMPILE_MEMORY_BYTES`].
    pub memory: u64,
}

impl Default for Compiler {
    fn default() -> Self {
        Self {
            program: own_executable(),
            arguments: vec![COMPILER_ARGUMENT.into()],
            cpu: limits::COMPILE_CPU,
            memory: limits::COMPILE_MEMORY_BYTES,
        }
    }
}

/// The running executable; on Linux even if its file has been replaced since.
fn own_executable() -> PathBuf {
    if cfg!(target_os = "linux") {
        PathBuf::from("/proc/self/exe")
    } else {
        std::env::current_exe().unwrap_or_default()
    }
}
