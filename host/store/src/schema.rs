//! The layout of the store's file, and how an older layout is upgraded.

use rusqlite::Connection;

use crate::object::schema::{OBJECTS, UNSYNCED};
use crate::queue::schema::{NAMED_RECEIVES, QUEUES, SEND_ORDER};

/// The steps from each layout to the next. Steps are added and never changed: users have files of every layout.
const STEPS: [&str; 7] = [
    EVENTS,
    QUEUES,
    OBJECTS,
    NAMED_RECEIVES,
    UNSYNCED,
    SEND_ORDER,
    CURSORS,
];

/// The table of the event queues.
const EVENTS: &str = "
CREATE TABLE messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    queue      TEXT    NOT NULL,
    sent_at    INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,           -- the end of the lease, while leased
    leased     INTEGER NOT NULL DEFAULT 0,
    receives   INTEGER NOT NULL DEFAULT 0,
    attempts   INTEGER NOT NULL DEFAULT 0,
    attributes TEXT    NOT NULL,
    body       BLOB    NOT NULL
) STRICT;
CREATE INDEX messages_in_order ON messages (queue, due_at, id);
";

/// The table of the cursors.
const CURSORS: &str = "
CREATE TABLE cursors (
    trigger TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    part    TEXT    NOT NULL,
    cursor  TEXT,
    ended   INTEGER NOT NULL,
    PRIMARY KEY (trigger, source, part)
) STRICT, WITHOUT ROWID;
";

/// The layout that this program writes.
pub(crate) const LAYOUT: i64 = STEPS.len() as i64;

/// The layout of a file. A new, empty file has layout 0.
pub(crate) fn layout(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Upgrades a file of the layout `from` to [`LAYOUT`], in one transaction.
pub(crate) fn upgrade(connection: &Connection, from: i64) -> rusqlite::Result<()> {
    let missing = STEPS.iter().skip(usize::try_from(from).unwrap_or(0));
    let steps: String = missing.copied().collect();
    if steps.is_empty() {
        return Ok(());
    }
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {steps} PRAGMA user_version = {LAYOUT}; COMMIT;"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_visible_messages_of_layout_5_are_marked_in_standard_queues() {
        let file = Connection::open_in_memory().unwrap();
        file.execute_batch(&STEPS[..5].concat()).unwrap();
        let queue = |id: i64, name: &str, ordered: bool| {
            let sql = "INSERT INTO queues (id, name, pile, ordered, lease_ms, delay_ms, retention_ms,
                                           deduplication_by_group, attributes, created_at, changed_at)
                       VALUES (?1, ?2, ?1 + 10, ?3, 0, 0, 0, 0, '[]', 0, 0)";
            file.execute(sql, (id, name, ordered)).unwrap();
        };
        queue(1, "q", false);
        queue(2, "q.fifo", true);
        let message = |pile: i64, due_at: i64, leased: bool| {
            let sql = "INSERT INTO queue_messages (pile, due_at, leased, leased_at, first_received_at, sent_at,
                                                   kept_from, message_id, body)
                       VALUES (?1, ?2, ?3, 0, 0, 0, 0, x'00', x'00')";
            file.execute(sql, (pile, due_at, leased)).unwrap();
        };
        let later = i64::MAX - 1;
        for (due_at, leased) in [(500, true), (400, false), (later, true), (later, false)] {
            message(11, due_at, leased);
        }
        message(12, 500, true);
        upgrade(&file, 5).unwrap();
        let sql = "SELECT id, due_at, leased FROM queue_messages ORDER BY pile, due_at, leased, id";
        let mut statement = file.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let rows: Vec<(i64, i64, bool)> = rows.unwrap().map(Result::unwrap).collect();
        let expected = [
            (1, 0, false),
            (2, 0, false),
            (4, later, false),
            (3, later, true),
            (5, 500, true),
        ];
        assert_eq!(rows, expected);
        assert_eq!(layout(&file).unwrap(), LAYOUT);
    }

    #[test]
    fn deduplication_ids_of_layout_3_are_kept_by_generation() {
        let file = Connection::open_in_memory().unwrap();
        file.execute_batch(&STEPS[..3].concat()).unwrap();
        let queues = "
            INSERT INTO queues (id, name, pile, ordered, lease_ms, delay_ms, retention_ms, deduplication_by_group,
                                attributes, created_at, changed_at)
                VALUES (1, 'a.fifo', 3, 1, 0, 0, 0, 0, '[]', 0, 0), (3, 'b.fifo', 1, 1, 0, 0, 0, 0, '[]', 0, 0);
            INSERT INTO queue_deduplications (queue, scope, text, until, message, message_id)
                VALUES (1, '', 'x', 9, 10, x'00'), (3, '', 'x', 9, 30, x'00'), (4, '', 'of none', 9, 40, x'00');";
        file.execute_batch(queues).unwrap();
        upgrade(&file, 3).unwrap();
        let sql = "SELECT pile, message FROM queue_deduplications ORDER BY id";
        let mut statement = file.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let rows: Vec<(i64, i64)> = rows.unwrap().map(Result::unwrap).collect();
        assert_eq!(rows, [(3, 10), (1, 30)]);
        assert_eq!(layout(&file).unwrap(), LAYOUT);
    }
}
