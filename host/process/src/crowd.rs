//! The number of a program's processes and threads: it has a limit, and many that want to run at the same time get a
//! low priority.
//!
//! The supervisor counts them in intervals. Above [`MAX_TASKS`] the program is killed. If as many as [`crowd_size`] are
//! running at the same time, all of them get the nice value [`CROWD_NICE`] for the rest of their lives, so that the
//! host's timers and the other functions do not wait for them. Systems other than Linux have no `/proc` and do neither.

use std::time::{Duration, Instant};

use rustix::process::getpid;

use crate::limits::{COUNT_INTERVAL, COUNT_SHARE, CROWD_NICE, MAX_TASKS, NICE, crowd_size};
use crate::priority::Lowered;
use crate::tree::{Tree, format_path, read_file, state};

/// The processes and threads of one program.
#[derive(Debug)]
pub(crate) struct Crowd {
    tree: Tree,
    next_at: Instant,
    lowered: Lowered,
    /// Whether there have been many at the same time.
    is_crowd: bool,
    path: String,
    text: String,
}

impl Crowd {
    pub(crate) fn new() -> Self {
        Self {
            tree: Tree::default(),
            next_at: Instant::now() + COUNT_INTERVAL,
            lowered: Lowered::default(),
            is_crowd: false,
            path: String::new(),
            text: String::new(),
        }
    }

    /// When [`Crowd::check`] has something to do, if ever.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        cfg!(target_os = "linux").then_some(self.next_at)
    }

    /// Counts all descendants of this process, which has one thread, if it is time to. Returns their number if it is
    /// above the limit.
    pub(crate) fn check(&mut self) -> Option<i32> {
        if self.next_at().is_none_or(|at| Instant::now() < at) {
            return None;
        }
        let used_before = self.processor_time();
        self.tree.walk(&[getpid().as_raw_nonzero().get()]);
        let count = self.tree.tasks().len() - 1;
        if count > MAX_TASKS {
            return i32::try_from(count).ok();
        }
        let crowd_size = crowd_size();
        if !self.is_crowd && count >= crowd_size && self.running() >= crowd_size {
            self.is_crowd = true;
        }
        let pids = self.tree.pids().get(1..).unwrap_or_default();
        if self.is_crowd {
            let tasks = self.tree.tasks().get(1..).unwrap_or_default();
            self.lowered.lower_tasks(tasks, CROWD_NICE);
            self.lowered.lower_sessions(pids, CROWD_NICE);
        } else {
            self.lowered.lower_sessions(pids, NICE);
        }
        // Not the time by the clock, of which most is waiting for a processor while there is a crowd.
        let used = self.processor_time().saturating_sub(used_before);
        self.next_at = Instant::now() + COUNT_INTERVAL.max(used * COUNT_SHARE);
        None
    }

    /// The processor time that this process has used; zero if it cannot be read.
    fn processor_time(&mut self) -> Duration {
        let schedstat = read_file("/proc/self/schedstat", &mut self.text);
        let nanoseconds = schedstat.and_then(|text| text.split(' ').next()?.parse().ok());
        Duration::from_nanos(nanoseconds.unwrap_or_default())
    }

    /// The number of threads that run or wait for a processor.
    fn running(&mut self) -> usize {
        let mut running = 0;
        for task in self.tree.tasks() {
            let path = format_path(&mut self.path, format_args!("/proc/{task}/stat"));
            let stat = read_file(path, &mut self.text);
            running += usize::from(stat.and_then(state) == Some('R'));
        }
        running
    }
}
