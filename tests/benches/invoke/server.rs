//! A running subject: started, timed until it listens, and stopped with everything it started.
//!
//! It runs in a process group of its own, in a temporary folder, with its output in files there. Dropping it asks
//! it to stop, then kills its group and whatever it left behind, each by its id: [`adopt_orphans`] makes those
//! children of the benchmark. One server runs at a time.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{
    Pid, Signal, WaitOptions, getpid, kill_process, kill_process_group, set_child_subreaper, wait,
};
use tempfile::TempDir;

use crate::load::Target;
use crate::process::{self, descendants};
use crate::subject::{Name, Subject};

/// How long a subject may take to listen.
const START: Duration = Duration::from_secs(30);
/// How long a subject may take to stop when asked.
const STOP: Duration = Duration::from_secs(3);
/// Interval at which a condition is checked.
const POLL: Duration = Duration::from_micros(100);

/// A running subject.
pub struct Server {
    /// Where it is invoked.
    pub target: Target,
    /// From just before its process was made until a TCP connection to it succeeded.
    pub listening: Duration,
    started: Instant,
    ready: Option<Receiver<Duration>>,
    child: Child,
    folder: TempDir,
    name: Name,
}

impl Server {
    /// Starts a subject with at most `environments` bootstraps and waits until it listens.
    ///
    /// # Errors
    /// When it cannot be started, ends at once or does not listen; the error ends with what it wrote last.
    pub fn start(subject: &Subject, environments: usize) -> Result<Self> {
        let folder = TempDir::with_prefix("lambkin-bench-")?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let mut command = subject.command(address.port(), environments, folder.path())?;
        command.process_group(0).stdin(Stdio::null());
        command.stderr(File::create(folder.path().join("stderr"))?);
        if subject.name.is_lambkin() {
            command.stdout(Stdio::piped());
        } else {
            command.stdout(File::create(folder.path().join("stdout"))?);
        }
        let started = Instant::now();
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let ready = child.stdout.take().map(|stdout| watch(stdout, started));
        let mut server = Self {
            target: Target {
                address,
                path: subject.name.path().to_owned(),
                is_wrapped: subject.name == Name::Plugin,
            },
            listening: Duration::ZERO,
            started,
            ready,
            child,
            folder,
            name: subject.name,
        };
        server.wait_for_listener()?;
        Ok(server)
    }

    /// From the start of its process until now.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// From the start of its process until its ready line; `None` when it has none.
    pub fn ready(&self) -> Option<Duration> {
        self.ready.as_ref()?.recv_timeout(START).ok()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many bootstraps it runs.
    pub fn environments(&self) -> usize {
        let bootstraps = descendants(self.pid());
        bootstraps
            .iter()
            .filter(|process| process.name == "raw-bootstrap")
            .count()
    }

    /// The proportional memory of its supervisor processes together, in MB, and how many there are. Shared pages count in
    /// parts, so that the sum is what they occupy.
    pub fn supervisors(&self) -> (f64, usize) {
        let others = descendants(self.pid());
        let others = others
            .iter()
            .filter(|process| process.name != "raw-bootstrap")
            .filter_map(|process| process::proportional_mb(process.pid).ok());
        others.fold((0.0, 0), |(sum, count), mb| (sum + mb, count + 1))
    }

    /// The last line it wrote, to explain a failure.
    pub fn last_words(&self) -> String {
        let files = ["stderr", "stdout"]
            .map(|name| fs::read(self.folder.path().join(name)).unwrap_or_default());
        let mut lines = files.iter().filter_map(|bytes| {
            let text = String::from_utf8_lossy(bytes);
            text.trim().lines().next_back().map(str::to_owned)
        });
        lines
            .next_back()
            .unwrap_or_else(|| "it wrote nothing".to_owned())
    }

    fn wait_for_listener(&mut self) -> Result<()> {
        while TcpStream::connect(self.target.address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "it ended before it listened ({status}): {}",
                    self.last_words()
                );
            }
            if self.age() > START {
                bail!("it does not listen after {START:?}: {}", self.last_words());
            }
            thread::sleep(POLL);
        }
        self.listening = self.age();
        Ok(())
    }

    fn end(&mut self) {
        let Some(pid) = Pid::from_raw(self.pid().cast_signed()) else {
            return;
        };
        // cargo lambda watch only stops tidily on an interrupt.
        let polite = match self.name {
            Name::CargoLambda => Signal::INT,
            _ => Signal::TERM,
        };
        let _gone = kill_process(pid, polite);
        let _late = wait_until(STOP, || !matches!(self.child.try_wait(), Ok(None)));
        let _gone = kill_process_group(pid, Signal::KILL);
        let _status = self.child.wait();
        if !wait_until(STOP, none_left) {
            for left in descendants(std::process::id()) {
                let _gone = Pid::from_raw(left.pid.cast_signed())
                    .map(|pid| kill_process(pid, Signal::KILL));
            }
            let _stuck = wait_until(STOP, none_left);
        }
    }
}

/// Makes the benchmark the parent of all orphaned descendants, so that it can stop them.
///
/// # Errors
/// When the kernel refuses.
pub fn adopt_orphans() -> Result<()> {
    set_child_subreaper(Some(getpid())).context("cannot adopt orphaned processes")
}

/// Collects the children that have ended; true when there is no other.
fn none_left() -> bool {
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
    descendants(std::process::id()).is_empty()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A port of the loopback that is free now.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Records when the first line arrives and reads to the end, so that the writer never blocks.
fn watch(stdout: ChildStdout, started: Instant) -> Receiver<Duration> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for (index, line) in BufReader::new(stdout).split(b'\n').enumerate() {
            if line.is_err() {
                break;
            }
            if index == 0 {
                let _unread = sender.send(started.elapsed());
            }
        }
    });
    receiver
}

fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if started.elapsed() > limit {
            return false;
        }
        thread::sleep(POLL * 10);
    }
}
