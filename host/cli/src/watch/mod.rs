//! Restarting functions whose code has changed.
//!
//! One thread listens to what the operating system says about the functions' files. A burst of changes is one restart:
//! the function's origin is read again, its environments are retired, and one line of the log says why. Calls under way
//! finish on what they began with.
//!
//! On failure: a function whose code or env-file can not be read again stays as it was, and says so; the next change is
//! the next attempt. Without a function to watch there is no thread.

mod ignore;
mod places;
mod watched;

use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::Context;
use lambkin_lambda::Log;
use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind};

pub use ignore::Ignore;
use places::Places;
pub use watched::Watched;

/// How often folders are looked at that may have been replaced from above, of which there is no event.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

type Events = Receiver<notify::Result<Event>>;

/// Watches these functions until the process ends.
pub fn start(functions: Vec<Watched>, log: Log) -> anyhow::Result<()> {
    if functions.is_empty() {
        return Ok(());
    }
    let (sender, events) = mpsc::channel();
    let watcher = notify::recommended_watcher(sender).context(
        "can not watch files (on Linux the limit is fs.inotify.max_user_instances); \
         --no-watch starts without",
    )?;
    let places = Places::watch(watcher, functions.iter().flat_map(Watched::targets))?;
    let watch = Watch {
        functions,
        places,
        log,
    };
    std::thread::Builder::new()
        .name("watch".to_owned())
        .spawn(move || watch.run(&events))?;
    Ok(())
}

struct Watch {
    functions: Vec<Watched>,
    places: Places,
    log: Log,
}

impl Watch {
    fn run(mut self, events: &Events) {
        loop {
            match events.recv_timeout(self.pause()) {
                Ok(event) => self.note(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            for folder in self.places.look_again() {
                for function in &mut self.functions {
                    function.note_replaced(&folder);
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
        next.map_or(LOOK_AGAIN, |due| {
            due.saturating_duration_since(Instant::now())
                .min(LOOK_AGAIN)
        })
    }

    fn note(&mut self, event: notify::Result<Event>) {
        let event = match event {
            Ok(event) => event,
            Err(error) => return self.log.line(&format!("watching files: {error}")),
        };
        if event.need_rescan() {
            // There were more changes than the system remembers.
            let root = Path::new("/");
            return self
                .functions
                .iter_mut()
                .for_each(|function| function.note_replaced(root));
        }
        if !is_change(event.kind) {
            return;
        }
        for path in &event.paths {
            if matches!(
                event.kind,
                EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
            ) {
                self.places.lost(path);
            }
            for function in &mut self.functions {
                function.note(path);
            }
        }
    }
}

/// Reading is none.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
