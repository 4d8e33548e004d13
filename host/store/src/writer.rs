//! The store's writer: one thread that runs all operations, with group commit.
//!
//! Operations come through a channel. The writer takes all that wait, up to [`GROUP`], runs them in one transaction
//! and then answers each of them; what arrives meanwhile is the next group.
//!
//! On failure of a group, because the disk is full for example, each of its operations is run again in a transaction
//! of its own. A large message that no longer fits therefore does not keep a small completion from being stored.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::error::is_full;
use crate::file::{LOG_PAGES, Lock};
use crate::presence::Presence;
use crate::reserve::Reserve;

/// The maximum number of operations in one transaction: enough that the cost of a commit no longer shows, and few
/// enough that the first operation does not wait long for the last.
const GROUP: usize = 256;

/// How long the store has to be idle before the reserve is made.
const IDLE: Duration = Duration::from_secs(1);

/// The number of pages in the write-ahead log at which it is copied into the store's file while the disk is full.
const FULL_LOG_PAGES: i64 = 64;

/// SQLite's own limit of the pages of a file.
const MAX_PAGES: i64 = 4_294_967_294;

/// A command for the writer.
pub(crate) enum Command {
    /// Runs an operation.
    Execute(Box<dyn Operation>),
    /// Ends the writer, closes the file, and then answers.
    Close(oneshot::Sender<()>),
}

