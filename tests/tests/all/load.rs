//! Many callers, dying processes, and a thousand environments at once: every call has exactly one answer, and what the
//! host took for it, it gives back.

mod caller;
mod census;

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setrlimit};

use self::caller::{Caller, Seen};
use crate::support::{Barrier, Project, RAW_BOOTSTRAP, Server, eventually};

const FUNCTIONS: usize = 8;
const CALLERS: usize = 64;

/// How many calls each caller makes in each of the two halves; 10,000 altogether.
const CALLS: usize = 79;

/// A process is killed whenever so many calls have been answered.
const ANSWERS_PER_KILL: usize = 40;

/// Every so many events tell their process to exit.
const CALLS_PER_EXIT: usize = 100;

#[test]
#[ignore = "wants the machine for itself; .ci/run runs it"]
fn every_call_is_answered_once_while_processes_die_and_no_resources_leak() {
    let server = small_functions().serve();
    let pid = server.pid();
    let files = census::open_files(pid);
    let mut seen = half(&server, 0);
    assert_nothing_left(&server, files);
    let memory = census::memory(pid);
    seen.add(half(&server, 1));
    assert_nothing_left(&server, files);
    let memory_after = census::memory(pid);

    assert_eq!(seen.answered + seen.exited, 2 * CALLERS * CALLS);
    assert!(seen.exited >= 2 * CALLERS * CALLS / CALLS_PER_EXIT / 2);
    // The second half costs nothing that the first has not cost already. What an allocator keeps varies a little.
    assert!(
        memory_after < memory + memory / 4 + 8 * 1024,
        "{memory} KiB became {memory_after} KiB"
    );
}

/// Functions whose environments go a moment after their last call.
fn small_functions() -> Project {
    let function = |index| {
        format!(
            "[functions.f{index}]\ncode = \"{RAW_BOOTSTRAP}\"\ntimeout = 60\nconcurrency = 8\nidle-timeout = 1\n"
        )
    };
    Project::new(&(0..FUNCTIONS).map(function).collect::<String>())
}

/// Lets all callers make their calls while processes are killed.
fn half(server: &Server, number: usize) -> Seen {
    let answers = AtomicUsize::new(0);
    let mut seen = Seen::default();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let first = (number * CALLERS + caller) * CALLS;
                let (answers, url) = (&answers, server.invoke_url());
                scope.spawn(move || call(url, first, answers))
            })
            .collect();
        kill_now_and_then(server.pid(), &answers);
        for caller in callers {
            seen.add(caller.join().expect("a caller's answers are right"));
        }
    });
    seen
}

/// One caller: events numbered from `first`.
fn call(url: &str, first: usize, answers: &AtomicUsize) -> Seen {
    // However it ends, the one who kills does not wait for this caller.
    struct Counted<'a>(&'a AtomicUsize, usize);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(self.1, Ordering::Relaxed);
        }
    }
    let mut left = Counted(answers, CALLS);
    let mut caller = Caller::connect(url);
    let mut seen = Seen::default();
    for number in first..first + CALLS {
        let event = match number % CALLS_PER_EXIT {
            0 => format!("{{\"n\":{number},\"exit\":3}}"),
            _ => format!("{{\"n\":{number}}}"),
        };
        let function = format!("f{}", number % FUNCTIONS);
        caller.send(&function, &event).expect("a connection");
        let response = caller.receive().expect("an answer");
        seen.check(&event, &response);
        left.1 -= 1;
        answers.fetch_add(1, Ordering::Relaxed);
    }
    seen
}

