//! The file's layout, and how an older one becomes the present one.

use rusqlite::Connection;

use crate::{object, queue};

/// Each step leads from one layout to the next. Steps are added, never changed: files of every layout are out there.
const STEPS: [&str; 4] = [
    EVENTS,
    queue::schema::QUEUES,
    object::LAYOUT_STEP,
    queue::schema::NAMED_RECEIVES,
];

/// The queues of functions' events.
const EVENTS: &str = "
CREATE TABLE messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    queue      TEXT    NOT NULL,
    sent_at    INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,           -- the end of the lease, while there is one
    leased     INTEGER NOT NULL DEFAULT 0,
    receives   INTEGER NOT NULL DEFAULT 0,
    attempts   INTEGER NOT NULL DEFAULT 0,
    attributes TEXT    NOT NULL,
    body       BLOB    NOT NULL
) STRICT;
CREATE INDEX messages_in_order ON messages (queue, due_at, id);
";

/// The layout that this program writes.
pub(crate) const LAYOUT: i64 = STEPS.len() as i64;

/// The layout a file has; a new file has layout 0.
pub(crate) fn layout(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Takes the steps that are missing, all or none.
pub(crate) fn bring_up_to_date(connection: &Connection, from: i64) -> rusqlite::Result<()> {
    let missing = STEPS.iter().skip(usize::try_from(from).unwrap_or(0));
    let steps: String = missing.copied().collect();
    if steps.is_empty() {
        return Ok(());
    }
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {steps} PRAGMA user_version = {LAYOUT}; COMMIT;"
    ))
}
