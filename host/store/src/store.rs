//! The store as its users see it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rusqlite::Connection;
use tokio::sync::{Notify, oneshot};

use crate::error::StoreError;
use crate::message::{FollowUp, Leased, NewMessage, Receipt, Statistics};
use crate::writer::{Command, Operation, Writer};
use crate::{file, queues};

/// The queues whose bells ring when an operation is committed.
pub(crate) type Notifications = BTreeSet<String>;

/// An open store. Cheap to clone; all clones are the same store.
#[derive(Debug, Clone)]
pub struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    commands: mpsc::Sender<Command>,
    /// By queue.
    notifiers: Mutex<HashMap<String, Arc<Notify>>>,
}

impl Store {
    /// Opens the store at this path, and makes it and its folder if there is none.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let (sender, commands) = mpsc::channel();
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
                commands,
                lock,
            };
            writer.serve();
        });
        started.map_err(|error| StoreError::io("open", path, &error))?;
        let path = path.to_owned();
        match answer.await {
            Ok(opened) => opened?,
            Err(_) => return Err(StoreError::Closed { path }),
        }
        Ok(Self(Arc::new(Shared {
            path,
            commands: sender,
            notifiers: Mutex::default(),
        })))
    }

    /// Puts a message into its queue.
    pub async fn enqueue(&self, message: NewMessage, now: u64) -> Result<(), StoreError> {
        self.submit(move |connection, notifications| {
            notifications.insert(message.queue.clone());
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
        max: usize,
    ) -> Result<Leased, StoreError> {
        let queue = queue.to_owned();
        self.submit(move |connection, _| queues::lease(connection, &queue, now, until, max))
            .await
    }

    /// Removes a message that was leased, and sends what follows from it, both or neither. Tells whether the lease
    /// still held; if it did not, nothing has happened.
    pub async fn complete(
        &self,
        receipt: Receipt,
        follow_ups: Vec<FollowUp>,
        now: u64,
    ) -> Result<bool, StoreError> {
        self.submit(move |connection, notifications| {
            let held = queues::complete(connection, receipt)?;
            if held {
                for follow_up in &follow_ups {
                    queues::follow_up(connection, notifications, follow_up, now)?;
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
        self.submit(move |connection, _| {
            queues::reschedule(connection, receipt, not_before, attempts)
        })
        .await
    }

    /// Ends all leases of a queue: its consumer was part of a host that is no more. What it had is due now.
    pub async fn end_leases(&self, queue: &str, now: u64) -> Result<usize, StoreError> {
        let queue = queue.to_owned();
        self.submit(move |connection, notifications| {
            notifications.insert(queue.clone());
            queues::end_leases(connection, &queue, now)
        })
        .await
    }

    /// All queues with messages in them, by name.
    pub async fn statistics(&self, now: u64) -> Result<Vec<Statistics>, StoreError> {
        self.submit(move |connection, _| queues::statistics(connection, now))
            .await
    }

    /// Rings when a queue has something new. It remembers one ring for a consumer that is not listening just now, and
    /// serves one consumer.
    pub fn notifier(&self, queue: &str) -> Arc<Notify> {
        let mut notifiers = self
            .0
            .notifiers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(notifier) = notifiers.get(queue) {
            return Arc::clone(notifier);
        }
        let notifier = Arc::<Notify>::default();
        notifiers.insert(queue.to_owned(), Arc::clone(&notifier));
        notifier
    }

    /// Commits what was handed in before, and closes the file. What comes later is refused.
    pub async fn close(&self) {
        let (closed, answer) = oneshot::channel();
        if self.0.commands.send(Command::Close(closed)).is_ok() {
            let _closed_by_somebody_else = answer.await;
        }
    }

    /// Has the writer run something and returns its result once that is committed. Then the bells ring, whether or
    /// not anybody still waits for the result.
    pub(crate) async fn submit<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection, &mut Notifications) -> rusqlite::Result<T> + Send + 'static,
    {
        self.submit_then(work, |done| done).await
    }

    /// The same; `then` is what is made of the result once it is committed, whether or not anybody still waits.
    pub(crate) async fn submit_then<T, U, F, G>(&self, work: F, then: G) -> Result<U, StoreError>
    where
        T: Send + 'static,
        U: Send + 'static,
        F: FnMut(&Connection, &mut Notifications) -> rusqlite::Result<T> + Send + 'static,
        G: FnOnce(T) -> U + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.send_to_writer(work, then, reply)?;
        answer.await.unwrap_or_else(|_| Err(self.closed()))
    }

    /// The same for work whose result nobody waits for; if the store is closed, nothing happens.
    pub(crate) fn submit_detached<F>(&self, work: F)
    where
        F: FnMut(&Connection, &mut Notifications) -> rusqlite::Result<()> + Send + 'static,
    {
        let (reply, _nobody_waits) = oneshot::channel();
        let _closed = self.send_to_writer(work, |done| done, reply);
    }

    fn send_to_writer<T, U, F, G>(
        &self,
        work: F,
        then: G,
        reply: oneshot::Sender<Result<U, StoreError>>,
    ) -> Result<(), StoreError>
    where
        T: Send + 'static,
        U: Send + 'static,
        F: FnMut(&Connection, &mut Notifications) -> rusqlite::Result<T> + Send + 'static,
        G: FnOnce(T) -> U + Send + 'static,
    {
        let submission = Submission {
            store: self.clone(),
            work,
            result: None,
            notifications: Notifications::new(),
            then,
            reply,
        };
        let command = Command::Execute(Box::new(submission));
        self.0.commands.send(command).map_err(|_| self.closed())
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed {
            path: self.0.path.clone(),
        }
    }
}

struct Submission<T, U, F, G> {
    store: Store,
    work: F,
    result: Option<T>,
    notifications: Notifications,
    then: G,
    reply: oneshot::Sender<Result<U, StoreError>>,
}

impl<T, U, F, G> Operation for Submission<T, U, F, G>
where
    T: Send,
    U: Send,
    F: FnMut(&Connection, &mut Notifications) -> rusqlite::Result<T> + Send,
    G: FnOnce(T) -> U + Send,
{
    fn execute(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.notifications.clear();
        self.result = Some((self.work)(connection, &mut self.notifications)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match (committed, self.result) {
            (Err(error), _) => Err(error),
            (Ok(()), Some(result)) => Ok((self.then)(result)),
            // What was not run is not committed.
            (Ok(()), None) => return,
        };
        if answer.is_ok() {
            for queue in &self.notifications {
                self.store.notifier(queue).notify_one();
            }
        }
        let _nobody_waits = self.reply.send(answer);
    }
}
