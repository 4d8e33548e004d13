//! The store as its users see it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rusqlite::Connection;
use tokio::sync::{Notify, oneshot};

use crate::error::StoreError;
use crate::message::{Leased, NewMessage, Receipt, Statistics};
use crate::writer::{Order, Work, Writer};
use crate::{file, queues};

/// An open store. Cheap to clone; all clones are the same store.
#[derive(Debug, Clone)]
pub struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    orders: mpsc::Sender<Order>,
    /// By queue.
    bells: Mutex<HashMap<String, Arc<Notify>>>,
}

impl Store {
    /// Opens the store at this path, and makes it and its folder if there is none.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let (sender, orders) = mpsc::channel();
        let (opened, answer) = oneshot::channel();
        let thread = std::thread::Builder::new().name("store".to_owned());
        let at = path.to_owned();
        let started = thread.spawn(move || {
            let (connection, lock) = match file::open(&at) {
                Ok(open) => open,
                Err(error) => {
                    let _nobody_waits = opened.send(Err(error));
                    return;
                }
            };
            let _nobody_waits = opened.send(Ok(()));
            let writer = Writer {
                connection,
                path: at,
                orders,
                lock,
            };
            writer.run();
        });
        started.map_err(|error| StoreError::io("open", path, &error))?;
        let path = path.to_owned();
        match answer.await {
            Ok(opened) => opened?,
            Err(_) => return Err(StoreError::Closed { path }),
        }
        Ok(Self(Arc::new(Shared {
            path,
            orders: sender,
            bells: Mutex::default(),
        })))
    }

    /// Puts a message into its queue.
    pub async fn enqueue(&self, message: NewMessage, now: u64) -> Result<(), StoreError> {
        let bells = vec![self.bell(&message.queue)];
        self.run(bells, move |connection| {
            queues::enqueue(connection, &message, now)
        })
        .await
    }

    /// Hands out up to `most` of a queue's messages that are due, the one due first before the others. Until `until`
    /// nobody else gets them.
    pub async fn lease(
        &self,
        queue: &str,
        now: u64,
        until: u64,
        most: usize,
    ) -> Result<Leased, StoreError> {
        let queue = queue.to_owned();
        self.run(Vec::new(), move |connection| {
            queues::lease(connection, &queue, now, until, most)
        })
        .await
    }

    /// Removes a message that was leased, and sends what follows from it, both or neither. Tells whether the lease
    /// still held; if it did not, nothing has happened.
    pub async fn complete(
        &self,
        receipt: Receipt,
        follow_ups: Vec<NewMessage>,
        now: u64,
    ) -> Result<bool, StoreError> {
        let bells = follow_ups
            .iter()
            .map(|message| self.bell(&message.queue))
            .collect();
        self.run(bells, move |connection| {
            let held = queues::complete(connection, receipt)?;
            if held {
                for message in &follow_ups {
                    queues::enqueue(connection, message, now)?;
                }
            }
            Ok(held)
        })
        .await
    }

    /// Gives a message that was leased back to its queue for later, and notes the consumer's count. Tells whether
    /// the lease still held. The bell does not ring: the consumer knows.
    pub async fn reschedule(
        &self,
        receipt: Receipt,
        not_before: u64,
        attempts: u32,
    ) -> Result<bool, StoreError> {
        self.run(Vec::new(), move |connection| {
            queues::reschedule(connection, receipt, not_before, attempts)
        })
        .await
    }

    /// Ends all leases of a queue: its consumer was part of a host that is no more. What it had is due now.
    pub async fn end_leases(&self, queue: &str, now: u64) -> Result<usize, StoreError> {
        let bells = vec![self.bell(queue)];
        let queue = queue.to_owned();
        self.run(bells, move |connection| {
            queues::end_leases(connection, &queue, now)
        })
        .await
    }

    /// All queues with messages in them, by name.
    pub async fn statistics(&self, now: u64) -> Result<Vec<Statistics>, StoreError> {
        self.run(Vec::new(), move |connection| {
            queues::statistics(connection, now)
        })
        .await
    }

    /// Rings when a queue has something new. It remembers one ring for a consumer that is not listening just now, and
    /// serves one consumer.
    pub fn bell(&self, queue: &str) -> Arc<Notify> {
        let mut bells = self.0.bells.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = bells.get(queue) {
            return Arc::clone(bell);
        }
        let bell = Arc::<Notify>::default();
        bells.insert(queue.to_owned(), Arc::clone(&bell));
        bell
    }

    /// Commits what was handed in before, and closes the file. What comes later is refused.
    pub async fn close(&self) {
        let (closed, answer) = oneshot::channel();
        if self.0.orders.send(Order::Close(closed)).is_ok() {
            let _closed_by_somebody_else = answer.await;
        }
    }

    /// Has the writer run something and returns its result once that is committed. Then the bells ring, whether or
    /// not anybody still waits for the result.
    pub(crate) async fn run<T, F>(&self, bells: Vec<Arc<Notify>>, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let operation = Operation {
            work,
            result: None,
            reply,
            bells,
        };
        let closed = || StoreError::Closed {
            path: self.0.path.clone(),
        };
        let order = Order::Work(Box::new(operation));
        self.0.orders.send(order).map_err(|_| closed())?;
        answer.await.unwrap_or_else(|_| Err(closed()))
    }
}

struct Operation<T, F> {
    work: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    bells: Vec<Arc<Notify>>,
}

impl<T, F> Work for Operation<T, F>
where
    T: Send,
    F: FnMut(&Connection) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.result = Some((self.work)(connection)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match (committed, self.result) {
            (Err(error), _) => Err(error),
            (Ok(()), Some(result)) => Ok(result),
            // What was not run is not committed.
            (Ok(()), None) => return,
        };
        if answer.is_ok() {
            for bell in &self.bells {
                bell.notify_one();
            }
        }
        let _nobody_waits = self.reply.send(answer);
    }
}
