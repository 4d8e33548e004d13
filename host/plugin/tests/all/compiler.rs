//! The compiler's process: its limits, its end, and what is reported of it.

use std::fs;
use std::io::{self, IsTerminal};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use lambkin_plugin::{Compiler, Compiling, ComponentError, Options, PluginHost};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::task::yield_now;

use crate::fixture::{compiler, good, options, request, slow_functions, web};

/// Not a test: what [`compiler`] starts as the compiler's process.
#[test]
#[ignore = "it is started by the tests"]
fn process() {
    if !io::stdin().is_terminal() {
        assert_eq!(lambkin_plugin::compile_for_host(), ExitCode::SUCCESS);
    }
}

/// A component that takes the compiler some seconds of processor time, and hundreds of megabytes.
fn slow() -> Bytes {
    good().with("module", &slow_functions(2, 30_000)).bytes()
}

/// Why a component does not compile with this compiler.
async fn failure(compiler: Compiler, bytes: Bytes) -> String {
    let host = PluginHost::new(Options {
        compiler,
        ..Options::default()
    })
    .expect("the engine starts");
    let error = host.load("./p.wasm", bytes).await.expect_err("it fails");
    assert!(
        matches!(error.cause, ComponentError::Compile(_)),
        "{error:?}"
    );
    error.to_string()
}

#[tokio::test]
async fn a_component_that_takes_too_long_is_refused_by_its_processor_time() {
    let mut compiler = compiler();
    compiler.cpu = Duration::from_secs(1);
    let message = failure(compiler, slow()).await;
    assert!(
        message.starts_with("cannot load plugin ./p.wasm: it cannot be compiled: its "),
        "{message}"
    );
    assert!(
        message.contains(" MB took all of the 1 s of processor time") && message.contains("split"),
        "{message}"
    );
}

#[tokio::test]
async fn a_component_that_takes_too_much_memory_is_refused() {
    let mut compiler = compiler();
    compiler.memory = 150 << 20;
    let message = failure(compiler, slow()).await;
    assert!(
        message.contains("need more than the 150 MiB of memory") && message.contains("split"),
        "{message}"
    );
}

#[tokio::test]
async fn a_compiler_that_cannot_start_or_crashes_is_named() {
    let mut missing = compiler();
    missing.program = "/nonexistent".into();
    let message = failure(missing, good().bytes()).await;
    assert!(
        message.contains("cannot be started: No such file or directory"),
        "{message}"
    );
    let mut failing = compiler();
    failing.program = "sh".into();
    failing.arguments = ["-c", "echo oh no >&2; exit 3"].map(Into::into).into();
    let message = failure(failing, good().bytes()).await;
    assert!(
        message.contains("crashed")
            && message.contains("exit status: 3")
            && message.contains("oh no"),
        "{message}"
    );
    let mut reading = compiler();
    reading.program = "sh".into();
    reading.arguments = ["-c", "head -c 9 >/dev/null; kill -SEGV $$"]
        .map(Into::into)
        .into();
    let message = failure(reading, good().bytes()).await;
    assert!(message.contains("signal: 11"), "{message}");
}

/// The compiler under a name of its own, by which its process can be found.
struct Named {
    _folder: TempDir,
    program: PathBuf,
}

impl Named {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("compiler");
        symlink(compiler().program, &program).expect("a link");
        Self {
            _folder: folder,
            program,
        }
    }

    fn compiler(&self) -> Compiler {
        Compiler {
            program: self.program.clone(),
            ..compiler()
        }
    }

    /// The process that runs now.
    fn process(&self) -> Option<Pid> {
        let processes = fs::read_dir("/proc").expect("processes");
        let mut pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.find(|pid: &i32| {
            let line = fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline"));
            line.is_ok_and(|line| line.starts_with(self.program.as_os_str().as_encoded_bytes()))
        })
        .and_then(Pid::from_raw)
    }

    async fn started(&self) -> Pid {
        loop {
            if let Some(pid) = self.process() {
                return pid;
            }
            yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_that_is_killed_is_named() {
    let named = Named::new();
    let failing = tokio::spawn(failure(named.compiler(), slow()));
    kill_process(named.started().await, Signal::KILL).expect("it runs");
    let message = failing.await.expect("a message");
    assert!(
        message.contains("the compiler was killed after") && message.contains("free some memory"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiler_ends_when_nobody_waits_for_it() {
    let named = Named::new();
    let loading = tokio::spawn(failure(named.compiler(), slow()));
    named.started().await;
    loading.abort();
    while named.process().is_some() {
        yield_now().await;
    }
}

#[tokio::test]
async fn only_a_slow_compilation_reports_its_progress() {
    static REPORTED: Mutex<Vec<(String, Compiling)>> = Mutex::new(Vec::new());
    let options = Options {
        on_slow_compile: Some(|plugin, compiling| {
            REPORTED
                .lock()
                .unwrap()
                .push((plugin.to_owned(), compiling));
        }),
        ..options()
    };
    let host = PluginHost::new(options).expect("the engine starts");
    let plugin = host.load("slow", slow()).await.expect("it compiles");
    let trigger = web(&plugin, "{}").await.expect("a trigger");
    trigger.shape(&request()).await.expect("shape");
    match &REPORTED.lock().unwrap()[..] {
        [
            (started, Compiling::Started { kept: false }),
            (finished, Compiling::Finished(took)),
        ] => {
            assert_eq!((&**started, &**finished), ("slow", "slow"));
            assert!(took.as_millis() >= 500);
        }
        other => panic!("{other:?}"),
    }
}
