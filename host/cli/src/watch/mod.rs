//! Restarting what has changed: functions whose code has, and everything when the configuration or a plugin has.
//!
//! One thread receives the operating system's events. A burst of changes causes one restart: the function's code and
//! variables are read again, its environments are retired, and a line of the log names the first changed file.
//! Invocations under way finish with the old code. The watch does not follow links, except those that lead to other
//! folders of the project, such as packages of a workspace (see `links`).
//!
//! The thread also finds out what has to be watched, so listening does not wait for it. What changes before it watches
//! is found by the times of the files.
//!
//! On failure to read the code or an env-file again, the function stays as it was, which is logged; the next change is
//! the next attempt. If there is nothing to watch, no thread is started.

mod burst;
mod configuration;
mod folders;
mod links;
mod output;
mod watched;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use lambkin_lambda::Log;
use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, Watcher};
use tokio::sync::Notify;

pub use configuration::{Configuration, OWN_ADDRESSES};
use folders::Folders;
pub use links::project_of;
pub use watched::Watched;

use watched::Target;

/// How often the watched folders are compared with those on disk. There is no event when a parent folder is replaced.
const RESCAN: Duration = Duration::from_secs(1);

/// How long the start waits for the watch to begin, so that usually no change comes before it.
const START_WAIT: Duration = Duration::from_millis(500);

/// How far the times of files may be behind the clock.
const CLOCK_LAG: Duration = Duration::from_millis(20);

type Events = Receiver<notify::Result<Event>>;

/// What asks the host to start anew. The function tells whether that would succeed.
pub struct Anew {
    pub restart: Arc<Notify>,
    pub is_possible: Box<dyn Fn() -> bool + Send>,
    /// The file of the handler and that of the configuration, if the handler was found without a configuration.
    pub guessed: Option<(PathBuf, PathBuf)>,
}

impl Anew {
    /// Whether what was found without a configuration would not be found now: its file has gone, or there is a
    /// configuration.
    fn is_other_code(&self) -> bool {
        let guessed = self.guessed.as_ref();
        guessed.is_some_and(|(handler, config)| !handler.exists() || config.exists())
    }
}

/// Watches these functions, and the configuration, until the process ends. If a function changes for which no interpreter
/// or no handler was found, or whose handler has gone, the host starts `anew` and looks for them again.
pub fn start(
    functions: Vec<Watched>,
    configuration: Option<Configuration>,
    anew: Option<Anew>,
    log: Log,
) -> anyhow::Result<()> {
    if functions.is_empty() && configuration.is_none() {
        return Ok(());
    }
    let (sender, events) = mpsc::channel();
    let config = notify::Config::default().with_follow_symlinks(false);
    let watcher = RecommendedWatcher::new(sender, config).context(
        "cannot watch files (on Linux, fs.inotify.max_user_instances may have to be raised); \
         --no-watch starts without watching",
    )?;
    let watch = Watch {
        functions,
        configuration,
        anew,
        folders: Folders::new(watcher),
        log,
    };
    let (begun, waiting) = mpsc::channel();
    std::thread::Builder::new()
        .name("watch".to_owned())
        .spawn(move || watch.run(&events, &begun))?;
    let _ = waiting.recv_timeout(START_WAIT); // it goes on in the background
    Ok(())
}

struct Watch {
    functions: Vec<Watched>,
    configuration: Option<Configuration>,
    anew: Option<Anew>,
    folders: Folders,
    log: Log,
}

impl Watch {
    fn run(mut self, events: &Events, begun: &mpsc::Sender<()>) {
        let (start, started_at) = (Instant::now(), SystemTime::now());
        self.watch_targets();
        let is_late = start.elapsed() >= START_WAIT;
        let _ = begun.send(()); // the start may have gone on
        if is_late {
            for function in &mut self.functions {
                function.record_since(started_at);
            }
        }
        if let Some(configuration) = &mut self.configuration {
            configuration.record_if_changed();
        }
        loop {
            match events.recv_timeout(self.pause()) {
                Ok(event) => self.record(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            for folder in self.folders.rewatch_replaced() {
                self.record_replaced(&folder);
            }
            self.restart_what_is_due();
        }
    }

    /// Finds out what has to be watched now, and watches it. Returns whether something was not watched before.
    fn watch_targets(&mut self) -> bool {
        let located = self.functions.iter_mut().flat_map(Watched::locate);
        let mut lines: Vec<String> = located.collect();
        let files = self.configuration.iter().flat_map(Configuration::targets);
        let files = files.map(|path| Target {
            path,
            is_deep: false,
        });
        let targets = self.functions.iter().flat_map(Watched::targets);
        let is_more = self.folders.watch(targets.chain(files), &mut lines);
        for line in lines {
            self.log.line(&line);
        }
        is_more
    }

    fn restart_what_is_due(&mut self) {
        // The times of files are those of a clock that is a few milliseconds late.
        let before = SystemTime::now() - CLOCK_LAG;
        let mut lines = Vec::new();
        for function in &mut self.functions {
            if let Some(line) = function.restart_if_due() {
                lines.push(line);
                if let Some(anew) = &self.anew
                    && (function.cannot_start() || anew.is_other_code())
                    && (anew.is_possible)()
                {
                    anew.restart.notify_one();
                }
            }
        }
        let is_changed = !lines.is_empty();
        let configuration = self.configuration.as_mut();
        let lines = lines
            .into_iter()
            .chain(configuration.and_then(Configuration::restart_if_due));
        for line in lines {
            self.log.line(&line);
        }
        // Links may lead elsewhere now, to files that changed before they were watched.
        if is_changed && self.watch_targets() {
            for function in &mut self.functions {
                function.record_since(before);
            }
        }
    }

    fn pause(&self) -> Duration {
        let functions = self.functions.iter().filter_map(Watched::due);
        let configuration = self.configuration.iter().filter_map(Configuration::due);
        let next = functions.chain(configuration).min();
        next.map_or(RESCAN, |due| {
            due.saturating_duration_since(Instant::now()).min(RESCAN)
        })
    }

    fn record_replaced(&mut self, folder: &Path) {
        for function in &mut self.functions {
            function.record_replaced(folder);
        }
        if let Some(configuration) = &mut self.configuration {
            configuration.record_replaced(folder);
        }
    }

    fn record(&mut self, event: notify::Result<Event>) {
        let event = match event {
            Ok(event) => event,
            Err(error) => return self.log.line(&format!("watching files: {error}")),
        };
        if event.need_rescan() {
            // The operating system has lost events.
            return self.record_replaced(Path::new("/"));
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
                function.record(path, completes(event.kind));
            }
            if let Some(configuration) = &mut self.configuration {
                configuration.record(path);
            }
        }
    }
}

/// Whether an event reports that a file is complete: it was closed after writing, or moved to its place. Elsewhere than on
/// Linux, no event does.
fn completes(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both))
    )
}

/// Whether an event reports a change. Opening, reading and closing without a write do not.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}