/// One operation and the way to its caller. It is executed once or, if its group fails, twice; it is answered once.
pub(crate) trait Operation: Send {
    /// Runs the operation inside the writer's transaction.
    fn execute(&mut self, connection: &Connection) -> rusqlite::Result<()>;
    /// Whether it stores something new, which the reserve is not for.
    fn grows(&self) -> bool;
    /// Answers the caller.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

pub(crate) struct Writer {
    pub connection: Connection,
    pub path: PathBuf,
    pub commands: Receiver<Command>,
    /// Held for as long as the connection is open.
    pub lock: Lock,
    /// The files that have to stay in their places.
    pub presence: RefCell<Presence>,
    /// What is given up on a full disk.
    pub reserve: RefCell<Reserve>,
    /// Set while it is given up.
    pub full: Arc<AtomicBool>,
}

type Group = Vec<Box<dyn Operation>>;

impl Writer {
    /// Serves commands until it is told to close, or until every handle of the store is gone.
    pub(crate) fn serve(self) {
        let mut group = Group::new();
        let mut closing = None;
        if self.reserve.borrow().is_given_up() {
            self.save_space();
        }
        while closing.is_none() {
            let first = match self.commands.recv_timeout(IDLE) {
                Ok(first) => first,
                Err(RecvTimeoutError::Timeout) => {
                    self.make_reserve();
                    match self.commands.recv() {
                        Ok(first) => first,
                        Err(_) => return,
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            for command in std::iter::once(first).chain(self.commands.try_iter().take(GROUP - 1)) {
                match command {
                    Command::Execute(operation) => group.push(operation),
                    Command::Close(closed) => {
                        closing = Some(closed);
                        break;
                    }
                }
            }
            self.commit_group(&mut group);
        }
        let Self {
            connection, lock, ..
        } = self;
        // Closing the last connection copies the write-ahead log into the file. If that fails, the next start does it.
        drop(connection);
        drop(lock);
        if let Some(closed) = closing {
            let _ = closed.send(()); // the caller went away
        }
    }

    /// Commits a group and answers its operations. If the group fails, commits each operation alone.
    fn commit_group(&self, group: &mut Group) {
        if self.reserve.borrow().is_given_up() {
            self.make_reserve();
        }
        if !self.reserve.borrow().is_given_up() && self.commit_transaction(group).is_ok() {
            let present = self.check_presence();
            for operation in group.drain(..) {
                operation.answer(present.clone());
            }
            return;
        }
        for operation in group.drain(..) {
            let mut alone = vec![operation];
            let committed = self
                .commit_alone(&mut alone)
                .map_err(|error| StoreError::sqlite("write to", &self.path, &error))
                .and_then(|()| self.check_presence());
            for operation in alone {
                operation.answer(committed.clone());
            }
        }
    }

    /// Commits one operation. On a full disk, gives the reserve up for it, unless it stores something new.
    fn commit_alone(&self, alone: &mut Group) -> rusqlite::Result<()> {
        let grows = alone.iter().any(|operation| operation.grows());
        if grows && self.reserve.borrow().is_given_up() {
            return self.commit_into_free_pages(alone);
        }
        let committed = self.commit_transaction(alone);
        match &committed {
            Err(error) if !grows && is_full(error) && self.reserve.borrow_mut().give_up() => {}
            _ => return committed,
        }
        self.save_space();
        self.commit_transaction(alone)
    }

    /// Has the log used again from its start instead of growing, and objects refused, while the reserve is given up.
    fn save_space(&self) {
        self.full.store(true, Ordering::Relaxed);
        let pages = FULL_LOG_PAGES;
        let _ = self
            .connection
            .pragma_update(None, "wal_autocheckpoint", pages);
        let _ = self.checkpoint(); // without one, the log grows into the reserve
    }

    /// Commits an operation if the store's file does not grow by it.
    fn commit_into_free_pages(&self, alone: &mut Group) -> rusqlite::Result<()> {
        let pages: i64 = self
            .connection
            .query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let limit = |pages: i64| {
            let sql = format!("PRAGMA max_page_count = {pages}");
            self.connection.query_row(&sql, [], |_| Ok(()))
        };
        limit(pages)?;
        let committed = self.commit_transaction(alone);
        limit(MAX_PAGES)?;
        committed
    }

    fn checkpoint(&self) -> rusqlite::Result<()> {
        self.connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
    }

    /// Makes the reserve, if there is space for it.
    fn make_reserve(&self) {
        let was_full = self.reserve.borrow().is_given_up();
        if self.reserve.borrow_mut().make() && was_full {
            self.full.store(false, Ordering::Relaxed);
            let _ = self
                .connection
                .pragma_update(None, "wal_autocheckpoint", LOG_PAGES);
        }
    }

    /// Whether what was committed can be found by the next host. After the commit: the files may be deleted during it.
    fn check_presence(&self) -> Result<(), StoreError> {
        let mut presence = self.presence.borrow_mut();
        let Some(file) = presence.missing().map(Path::to_owned) else {
            return Ok(());
        };
        let path = self.path.clone();
        let error = StoreError::Removed { path, file };
        if presence.report() {
            tracing::error!("{error}");
        }
        Err(error)
    }

    /// Commits all operations or none. A transaction that is dropped without a commit is rolled back.
    fn commit_transaction(&self, group: &mut Group) -> rusqlite::Result<()> {
        let transaction = self.connection.unchecked_transaction()?;
        for operation in group.iter_mut() {
            operation.execute(&transaction)?;
        }
        transaction.commit()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, mpsc};

    use super::*;
    use crate::file;

    type Log = Arc<Mutex<Vec<String>>>;

    /// Stores some bytes, and logs what happens to it.
    struct Insert {
        name: &'static str,
        bytes: i64,
        log: Log,
    }

    impl Operation for Insert {
        fn execute(&mut self, connection: &Connection) -> rusqlite::Result<()> {
            self.log.lock().unwrap().push(format!("{} runs", self.name));
            connection.execute("INSERT INTO bytes VALUES (zeroblob(?1))", [self.bytes])?;
            Ok(())
        }

        fn grows(&self) -> bool {
            true
        }

        fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
            let answer = committed.map_or_else(|error| error.to_string(), |()| "done".to_owned());
            self.log
                .lock()
                .unwrap()
                .push(format!("{}: {answer}", self.name));
        }
    }

    /// Submits operations together. Returns the log, and the number of operations that are in the file afterwards.
    fn together(operations: &[(&'static str, i64)], max_pages: u32) -> (Vec<String>, i64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let (connection, lock) = file::open(&path, &mut Reserve::of(&path)).unwrap();
        connection
            .execute_batch("CREATE TABLE bytes (bytes BLOB)")
            .unwrap();
        connection
            .pragma_update(None, "max_page_count", max_pages)
            .unwrap();
        let (sender, commands) = mpsc::channel();
        let log = Log::default();
        for &(name, bytes) in operations {
            let log = Arc::clone(&log);
            let insert = Insert { name, bytes, log };
            sender.send(Command::Execute(Box::new(insert))).unwrap();
        }
        drop(sender);
        Writer {
            connection,
            path: path.clone(),
            commands,
            lock,
            presence: RefCell::new(Presence::new(&path)),
            reserve: RefCell::new(Reserve::of(&path)),
            full: Arc::default(),
        }
        .serve();
        let stored =
            Connection::open(&path)
                .unwrap()
                .query_row("SELECT count(*) FROM bytes", [], |row| row.get(0));
        let happened = log.lock().unwrap().clone();
        (happened, stored.unwrap())
    }

    #[test]
    fn operations_that_wait_together_are_committed_together_and_then_answered() {
        let (happened, stored) = together(&[("a", 1), ("b", 1), ("c", 1)], 1000);
        assert_eq!(
            happened,
            [
                "a runs", "b runs", "c runs", "a: done", "b: done", "c: done"
            ]
        );
        assert_eq!(stored, 3);
    }

    #[test]
    fn on_a_full_disk_only_the_operation_that_does_not_fit_fails() {
        let (happened, stored) = together(&[("a", 1), ("large", 1 << 20), ("b", 1)], 64);
        let answers: Vec<&String> = happened
            .iter()
            .filter(|entry| entry.contains(": "))
            .collect();
        assert_eq!(
            (answers[0].as_str(), answers[2].as_str()),
            ("a: done", "b: done")
        );
        assert!(
            answers[1].contains("database or disk is full; free some space on its disk"),
            "{}",
            answers[1]
        );
        assert_eq!(stored, 2);
    }
}
