//! Restarting functions whose code has changed.
//!
//! One thread receives the operating system's events for the functions' files. A burst of changes causes one restart:
//! the function's code and variables are read again, its environments are retired, and a line of the log names the
//! first changed file. Invocations under way finish with the old code.
//!
//! On failure to read the code or an env-file again, the function stays as it was, which is logged; the next change is
//! the next attempt. If there is no function to watch, no thread is started.

mod folders;
mod watched;

use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context;
use lambkin_lambda::Log;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind};

use folders::Folders;
pub use watched::Watched;

/// How often the watched folders are compared with those on disk. There is no event when a parent folder is replaced.
const RESCAN: Duration = Duration::from_secs(1);

type Events = Receiver<notify::Result<Event>>;

/// Watches these functions until the process ends.
pub fn start(functions: Vec<Watched>, log: Log) -> anyhow::Result<()> {
    if functions.is_empty() {
        return Ok(());
    }
    let (sender, events) = mpsc::channel();
    let watcher = notify::recommended_watcher(sender).context(
        "cannot watch files (on Linux, fs.inotify.max_user_instances may have to be raised); \
         --no-watch starts without watching",
    )?;
    let folders = Folders::watch(watcher, functions.iter().flat_map(Watched::targets))?;
    let watch = Watch {
        functions,
        folders,
        log,
    };
    std::thread::Builder::new()
        .name("watch".to_owned())
        .spawn(move || watch.run(&events))?;
    Ok(())
}

struct Watch {
    functions: Vec<Watched>,
    folders: Folders,
    log: Log,
}

impl Watch {
    fn run(mut self, events: &Events) {
        loop {
            match events.recv_timeout(self.pause()) {
                Ok(event) => self.record(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            for folder in self.folders.rewatch_replaced() {
                for function in &mut self.functions {
                    function.record_replaced(&folder);
                }
            }
            for function in &mut self.functions {
                if let Some(line) = function.restart_if_due() {
                    self.log.line(&line);
                }
            }
        }
    }

    fn pause(&self) -> Duration {
        let next = self.functions.iter().filter_map(Watched::due).min();
        next.map_or(RESCAN, |due| {
            due.saturating_duration_since(Instant::now()).min(RESCAN)
        })
    }

    fn record(&mut self, event: notify::Result<Event>) {
        let event = match event {
            Ok(event) => event,
            Err(error) => return self.log.line(&format!("watching files: {error}")),
        };
        if event.need_rescan() {
            // The operating system has lost events.
            let root = Path::new("/");
            return self
                .functions
                .iter_mut()
                .for_each(|function| function.record_replaced(root));
        }
        if !is_change(event.kind) {
            return;
        }
        for path in &event.paths {
            if matches!(
                event.kind,
                EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
            ) {
                self.folders.removed(path);
            }
            for function in &mut self.functions {
                function.record(path);
            }
        }
    }
}

/// Whether an event reports a change. Opening, reading and closing without a write do not.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
