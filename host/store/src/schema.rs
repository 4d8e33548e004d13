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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_before_is_remembered_by_the_pile_it_lies_on() {
        let file = Connection::open_in_memory().unwrap();
        file.execute_batch(&STEPS[..3].concat()).unwrap();
        let queues = "
            INSERT INTO queues (id, name, pile, ordered, lease_ms, delay_ms, retention_ms, deduplication_by_group,
                                attributes, created_at, changed_at)
                VALUES (1, 'a.fifo', 3, 1, 0, 0, 0, 0, '[]', 0, 0), (3, 'b.fifo', 1, 1, 0, 0, 0, 0, '[]', 0, 0);
            INSERT INTO queue_deduplications (queue, scope, text, until, message, message_id)
                VALUES (1, '', 'x', 9, 10, x'00'), (3, '', 'x', 9, 30, x'00'), (4, '', 'of none', 9, 40, x'00');";
        file.execute_batch(queues).unwrap();
        bring_up_to_date(&file, 3).unwrap();
        let sql = "SELECT pile, message FROM queue_deduplications ORDER BY id";
        let mut statement = file.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let rows: Vec<(i64, i64)> = rows.unwrap().map(Result::unwrap).collect();
        assert_eq!(rows, [(3, 10), (1, 30)]);
        assert_eq!(layout(&file).unwrap(), LAYOUT);
    }
}
