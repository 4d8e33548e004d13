//! The one thread that writes: group commit.
//!
//! Work comes through a channel. The writer takes all that waits, up to [`GROUP`], runs it in one transaction and then
//! answers everyone; what arrives meanwhile is the next group. When a group fails, say because the disk is full, each
//! of its works is run again in a transaction of its own, so that a large message that does not fit any more does not
//! keep a small completion from being noted.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::StoreError;
use crate::file::Lock;

/// The most works of one transaction: enough that the commit's cost no longer shows, few enough that the first of
/// them need not wait long for the last.
const GROUP: usize = 256;

/// What the writer is told.
pub(crate) enum Command {
    Execute(Box<dyn Operation>),
    /// Ends the writer, closes the file, and then answers.
    Close(oneshot::Sender<()>),
}

/// One operation and the one who waits for it. It may be run more than once, and is answered once.
pub(crate) trait Operation: Send {
    fn execute(&mut self, connection: &Connection) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

pub(crate) struct Writer {
    pub connection: Connection,
    pub path: PathBuf,
    pub commands: Receiver<Command>,
    /// Held as long as the connection.
    pub lock: Lock,
}

type Group = Vec<Box<dyn Operation>>;

impl Writer {
    /// Works until it is told to close, or until nobody is left who could tell it anything.
    pub(crate) fn serve(self) {
        let mut group = Group::new();
        let mut closing = None;
        while closing.is_none() {
            let Ok(first) = self.commands.recv() else {
                return;
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
        // Closing the last connection folds the write-ahead log into the file; a failure leaves it for the next start.
        drop(connection);
        drop(lock);
        if let Some(closed) = closing {
            let _nobody_waits = closed.send(());
        }
    }

    fn commit_group(&self, group: &mut Group) {
        if self.commit_transaction(group).is_ok() {
            for operation in group.drain(..) {
                operation.answer(Ok(()));
            }
            return;
        }
        for operation in group.drain(..) {
            let mut alone = vec![operation];
            let committed = self
                .commit_transaction(&mut alone)
                .map_err(|error| StoreError::sqlite("write to", &self.path, &error));
            for operation in alone {
                operation.answer(committed.clone());
            }
        }
    }

    /// All or nothing. Dropped without a commit, the transaction is rolled back.
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

    /// Stores some bytes, and writes down what happens to it.
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

        fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
            let answer = committed.map_or_else(|error| error.to_string(), |()| "done".to_owned());
            self.log
                .lock()
                .unwrap()
                .push(format!("{}: {answer}", self.name));
        }
    }

    /// What happens to works that wait together, and how many of them are in the file in the end.
    fn together(operations: &[(&'static str, i64)], max_pages: u32) -> (Vec<String>, i64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let (connection, lock) = file::open(&path).unwrap();
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
    fn what_waits_together_is_committed_together_and_then_answered() {
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
    fn on_a_full_disk_what_does_not_fit_is_refused_and_the_rest_is_done() {
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
            answers[1].contains("database or disk is full; make room on its disk"),
            "{}",
            answers[1]
        );
        assert_eq!(stored, 2);
    }
}
