//! The open store: the way to its writer, and the notifiers of its queues.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rusqlite::Connection;
use tokio::sync::{Notify, oneshot};

use crate::error::StoreError;
use crate::file::{self, sync_folder};
use crate::presence::Presence;
use crate::reserve::Reserve;
use crate::writer::{Command, Operation, Writer};

/// The names of the queues whose notifiers are woken when an operation is committed.
pub(crate) type Notifications = BTreeSet<String>;

/// An open store. Cheap to clone; all clones are handles of the same store.
///
/// What is in it is reached through [`Queues`](crate::queue::Queues), [`EventQueues`](crate::EventQueues) and
/// [`Objects`](crate::object::Objects).
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Shared>,
    /// Whether operations that are submitted through this handle store something new.
    grows: bool,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    commands: mpsc::Sender<Command>,
    /// Whether the disk is full and the reserve given up.
    full: Arc<AtomicBool>,
    /// By queue name.
    notifiers: Mutex<HashMap<String, Arc<Notify>>>,
}

impl Store {
    /// Opens the store at `path`. The file and its folder are created if they do not exist.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`] if another process has it open, [`StoreError::Newer`] if a later version of this program
    /// has written it, and [`StoreError::Failed`] if the file cannot be read or written.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let (sender, commands) = mpsc::channel();
        let (opened, answer) = oneshot::channel();
        let thread = std::thread::Builder::new().name("store".to_owned());
        let at = path.to_owned();
        let full = Arc::<AtomicBool>::default();
        let is_full = Arc::clone(&full);
        let started = thread.spawn(move || {
            let mut reserve = Reserve::of(&at);
            let (connection, lock) = match file::open(&at, &mut reserve) {
                Ok(open) => open,
                Err(error) => {
                    let _ = opened.send(Err(error)); // the caller went away
                    return;
                }
            };
            let presence = RefCell::new(Presence::new(&at));
            let _ = opened.send(Ok(())); // the caller went away
            let writer = Writer {
                connection,
                path: at,
                commands,
                lock,
                presence,
                full: is_full,
                reserve: RefCell::new(reserve),
            };
            writer.serve();
        });
        started.map_err(|error| StoreError::io("open", path, &error))?;
        let path = path.to_owned();
        match answer.await {
            Ok(opened) => opened?,
            Err(_) => return Err(StoreError::Closed { path }),
        }
        Ok(Self {
            shared: Arc::new(Shared {
                path,
                commands: sender,
                full,
                notifiers: Mutex::default(),
            }),
            grows: false,
        })
    }

    /// The notifier of a queue, which is woken when a commit has changed what the queue can hand out. It keeps one
    /// permit for a consumer that is busy, and wakes one waiting task at a time.
    pub(crate) fn notifier(&self, queue: &str) -> Arc<Notify> {
        let mut notifiers = self
            .shared
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

    /// A handle for operations that store something new. They are refused while the disk is full and the reserve given
    /// up, unless they fit into the store's file as it is.
    pub(crate) fn growing(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            grows: true,
        }
    }

    /// Whether the disk is full and the reserve given up.
    pub(crate) fn is_full(&self) -> bool {
        self.shared.full.load(Ordering::Relaxed)
    }

    /// The store's file.
    pub(crate) fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Waits until every commit that was answered is on the disk. Blocks.
    pub(crate) fn sync_log(&self) -> io::Result<()> {
        // A commit that is no longer in the log has been copied into the file, which SQLite has brought to the disk.
        let path = fs::canonicalize(&self.shared.path)?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        File::open(log)?.sync_all()?;
        path.parent().map_or(Ok(()), sync_folder)
    }

    /// Commits what was submitted before, and closes the file. Later operations fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        let (closed, answer) = oneshot::channel();
        if self.shared.commands.send(Command::Close(closed)).is_ok() {
            let _ = answer.await; // another caller closed it
        }
    }

    /// Has the writer run `work` and returns the result once it is committed. The notifiers that `work` names are
    /// woken after the commit, also if the caller has gone away. `work` may be run more than once; see [`Operation`].
    pub(crate) async fn submit<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection, &mut Notifications) -> rusqlite::Result<T> + Send + 'static,
    {
        self.submit_then(work, |result| result).await
    }

    /// Like `submit`. `then` converts the result once it is committed, also if the caller has gone away.
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

    /// Like `submit`, without waiting for the result. Does nothing if the store is closed.
    pub(crate) fn submit_detached<F>(&self, work: F)
    where
        F: FnMut(&Connection, &mut Notifications) -> rusqlite::Result<()> + Send + 'static,
    {
        let (reply, _) = oneshot::channel();
        let _ = self.send_to_writer(work, |result| result, reply); // the store is closed
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
        self.shared
            .commands
            .send(command)
            .map_err(|_| self.closed())
    }

    fn closed(&self) -> StoreError {
        StoreError::Closed {
            path: self.shared.path.clone(),
        }
    }
}

/// An operation with its caller.
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

    fn grows(&self) -> bool {
        self.store.grows
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match (committed, self.result) {
            (Err(error), _) => Err(error),
            (Ok(()), Some(result)) => Ok((self.then)(result)),
            // Cannot happen: only operations that were executed are committed.
            (Ok(()), None) => return,
        };
        if answer.is_ok() {
            for queue in &self.notifications {
                self.store.notifier(queue).notify_one();
            }
        }
        let _ = self.reply.send(answer); // the caller went away
    }
}
