//! The number of a program's processes and threads: it has a limit, and many that want to run at the same time get a
//! low priority.
//!
//! The supervisor counts them in intervals. Above [`MAX_TASKS`] the program is killed. If as many as [`crowd_size`] are
//! running at the same time, all of them get the nice value [`CROWD_NICE`] for the rest of their lives, so that the
//! host's timers and the other functions do not wait for them. Systems other than Linux have no `/proc` and do neither.
//!
//! A thousand supervisors may run at the same time, and a count takes a tenth of a millisecond. So a supervisor counts
//! only once in a while, unless so many processes and threads have been created on the machine since its last count that
//! these might be its program's and make it a crowd.

use std::time::{Duration, Instant};

use rustix::process::getpid;

use crate::limits::{
    COUNT_INTERVAL, COUNT_SHARE, CROWD_NICE, LOOK_INTERVAL, LOOK_INTERVAL_PER_OTHER,
    MAX_LOOK_INTERVAL, MAX_TASKS, NICE, crowd_size,
};
use crate::priority::Lowered;
use crate::tree::{Tree, format_path, read_file, state};

/// The processes and threads of one program.
#[derive(Debug)]
pub(crate) struct Crowd {
    tree: Tree,
    /// When to look whether a count is due.
    look_at: Instant,
    /// When a count is due however few processes have been created.
    count_at: Instant,
    /// What the last count found, and the last id that a process or thread of the machine had been given before.
    counted: Option<(usize, u32)>,
    lowered: Lowered,
    /// Whether there have been many at the same time.
    is_crowd: bool,
    path: String,
    text: String,
}

impl Crowd {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            tree: Tree::default(),
            look_at: now + LOOK_INTERVAL,
            count_at: now,
            counted: None,
            lowered: Lowered::default(),
            is_crowd: false,
            path: String::new(),
            text: String::new(),
        }
    }

    /// When [`Crowd::check`] has something to do, if ever.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        cfg!(target_os = "linux").then_some(self.look_at)
    }

    /// Counts all descendants of this process, which has one thread, if it is time to. Returns their number if it is
    /// above the limit.
    pub(crate) fn check(&mut self) -> Option<i32> {
        let now = Instant::now();
        if self.next_at().is_none_or(|at| now < at) {
            return None;
        }
        let machine = MachineTasks::read(&mut self.text);
        if now < self.count_at && !self.may_be_crowd(machine) {
            self.look_at = now + look_interval(machine, self.tree.tasks().len());
            return None;
        }
        let used_before = self.processor_time();
        self.tree.walk(&[getpid().as_raw_nonzero().get()]);
        let count = self.tree.tasks().len() - 1;
        if count > MAX_TASKS {
            return i32::try_from(count).ok();
        }
        self.counted = machine.map(|machine| (count, machine.last_id));
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
        let now = Instant::now();
        self.look_at = now + look_interval(machine, count).max(used * COUNT_SHARE);
        self.count_at = now + COUNT_INTERVAL;
        None
    }

    /// Whether the program may be a crowd if all that was created on the machine since the last count is its own.
    fn may_be_crowd(&self, machine: Option<MachineTasks>) -> bool {
        let (Some((count, before)), Some(machine)) = (self.counted, machine) else {
            return true;
        };
        // Smaller than before once the largest possible id has been given.
        let Some(created) = machine.last_id.checked_sub(before) else {
            return true;
        };
        usize::try_from(created).is_ok_and(|created| count + created >= crowd_size())
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

/// The time until the next look if the program has `own` processes and threads.
fn look_interval(machine: Option<MachineTasks>, own: usize) -> Duration {
    let others = machine.map_or(0, |machine| machine.count.saturating_sub(own));
    let others = u32::try_from(others).unwrap_or(u32::MAX);
    (LOOK_INTERVAL + LOOK_INTERVAL_PER_OTHER.saturating_mul(others)).min(MAX_LOOK_INTERVAL)
}

/// All processes and threads of the machine or container, from `/proc/loadavg`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct MachineTasks {
    count: usize,
    /// The id that was given last. Ids are given in ascending order until the largest one, then from the first again.
    last_id: u32,
}

impl MachineTasks {
    /// `None` if the system does not tell them.
    fn read(buffer: &mut String) -> Option<Self> {
        Self::parse(read_file("/proc/loadavg", buffer)?)
    }

    /// Parses `LOAD LOAD LOAD RUNNING/COUNT LAST-ID`.
    fn parse(loadavg: &str) -> Option<Self> {
        let mut fields = loadavg.split_ascii_whitespace().skip(3);
        let (_, count) = fields.next()?.split_once('/')?;
        Some(Self {
            count: count.parse().ok()?,
            // Zero where a container simulates the file without this figure.
            last_id: fields.next()?.parse().ok().filter(|id| *id != 0)?,
        })
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn figures_are_parsed_from_proc() {
        let machine = MachineTasks {
            count: 79,
            last_id: 2411,
        };
        assert_eq!(
            MachineTasks::parse("74.56 55.74 30.40 1/79 2411\n"),
            Some(machine)
        );
        assert_eq!(MachineTasks::parse("0.00 0.00 0.00 0/0 0\n"), None);
        assert_eq!(MachineTasks::parse(""), None);
    }

    #[test]
    fn a_count_is_due_once_the_program_may_be_a_crowd() {
        let mut crowd = Crowd::new();
        let after = |created| {
            Some(MachineTasks {
                count: 3000,
                last_id: 70 + created,
            })
        };
        let size = u32::try_from(crowd_size()).unwrap();
        assert!(crowd.may_be_crowd(after(0)), "it has not been counted");
        crowd.counted = Some((3, 70));
        assert!(!crowd.may_be_crowd(after(size - 4)));
        assert!(crowd.may_be_crowd(after(size - 3)));
        let first_again = MachineTasks {
            count: 3000,
            last_id: 1,
        };
        assert!(crowd.may_be_crowd(Some(first_again)));
        assert!(crowd.may_be_crowd(None));
    }

    #[test]
    fn looks_are_rarer_among_many_processes() {
        let among = |count| look_interval(Some(MachineTasks { count, last_id: 1 }), 10);
        assert_eq!(among(10), LOOK_INTERVAL);
        assert_eq!(among(510), LOOK_INTERVAL * 2);
        assert_eq!(among(1_000_000), MAX_LOOK_INTERVAL);
        assert_eq!(look_interval(None, 10), LOOK_INTERVAL);
    }
}
