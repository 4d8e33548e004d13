//! The compiler's process.
//!
//! It receives a [`Request`] on the socket that is its standard input, limits itself, compiles, keeps the code in the
//! cache, and sends the [`Reply`]. It ends at once when the socket closes. What ends it earlier, a limit or a crash, the
//! host learns from its exit status and from what it has written to standard error.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::{fs, thread};

use rustix::process::{Resource, Rlimit, Signal, getpid, getrlimit, kill_process, setrlimit};
use wasmtime::Engine;

use super::protocol::{self, Reply, Request};
use crate::cache::{self, Cache};
use crate::engine;
use crate::text::quote;

/// The time between the signal that reports the end of the processor time, and the one that cannot be ignored.
const CPU_GRACE_SECONDS: u64 = 5;

/// Runs this process as a compiler. Its standard input must be the host's socket.
pub fn compile_for_host() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        // The host is gone, or this is a person who started the compiler by hand.
        Err(error) => {
            let _ = writeln!(
                io::stderr(),
                "lambkin's plugin compiler failed: {error}; only lambkin itself can start it"
            ); // standard error may be closed
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let mut host = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let request: Request = protocol::receive(&mut host)?;
    let component = protocol::receive_bytes(&mut host, request.size)?;
    limit(&request)?;
    end_with(host.try_clone()?)?;
    match compile(&request, &component) {
        Ok(code) => {
            let cache = request.cache.map(Cache::at);
            let kept = cache.map(|cache| cache.write(&request.key, &code));
            let reply = Reply::Code {
                size: code.len(),
                not_kept: kept.and_then(Result::err).map(|error| error.to_string()),
            };
            protocol::send(&mut host, &reply, &code)
        }
        Err(reply) => protocol::send(&mut host, &reply, &[]),
    }
}

/// Limits this process. Systems other than Linux do not limit the memory of a process.
fn limit(request: &Request) -> io::Result<()> {
    let set = |resource, soft: u64, hard: u64| {
        // A limit that the user has set is not raised.
        let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit {
            current: Some(soft.min(most)),
            maximum: Some(hard.min(most)),
        };
        setrlimit(resource, limit)
    };
    let cpu = request.cpu_seconds;
    set(Resource::Cpu, cpu, cpu.saturating_add(CPU_GRACE_SECONDS))?;
    let _ = set(Resource::Core, 0, 0); // a crash leaves no file behind
    if cfg!(target_os = "linux") {
        // Heap and stacks, but neither the program nor reserved address space.
        set(Resource::Data, request.memory, request.memory)?;
        // If the machine itself runs out of memory, this process is the one to end.
        let _ = fs::write("/proc/self/oom_score_adj", "1000"); // a system that does not allow it decides itself
    }
    Ok(())
}

/// Ends this process when the host closes the socket, whatever the compiler is doing then.
fn end_with(mut host: UnixStream) -> io::Result<()> {
    let watch = move || {
        while host.read(&mut [0; 64]).is_ok_and(|length| length > 0) {}
        let _ = kill_process(getpid(), Signal::KILL);
    };
    thread::Builder::new().spawn(watch).map(drop)
}

fn compile(request: &Request, component: &[u8]) -> Result<Vec<u8>, Reply> {
    let refused = |text: &str| Reply::Refused(quote(text));
    let engine: Engine = engine::for_compiling(request.allocation, request.tasks)
        .map_err(|error| refused(&error.to_string()))?;
    if cache::key(&engine, &cache::digest(component)) != request.key {
        // Possible only where a process cannot start its own executable again after the file was replaced.
        return Err(refused(
            "lambkin was updated while it was running; start it again",
        ));
    }
    engine
        .precompile_component(component)
        .map_err(|error| match is_out_of_memory(&error) {
            true => Reply::OutOfMemory,
            false => refused(&format!("{error:#}")),
        })
}

fn is_out_of_memory(error: &wasmtime::Error) -> bool {
    let cause = error.root_cause();
    cause.is::<wasmtime::OutOfMemory>()
        || cause.downcast_ref() == Some(&rustix::io::Errno::NOMEM)
        || cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory)
}
