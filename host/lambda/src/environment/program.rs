//! The programs of external extensions: processes beside the runtime's.
//!
//! Each has a task of its own that reads its output and waits for its end, so that the life they belong to hears of all
//! of them in one place. Forgetting a program kills it and everything it started.

use lambkin_process::{Exit, Launch, Process};
use tokio::sync::mpsc;

use super::output::Output;
use crate::limits::{KILL_TIMEOUT, PROCESS_EVENT_BACKLOG};

/// The external extensions of one life.
#[derive(Debug)]
pub(super) struct Programs {
    running: Vec<Program>,
    sender: mpsc::Sender<News>,
    news: mpsc::Receiver<News>,
}

#[derive(Debug)]
struct Program {
    name: String,
    pid: Option<i32>,
    orders: mpsc::UnboundedSender<Order>,
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Freeze,
    Thaw,
}

/// What is heard of the programs.
#[derive(Debug)]
pub(super) enum News {
    Started(String, i32),
    /// A piece of what the program with this number printed.
    Output(usize, Vec<u8>),
    Exited(String, Exit),
}

impl Programs {
    pub(super) fn new() -> Self {
        let (sender, news) = mpsc::channel(PROCESS_EVENT_BACKLOG);
        Self {
            running: Vec::new(),
            sender,
            news,
        }
    }

    /// Starts one more. A program that can not be started is told as one that has exited.
    pub(super) fn start(&mut self, name: String, launch: Launch) {
        let (orders, mailbox) = mpsc::unbounded_channel();
        let number = self.running.len();
        tokio::spawn(supervise(
            number,
            name.clone(),
            launch,
            mailbox,
            self.sender.clone(),
        ));
        self.running.push(Program {
            name,
            pid: None,
            orders,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Waits for the next piece of news; never ends while there are none.
    pub(super) async fn next(&mut self) -> News {
        let Some(news) = self.news.recv().await else {
            // Not reached: this end holds a sender too.
            return std::future::pending().await;
        };
        match &news {
            News::Started(name, pid) => {
                let program = self.running.iter_mut().find(|one| one.name == *name);
                if let Some(program) = program {
                    program.pid = Some(*pid);
                }
            }
            News::Exited(name, _) => self.running.retain(|program| program.name != *name),
            News::Output(..) => {}
        }
        news
    }

    pub(super) fn pids(&self) -> impl Iterator<Item = i32> {
        self.running.iter().filter_map(|program| program.pid)
    }

    pub(super) fn freeze(&self) {
        self.order(Order::Freeze);
    }

    pub(super) fn thaw(&self) {
        self.order(Order::Thaw);
    }

    /// Kills all but those named. Their ends are told as news.
    pub(super) fn kill_all_but(&mut self, spared: &[String]) {
        for program in &mut self.running {
            if !spared.contains(&program.name) {
                // Losing its orders is a program's order to end.
                program.orders = mpsc::unbounded_channel().0;
            }
        }
    }

    fn order(&self, order: Order) {
        for program in &self.running {
            let _it_has_just_ended = program.orders.send(order);
        }
    }
}

async fn supervise(
    number: usize,
    name: String,
    launch: Launch,
    orders: mpsc::UnboundedReceiver<Order>,
    news: mpsc::Sender<News>,
) {
    let exit = match Process::spawn(&launch) {
        Ok((process, outputs)) => {
            let supervisor = Supervisor {
                number,
                process,
                outputs: [Output::new(outputs.stdout), Output::new(outputs.stderr)],
                news: news.clone(),
            };
            supervisor.follow(&name, orders).await
        }
        Err(error) => Exit::not_started(&error),
    };
    tell(&news, News::Exited(name, exit)).await;
}

/// What watches one program.
struct Supervisor {
    number: usize,
    process: Process,
    outputs: [Output; 2],
    news: mpsc::Sender<News>,
}

impl Supervisor {
    async fn follow(mut self, name: &str, mut orders: mpsc::UnboundedReceiver<Order>) -> Exit {
        match self.process.started().await {
            Ok(pid) => tell(&self.news, News::Started(name.to_owned(), pid)).await,
            Err(exit) => return exit,
        }
        loop {
            let [stdout, stderr] = &mut self.outputs;
            let mut printed = Vec::new();
            let exit = tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Order::Freeze) => { self.process.freeze(); None }
                    Some(Order::Thaw) => { self.process.thaw(); None }
                    None => {
                        let _it_does_not_die = tokio::time::timeout(KILL_TIMEOUT, self.process.kill()).await;
                        Some(Exit::Signal(9))
                    }
                },
                exit = self.process.exited() => Some(exit),
                () = stdout.readable() => { stdout.pass_on(|piece| printed.extend_from_slice(piece)); None }
                () = stderr.readable() => { stderr.pass_on(|piece| printed.extend_from_slice(piece)); None }
            };
            if exit.is_some() {
                for output in &mut self.outputs {
                    output.drain(|piece| printed.extend_from_slice(piece));
                }
            }
            if !printed.is_empty() {
                tell(&self.news, News::Output(self.number, printed)).await;
            }
            if let Some(exit) = exit {
                return exit;
            }
        }
    }
}

async fn tell(news: &mpsc::Sender<News>, what: News) {
    let _nobody_listens_any_more = news.send(what).await;
}
