//! The processes of external extensions, which run beside the runtime's process.
//!
//! Each process has a task that reads its output and waits for its end, so that the sandbox receives the events of all
//! processes through one channel. A process that is removed is killed with all its descendants.

use std::sync::Arc;

use lambkin_process::{Exit, Launch, Process};
use tokio::sync::mpsc;

use super::output::Output;
use crate::limits::{KILL_TIMEOUT, PROCESS_EVENT_BACKLOG};
use crate::runtime_api::Peers;

/// The external extensions of one sandbox.
#[derive(Debug)]
pub(super) struct ExtensionProcesses {
    running: Vec<ExtensionProcess>,
    peers: Arc<Peers>,
    sender: mpsc::Sender<ProcessEvent>,
    events: mpsc::Receiver<ProcessEvent>,
}

#[derive(Debug)]
struct ExtensionProcess {
    name: String,
    /// The host's own processes around it.
    own: Vec<i32>,
    commands: mpsc::UnboundedSender<Command>,
}

/// A command to the task of a process. When the channel closes, the process is killed.
#[derive(Debug, Clone, Copy)]
enum Command {
    Freeze,
    Thaw,
}

/// An event of one of the processes.
#[derive(Debug)]
pub(super) enum ProcessEvent {
    /// The extension with this name has been started, below the host's own processes with these ids.
    Started(String, Vec<i32>),
    /// The extension with this number wrote these bytes to one of its outputs.
    Output(usize, Vec<u8>),
    /// The process of the extension with this name has ended.
    Exited(String, Exit),
}

impl ExtensionProcesses {
    pub(super) fn new(peers: Arc<Peers>) -> Self {
        let (sender, events) = mpsc::channel(PROCESS_EVENT_BACKLOG);
        Self {
            running: Vec::new(),
            peers,
            sender,
            events,
        }
    }

    /// Starts an extension. If it cannot be started, the event is [`ProcessEvent::Exited`].
    pub(super) fn start(&mut self, name: String, launch: Launch) {
        let (commands, receiver) = mpsc::unbounded_channel();
        let number = self.running.len();
        let events = self.sender.clone();
        let peers = Arc::clone(&self.peers);
        tokio::spawn(watch(number, name.clone(), launch, peers, receiver, events));
        self.running.push(ExtensionProcess {
            name,
            own: Vec::new(),
            commands,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Waits for the next event; never returns if there is none.
    pub(super) async fn next(&mut self) -> ProcessEvent {
        let Some(event) = self.events.recv().await else {
            // Unreachable: `self` holds a sender.
            return std::future::pending().await;
        };
        match &event {
            ProcessEvent::Started(name, own) => {
                let process = self.running.iter_mut().find(|one| one.name == *name);
                if let Some(process) = process {
                    process.own.clone_from(own);
                }
            }
            ProcessEvent::Exited(name, _) => self.running.retain(|one| one.name != *name),
            ProcessEvent::Output(..) => {}
        }
        event
    }

    /// The ids of the host's own processes around the extensions.
    pub(super) fn pids(&self) -> impl Iterator<Item = i32> {
        self.running
            .iter()
            .flat_map(|process| &process.own)
            .copied()
    }

    pub(super) fn freeze(&self) {
        self.send(Command::Freeze);
    }

    pub(super) fn thaw(&self) {
        self.send(Command::Thaw);
    }

    /// Kills all processes except those of the named extensions. An event follows for each.
    pub(super) fn kill_all_except(&mut self, names: &[String]) {
        for process in &mut self.running {
            if !names.contains(&process.name) {
                // Closes the channel.
                process.commands = mpsc::unbounded_channel().0;
            }
        }
    }

    fn send(&self, command: Command) {
        for process in &self.running {
            let _ = process.commands.send(command); // the process has just ended
        }
    }
}

/// Starts a process and watches it until it ends.
async fn watch(
    number: usize,
    name: String,
    launch: Launch,
    peers: Arc<Peers>,
    commands: mpsc::UnboundedReceiver<Command>,
    events: mpsc::Sender<ProcessEvent>,
) {
    let spawn = || Process::spawn(&launch);
    let exit = match peers.add(spawn, |(one, _)| one.supervisor_pid()) {
        Ok((process, outputs)) => {
            let watcher = Watcher {
                number,
                process,
                outputs: [Output::new(outputs.stdout), Output::new(outputs.stderr)],
                events: events.clone(),
            };
            watcher.watch(&name, commands).await
        }
        Err(error) => Exit::not_started(&error),
    };
    send(&events, ProcessEvent::Exited(name, exit)).await;
}

struct Watcher {
    number: usize,
    process: Process,
    outputs: [Output; 2],
    events: mpsc::Sender<ProcessEvent>,
}

impl Watcher {
    async fn watch(mut self, name: &str, mut commands: mpsc::UnboundedReceiver<Command>) -> Exit {
        if let Err(exit) = self.process.started().await {
            if let Some(failure) = self.process.failure() {
                let text = format!("lambkin: the sandbox of {name} could not be made: {failure}\n");
                send(
                    &self.events,
                    ProcessEvent::Output(self.number, text.into_bytes()),
                )
                .await;
            }
            return exit;
        }
        let own = self.process.own_pids().collect();
        send(&self.events, ProcessEvent::Started(name.to_owned(), own)).await;
        loop {
            let [stdout, stderr] = &mut self.outputs;
            let mut written = Vec::new();
            let exit = tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(Command::Freeze) => { self.process.freeze(); None }
                    Some(Command::Thaw) => { self.process.thaw(); None }
                    None => {
                        let killed = tokio::time::timeout(KILL_TIMEOUT, self.process.kill());
                        let _ = killed.await; // a process that SIGKILL does not end is left to the operating system
                        Some(Exit::Signal(9))
                    }
                },
                exit = self.process.exited() => Some(exit),
                () = stdout.readable() => { stdout.read(|piece| written.extend_from_slice(piece)); None }
                () = stderr.readable() => { stderr.read(|piece| written.extend_from_slice(piece)); None }
            };
            if exit.is_some() {
                for output in &mut self.outputs {
                    output.drain(|piece| written.extend_from_slice(piece));
                }
            }
            if !written.is_empty() {
                send(&self.events, ProcessEvent::Output(self.number, written)).await;
            }
            if let Some(exit) = exit {
                return exit;
            }
        }
    }
}

async fn send(events: &mpsc::Sender<ProcessEvent>, event: ProcessEvent) {
    let _ = events.send(event).await; // the sandbox has been dropped
}