/// Kills one of the functions' processes, each time another, as answers come.
fn kill_now_and_then(server: u32, answers: &AtomicUsize) {
    let all = CALLERS * CALLS;
    for (kills, due) in (ANSWERS_PER_KILL..all)
        .step_by(ANSWERS_PER_KILL)
        .enumerate()
    {
        eventually("answers", || answers.load(Ordering::Relaxed) >= due);
        let mut bootstraps = census::below(server);
        bootstraps.retain(census::Process::is_bootstrap);
        // A prime, so that it is now the oldest, now the newest.
        if let Some(victim) = bootstraps.get(kills * 7 % bootstraps.len().max(1)) {
            let _ended_by_itself = kill_process(
                Pid::from_raw(victim.pid).expect("a process id"),
                Signal::KILL,
            );
        }
    }
}

/// Waits until all environments and connections have gone, with everything that belongs to them. A few files may stay
/// open that the host opened when it first needed them.
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

/// The host has some ten files open for each environment; here it may have as many as this.
const FILES: u64 = 16_384;

/// In KiB: a supervisor and a bootstrap have one MiB of their own; twice as much for what the machine does besides.
const MEMORY: usize = 2 * 1024 * ENVIRONMENTS;

#[test]
#[ignore = "wants the machine for itself; .ci/run runs it"]
fn a_thousand_environments_run_at_the_same_time() {
    if let Some(reason) = too_small() {
        let line = format!("SKIPPED: {ENVIRONMENTS} environments: {reason}\n");
        let _nobody_listens = std::io::stderr().write_all(line.as_bytes());
        return;
    }
    let project = Project::echo(&format!("concurrency = {ENVIRONMENTS}\ntimeout = 120\n"));
    let server = project.serve();
    let (pid, memory) = (server.pid(), census::memory(server.pid()));
    let (barrier, begun) = (Barrier::new(), Instant::now());
    let (mut callers, arrived) = std::thread::scope(|scope| {
        // They are let in from the beginning: a listener does not keep a thousand waiting.
        let arrived = scope.spawn(|| everybody(&barrier, &server));
        let callers: Vec<_> = (0..ENVIRONMENTS)
            .map(|number| call_to_the_barrier(&server, &barrier, number))
            .collect();
        (callers, arrived.join().expect("everybody has come"))
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
    let mut seen = Seen::default();
    for (caller, event) in &mut callers {
        seen.check(event, &caller.receive().expect("an answer"));
    }
    assert_eq!(seen.answered, ENVIRONMENTS);
    drop(server);
    eventually("all processes to be gone", || {
        !processes.iter().any(|one| census::share(one.pid).is_some())
    });
}

/// Sends an event that holds its function up at the barrier.
fn call_to_the_barrier(server: &Server, barrier: &Barrier, number: usize) -> (Caller, String) {
    let event = format!("{{\"n\":{number},\"barrier\":\"{}\"}}", barrier.address());
    let mut caller = Caller::connect(server.invoke_url());
    caller.send("echo", &event).expect("a connection");
    (caller, event)
}

/// Waits until every function has come to the barrier.
fn everybody(barrier: &Barrier, server: &Server) -> Vec<TcpStream> {
    let mut arrived = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    while arrived.len() < ENVIRONMENTS {
        assert!(
            Instant::now() < deadline,
            "{} have come: {}",
            arrived.len(),
            server.log()
        );
        arrived.extend(barrier.arrived());
    }
    arrived
}

/// Prints what an environment costs.
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
    let _nobody_listens = std::io::stderr().write_all(line.as_bytes());
}

/// Why this machine can not run so many, after raising what may be raised.
fn too_small() -> Option<String> {
    let mut files = getrlimit(Resource::Nofile);
    if files.maximum.is_some_and(|most| most < FILES) {
        return Some(format!("a process may open {:?} files", files.maximum));
    }
    files.current = files.maximum;
    let _stays_as_it_is = setrlimit(Resource::Nofile, files);
    let processes = getrlimit(Resource::Nproc).current;
    if processes.is_some_and(|most| most < 4 * ENVIRONMENTS as u64) {
        return Some(format!("a user may have {processes:?} processes"));
    }
    let memory = census::available_memory();
    (memory < MEMORY).then(|| format!("{memory} KiB of memory are free"))
}
