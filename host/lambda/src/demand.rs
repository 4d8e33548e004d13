//! How much processor time processes and their descendants get and would need, read from Linux's `/proc`.
//!
//! The kernel counts for each thread how long it ran and how long it was ready to run and waited for a processor. Where
//! `/proc` or these figures do not exist, nothing is known.

use std::time::{Duration, Instant};

use lambkin_process::{Tree, format_path, read_file};

/// Observes the demand of a set of processes.
#[derive(Debug, Default)]
pub(crate) struct DemandGauge {
    tree: Tree,
    /// What the threads had needed at the last look, and when that was.
    last: Option<(Duration, Instant)>,
    path: String,
    text: String,
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Demand {
    /// Whether the processes have used a processor since the last look, or would have if they had got one, as opposed to
    /// waiting for something else. The first look finds that they have.
    pub uses_processor: bool,
    /// How many processors they have used since the last look, or would have if they had got them. One, if that is not
    /// known, as at the first look.
    pub processors: f64,
    /// The processor time of the processes that run.
    pub used: Duration,
    /// The longest time for which one of their threads was ready to run and had no processor.
    pub longest_wait: Duration,
}

/// The threads of a set of processes at one moment.
#[derive(Debug, Default)]
struct Threads {
    count: usize,
    ran: Duration,
    /// The sum of the times for which they were ready to run and had no processor.
    waited: Duration,
    longest_wait: Duration,
    /// Whether one of them runs or is ready to run.
    is_runnable: bool,
}

impl DemandGauge {
    /// Observes the processes with these ids and their descendants; `None` if nothing can be read about them.
    pub(crate) fn look(&mut self, pids: &[i32]) -> Option<Demand> {
        let now = Instant::now();
        let threads = self.read(pids);
        if threads.count == 0 {
            return None;
        }
        let needed = threads.ran + threads.waited;
        let last = self.last.replace((needed, now));
        // The sum becomes smaller when a thread or a process ends, which is a sign of work.
        let processors = last.and_then(|(before, at)| {
            let (since, time) = (needed.checked_sub(before)?, now.duration_since(at));
            (!time.is_zero()).then(|| since.div_duration_f64(time))
        });
        let mut processors = processors.unwrap_or(1.0);
        if threads.is_runnable {
            // The kernel counts the time of a wait at its end.
            processors = processors.max(1.0);
        }
        Some(Demand {
            uses_processor: processors >= 0.5,
            processors,
            used: threads.ran,
            longest_wait: threads.longest_wait,
        })
    }

    fn read(&mut self, pids: &[i32]) -> Threads {
        let mut found = Threads::default();
        self.tree.walk(pids);
        for pid in self.tree.pids() {
            let tasks = format_path(&mut self.path, format_args!("/proc/{pid}/task"));
            let Ok(threads) = std::fs::read_dir(tasks) else {
                continue;
            };
            for thread in threads.flatten() {
                let id = thread.file_name();
                let id = id.display();
                let file = format_args!("/proc/{pid}/task/{id}/schedstat");
                if let Some((ran, waited)) =
                    read_file(format_path(&mut self.path, file), &mut self.text).and_then(times)
                {
                    found.count += 1;
                    found.ran += ran;
                    found.waited += waited;
                    found.longest_wait = found.longest_wait.max(waited);
                }
                let file = format_args!("/proc/{pid}/task/{id}/stat");
                found.is_runnable |= read_file(format_path(&mut self.path, file), &mut self.text)
                    .is_some_and(is_runnable);
            }
        }
        found
    }
}

/// The first two figures of `schedstat`, in nanoseconds: how long a thread ran, and how long it waited for a processor.
fn times(schedstat: &str) -> Option<(Duration, Duration)> {
    let mut figures = schedstat.split_ascii_whitespace().map(str::parse);
    let ran = figures.next()?.ok()?;
    let waited = figures.next()?.ok()?;
    Some((Duration::from_nanos(ran), Duration::from_nanos(waited)))
}

/// Whether a thread's state is R. It follows the program's name, which is in parentheses and may contain some.
fn is_runnable(stat: &str) -> bool {
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('R'))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn shell(script: &str) -> (Child, i32) {
        let child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        (child, pid)
    }

    #[test]
    fn figures_are_parsed_from_proc() {
        let nanoseconds = Duration::from_nanos;
        assert_eq!(
            times("5000 700 3\n"),
            Some((nanoseconds(5000), nanoseconds(700)))
        );
        assert_eq!(times(""), None);
        assert!(is_runnable("12 (a) S) R 1 2"));
        assert!(!is_runnable("12 (R) S 1 2"));
        assert!(!is_runnable(""));
    }

    #[test]
    fn a_loop_uses_a_processor_and_a_shell_that_reads_does_not() {
        let (mut busy, busy_pid) = shell("while :; do :; done");
        let (mut reading, reading_pid) = shell("read -r line");
        let [mut busy_gauge, mut reading_gauge] = [(); 2].map(|()| DemandGauge::default());
        let look = |gauge: &mut DemandGauge, pid| gauge.look(&[pid]).unwrap();
        // The first looks may find a shell that is starting.
        while look(&mut reading_gauge, reading_pid).uses_processor {}
        let mut last = look(&mut busy_gauge, busy_pid);
        while last.used < Duration::from_millis(100) {
            last = look(&mut busy_gauge, busy_pid);
        }
        assert!(last.uses_processor);
        for child in [&mut busy, &mut reading] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(busy_gauge.look(&[busy_pid]), None);
    }
}
