//! Load: many callers, dying processes, and a thousand concurrent environments. Every call gets exactly one response,
//! and the host releases all resources it used.

mod caller;
mod census;
mod idle_websockets;

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setrlimit};

use self::caller::{Caller, Outcomes};
use crate::support::{Barrier, Project, RAW_BOOTSTRAP, Server, eventually};

const FUNCTIONS: usize = 8;
const CALLERS: usize = 64;

/// Calls of each caller in each of the two halves; about 10,000 in total.
const CALLS: usize = 79;

/// A process is killed each time this many calls have been answered.
const ANSWERS_PER_KILL: usize = 40;

/// One in this many events makes its process exit.
const CALLS_PER_EXIT: usize = 100;

#[test]
#[ignore = "wants the machine for itself; .ci/run runs it"]
fn every_call_is_answered_once_while_processes_die_and_no_resources_leak() {
    let server = small_functions().serve();
    let pid = server.pid();
    let files = census::open_files(pid);
    let mut outcomes = run_half(&server, 0);
    assert_nothing_left(&server, files);
    let memory = census::memory(pid);
    outcomes.add(run_half(&server, 1));
    assert_nothing_left(&server, files);
    let memory_after = census::memory(pid);

    assert_eq!(outcomes.answered + outcomes.exited, 2 * CALLERS * CALLS);
    assert!(outcomes.exited >= 2 * CALLERS * CALLS / CALLS_PER_EXIT / 2);
    // The second half must not need more memory than the first, apart from variations in what the allocator keeps.
    assert!(
        memory_after < memory + memory / 4 + 8 * 1024,
        "{memory} KiB became {memory_after} KiB"
    );
}

/// Functions whose environments shut down one second after their last call.
fn small_functions() -> Project {
    let function = |index| {
        format!(
            "[functions.f{index}]\ncode = \"{RAW_BOOTSTRAP}\"\ntimeout = 60\nconcurrency = 8\nidle-timeout = 1\n"
        )
    };
    Project::new(&(0..FUNCTIONS).map(function).collect::<String>())
}

/// Runs all callers while processes are killed.
fn run_half(server: &Server, number: usize) -> Outcomes {
    let answers = AtomicUsize::new(0);
    let mut outcomes = Outcomes::default();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let first = (number * CALLERS + caller) * CALLS;
                let (answers, url) = (&answers, server.invoke_url());
                scope.spawn(move || call(url, first, answers))
            })
            .collect();
        kill_periodically(server.pid(), &answers);
        for caller in callers {
            outcomes.add(caller.join().expect("a caller's answers are right"));
        }
    });
    outcomes
}

/// One caller: events numbered from `first`.
fn call(url: &str, first: usize, answers: &AtomicUsize) -> Outcomes {
    // If this caller fails, its remaining calls count as answered, so that the killer does not wait for them.
    struct Counted<'a>(&'a AtomicUsize, usize);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(self.1, Ordering::Relaxed);
        }
    }
    let mut left = Counted(answers, CALLS);
    let mut caller = Caller::connect(url);
    let mut outcomes = Outcomes::default();
    for number in first..first + CALLS {
        let event = match number % CALLS_PER_EXIT {
            0 => format!("{{\"n\":{number},\"exit\":3}}"),
            _ => format!("{{\"n\":{number}}}"),
        };
        let function = format!("f{}", number % FUNCTIONS);
        caller.send(&function, &event).expect("a connection");
        let response = caller.receive().expect("an answer");
        outcomes.check(&event, &response);
        left.1 -= 1;
        answers.fetch_add(1, Ordering::Relaxed);
    }
    outcomes
}

/// Kills a function process, a different one each time, whenever [`ANSWERS_PER_KILL`] more calls have been answered.
fn kill_periodically(server: u32, answers: &AtomicUsize) {
    let all = CALLERS * CALLS;
    for (kills, due) in (ANSWERS_PER_KILL..all)
        .step_by(ANSWERS_PER_KILL)
        .enumerate()
    {
        eventually("answers", || answers.load(Ordering::Relaxed) >= due);
        let mut bootstraps = census::below(server);
        bootstraps.retain(census::Process::is_bootstrap);
        // A prime factor selects processes of different ages.
        if let Some(victim) = bootstraps.get(kills * 7 % bootstraps.len().max(1)) {
            // Ignored: it may have exited.
            let _ = kill_process(
                Pid::from_raw(victim.pid).expect("a process id"),
                Signal::KILL,
            );
        }
    }
}

/// Waits until all environments and connections are gone with their resources. A few files that the host opened on
/// first use may stay open.
#[track_caller]
fn assert_nothing_left(server: &Server, files_before: usize) {
    eventually("all processes to be gone", || {
        census::below(server.pid()).is_empty()
    });
    eventually("all files to be closed", || {
        census::open_files(server.pid()) <= files_before + 4
    });
}

