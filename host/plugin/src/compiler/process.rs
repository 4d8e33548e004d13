//! The host's side of the compiler's process.

use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::failure::Failure;
use super::program::Compiler;
use super::protocol::{self, Reply, Request};

/// What of the standard error of the compiler's process is kept, in bytes.
const MAX_WRITTEN: u64 = 4 << 10;

/// Compiled code, and why it could not be kept in the cache.
pub(crate) struct Compiled {
    pub code: Vec<u8>,
    pub not_kept: Option<String>,
}

/// Compiles a component in a process of its own. If the returned future is dropped, the process is killed.
pub(crate) async fn compile(
    compiler: &Compiler,
    request: Request,
    component: Bytes,
) -> Result<Compiled, Failure> {
    let (ours, theirs) = UnixStream::pair().map_err(Failure::NotStarted)?;
    let _hang_up = HangUp(ours.try_clone().map_err(Failure::NotStarted)?);
    let mut command = Command::new(&compiler.program);
    command
        .args(&compiler.arguments)
        .env_clear()
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // Ctrl-C in the terminal is for the host only; the compiler ends when the host's socket closes.
        .process_group(0);
    let (done, result) = oneshot::channel();
    let work = move || {
        let _ = done.send(run(command, ours, &request, &component)); // the caller has given up
    };
    // Not one of the runtime's threads for blocking work, which a runtime waits for when it shuts down.
    thread::Builder::new()
        .name("plugin-compiler".into())
        .spawn(work)
        .map_err(Failure::NotStarted)?;
    let lost = |_| Failure::NotStarted(io::Error::other("its thread ended"));
    result.await.unwrap_or_else(|error| Err(lost(error)))
}

/// Closes the host's end of the socket for both sides, also in the thread that waits for data.
struct HangUp(UnixStream);

impl Drop for HangUp {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both); // the other side has closed it
    }
}

fn run(
    mut command: Command,
    mut socket: UnixStream,
    request: &Request,
    component: &[u8],
) -> Result<Compiled, Failure> {
    let mut child = command.spawn().map_err(Failure::NotStarted)?;
    drop(command); // it has the child's end of the socket
    let written = child.stderr.take().map(collect);
    let reply = exchange(&mut socket, request, component);
    drop(socket);
    match reply {
        Ok(result) => {
            end(&mut child);
            result
        }
        // The process has ended, or the caller has given up.
        Err(error) => {
            let status = end(&mut child).ok_or(Failure::NotStarted(error))?;
            let written = written.and_then(|thread| thread.join().ok());
            Err(Failure::of(status, &written.unwrap_or_default()))
        }
    }
}

/// Sends the request and receives the reply.
fn exchange(
    socket: &mut UnixStream,
    request: &Request,
    component: &[u8],
) -> io::Result<Result<Compiled, Failure>> {
    // A process that has ended early has not read everything, and may have replied all the same.
    let sent = protocol::send(socket, request, component);
    match protocol::receive(socket) {
        Ok(Reply::Code { size, not_kept }) => {
            let code = protocol::receive_bytes(socket, size)?;
            Ok(Ok(Compiled { code, not_kept }))
        }
        Ok(Reply::Refused(reason)) => Ok(Err(Failure::Refused(reason))),
        Ok(Reply::OutOfMemory) => Ok(Err(Failure::Memory)),
        Err(error) => Err(sent.err().unwrap_or(error)),
    }
}

/// Kills the process, if it has not ended yet, and reaps it.
fn end(child: &mut Child) -> Option<std::process::ExitStatus> {
    // Its side of the socket may be closed a moment before it can be reaped. A signal does not change how it ends then.
    let _ = child.kill(); // it has ended
    child.wait().ok()
}

/// Reads the beginning of what the process writes to standard error, and discards the rest.
fn collect(mut stderr: ChildStderr) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = (&mut stderr).take(MAX_WRITTEN).read_to_end(&mut bytes); // what was read until then
        let _ = io::copy(&mut stderr, &mut io::sink());
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