const ENVIRONMENTS: usize = 1000;

/// Maximum number of open files of the host, which needs about ten for each environment.
const FILES: u64 = 16_384;

/// Required free memory in KiB: a supervisor and a bootstrap need one MiB; doubled to leave memory for everything else.
const MEMORY: usize = 2 * 1024 * ENVIRONMENTS;

#[test]
#[ignore = "wants the machine for itself; .ci/run runs it"]
fn a_thousand_environments_run_at_the_same_time() {
    if let Some(reason) = too_small() {
        let line = format!("SKIPPED: {ENVIRONMENTS} environments: {reason}\n");
        let _ = std::io::stderr().write_all(line.as_bytes()); // standard error may be closed
        return;
    }
    let project = Project::echo(&format!("concurrency = {ENVIRONMENTS}\ntimeout = 120\n"));
    let server = project.serve();
    let (pid, memory) = (server.pid(), census::memory(server.pid()));
    let (barrier, begun) = (Barrier::new(), Instant::now());
    let (mut callers, arrived) = std::thread::scope(|scope| {
        // Connections are accepted from the start, because the backlog of a listener cannot hold a thousand.
        let arrived = scope.spawn(|| wait_for_all(&barrier, &server));
        let callers: Vec<_> = (0..ENVIRONMENTS)
            .map(|number| call_to_the_barrier(&server, &barrier, number))
            .collect();
        (
            callers,
            arrived
                .join()
                .expect("every function has reached the barrier"),
        )
    });
    let started = begun.elapsed();
    let processes = census::below(pid);
    let bootstraps = processes.iter().filter(|one| one.is_bootstrap()).count();
    assert_eq!(bootstraps, ENVIRONMENTS);
    report(
        &server,
        memory,
        &processes,
        &format!("{:.1} s", started.as_secs_f32()),
    );
    drop(arrived);
    let mut outcomes = Outcomes::default();
    for (caller, event) in &mut callers {
        outcomes.check(event, &caller.receive().expect("an answer"));
    }
    assert_eq!(outcomes.answered, ENVIRONMENTS);
    drop(server);
    eventually("all processes to be gone", || {
        !processes.iter().any(|one| census::share(one.pid).is_some())
    });
}

/// Sends an event that makes its function wait at the barrier.
fn call_to_the_barrier(server: &Server, barrier: &Barrier, number: usize) -> (Caller, String) {
    let event = format!("{{\"n\":{number},\"barrier\":\"{}\"}}", barrier.address());
    let mut caller = Caller::connect(server.invoke_url());
    caller.send("echo", &event).expect("a connection");
    (caller, event)
}

/// Waits until every function has reached the barrier.
fn wait_for_all(barrier: &Barrier, server: &Server) -> Vec<TcpStream> {
    let mut arrived = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    while arrived.len() < ENVIRONMENTS {
        assert!(
            Instant::now() < deadline,
            "{} functions have reached the barrier: {}",
            arrived.len(),
            server.log()
        );
        arrived.extend(barrier.arrived());
    }
    arrived
}

/// Prints the resources used by each environment.
fn report(server: &Server, before: usize, processes: &[census::Process], started: &str) {
    let host = census::memory(server.pid()).saturating_sub(before) / ENVIRONMENTS;
    let files = census::open_files(server.pid()) / ENVIRONMENTS;
    let shares = |bootstraps: bool| -> usize {
        let of_kind = processes
            .iter()
            .filter(|one| one.is_bootstrap() == bootstraps);
        of_kind
            .filter_map(|one| census::share(one.pid))
            .sum::<usize>()
            / ENVIRONMENTS
    };
    let line = format!(
        "{ENVIRONMENTS} environments in {started}; each: {host} KiB and {files} files of the host, {} KiB of its supervisor, \
         {} KiB of its bootstrap\n",
        shares(false),
        shares(true)
    );
    let _ = std::io::stderr().write_all(line.as_bytes()); // standard error may be closed
}

/// The reason why this machine cannot run [`ENVIRONMENTS`] environments, after raising the limit of open files.
fn too_small() -> Option<String> {
    let mut files = getrlimit(Resource::Nofile);
    if files.maximum.is_some_and(|max| max < FILES) {
        return Some(format!("a process may open {:?} files", files.maximum));
    }
    files.current = files.maximum;
    let _ = setrlimit(Resource::Nofile, files); // the check below uses the actual limit
    let processes = getrlimit(Resource::Nproc).current;
    if processes.is_some_and(|max| max < 4 * ENVIRONMENTS as u64) {
        return Some(format!("a user may have {processes:?} processes"));
    }
    let memory = census::available_memory();
    (memory < MEMORY).then(|| format!("{memory} KiB of memory are free"))
}
