//! Creating, describing, changing, listing, purging and deleting queues.

use rusqlite::{Params, Row, params};

use super::generation;
use super::limits::{ATTRIBUTES_BYTES, LIST_BYTES, NAME_BYTES, TOMBSTONE_MS};
use super::queues::Queues;
use super::row::{Queue, dead_letter};
use super::tx::{Abort, QueueTx};
use super::types::{Description, Page, QueueError, Settings};
use crate::sql_time::{from_time, time};

const DESCRIPTION: &str = "name, ordered, lease_ms, delay_ms, retention_ms, deduplication_by_group, dead_letter, \
                           max_receives, attributes, created_at, changed_at, purged_at";

fn description(row: &Row<'_>) -> rusqlite::Result<Description> {
    let attributes: String = row.get(8)?;
    let purged_at: Option<i64> = row.get(11)?;
    Ok(Description {
        name: row.get(0)?,
        settings: Settings {
            ordered: row.get(1)?,
            lease_ms: row.get(2).map(from_time)?,
            delay_ms: row.get(3).map(from_time)?,
            retention_ms: row.get(4).map(from_time)?,
            deduplication_by_group: row.get(5)?,
            dead_letter: dead_letter(row.get(6)?, row.get(7)?),
            attributes: serde_json::from_str(&attributes).unwrap_or_default(),
        },
        created_at: row.get(9).map(from_time)?,
        changed_at: row.get(10).map(from_time)?,
        purged_at: purged_at.map(from_time),
    })
}

/// Creates a queue. There must be none with this name.
pub(crate) fn create(tx: &QueueTx<'_>, name: &str, settings: &Settings) -> Result<Queue, Abort> {
    check(name, settings)?;
    let generation = generation::create(tx)?;
    let sql = "INSERT INTO queues (name, pile, ordered, lease_ms, delay_ms, retention_ms, deduplication_by_group,
                                   attributes, created_at, changed_at)
               VALUES (?1, ?2, ?3, 0, 0, 0, 0, '', ?4, ?4)";
    tx.insert(
        sql,
        params![name, generation, settings.ordered, time(tx.now)],
    )?;
    tx.execute("DELETE FROM deleted_queues WHERE name = ?1", [name])?;
    write(tx, name, settings)?;
    tx.queue(name)
}

fn change(tx: &mut QueueTx<'_>, queue: &Queue, settings: &Settings) -> Result<(), Abort> {
    check(&queue.name, settings)?;
    write(tx, &queue.name, settings)?;
    // A waiting receive may have something to do now, for example if the dead-letter queue is another one.
    tx.notify(&queue.name);
    Ok(())
}

fn write(tx: &QueueTx<'_>, name: &str, settings: &Settings) -> rusqlite::Result<()> {
    let sql = "UPDATE queues SET lease_ms = ?2, delay_ms = ?3, retention_ms = ?4, deduplication_by_group = ?5,
                                 dead_letter = ?6, max_receives = ?7, attributes = ?8, changed_at = ?9
               WHERE name = ?1";
    let dead_letter = settings.dead_letter.as_ref();
    tx.execute(
        sql,
        params![
            name,
            time(settings.lease_ms),
            time(settings.delay_ms),
            time(settings.retention_ms),
            settings.deduplication_by_group,
            dead_letter.map(|letters| &letters.queue),
            dead_letter.map(|letters| letters.max_receives),
            // Strings always serialize.
            serde_json::to_string(&settings.attributes).unwrap_or_default(),
            time(tx.now),
        ],
    )?;
    Ok(())
}

fn check(name: &str, settings: &Settings) -> Result<(), Abort> {
    if !Queues::is_name(name) {
        return Err(Abort::invalid(format!(
            "{name:?} is not a valid queue name: it needs 1 to {NAME_BYTES} letters, digits, `-` and `_`, and may end in \
             `.fifo`"
        )));
    }
    if settings
        .dead_letter
        .as_ref()
        .is_some_and(|letters| letters.max_receives == 0)
    {
        return Err(Abort::invalid(format!(
            "the queue {name} allows 0 receives before a message becomes a dead letter; the minimum is 1"
        )));
    }
    let bytes: usize = settings
        .attributes
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if bytes > ATTRIBUTES_BYTES {
        return Err(Abort::invalid(format!(
            "the attributes of the queue {name} have {bytes} bytes, more than {ATTRIBUTES_BYTES}"
        )));
    }
    Ok(())
}

impl Queues {
    /// Whether a text is a valid queue name: 1 to 80 letters, digits, `-` and `_`, optionally ending in `.fifo` (the
    /// rule of SQS).
    pub fn is_name(name: &str) -> bool {
        let stem = name.strip_suffix(".fifo").unwrap_or(name);
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !stem.is_empty() && name.len() <= NAME_BYTES && stem.bytes().all(legal)
    }

    /// Creates a queue.
    ///
    /// # Errors
    ///
    /// [`QueueError::Exists`] if there is a queue with this name, whatever its settings; [`QueueError::Invalid`] if
    /// the name or the settings are not valid.
    pub async fn create(&self, name: &str, settings: Settings) -> Result<(), QueueError> {
        let name = name.to_owned();
        self.transact(move |tx| {
            if tx.find_queue(&name)?.is_some() {
                return Err(QueueError::Exists.into());
            }
            create(tx, &name, &settings).map(drop)
        })
        .await
    }

    /// Creates a queue, or gives an existing one these settings: for the queues of a configuration.
    ///
    /// # Errors
    ///
    /// [`QueueError::Invalid`] if the name or the settings are not valid, or if an existing queue is ordered and this
    /// one is not, or the other way round.
    pub async fn define(&self, name: &str, settings: Settings) -> Result<(), QueueError> {
        let name = name.to_owned();
        self.transact(move |tx| {
            let Some(queue) = tx.find_queue(&name)? else {
                return create(tx, &name, &settings).map(drop);
            };
            if queue.ordered != settings.ordered {
                let (is, wanted) = if queue.ordered {
                    ("an ordered", "a standard")
                } else {
                    ("a standard", "an ordered")
                };
                return Err(Abort::invalid(format!(
                    "the queue {name} is {is} queue and cannot become {wanted} one; delete it or take another name"
                )));
            }
            let sql = format!("SELECT {DESCRIPTION} FROM queues WHERE name = ?1");
            let known = tx.row(&sql, [&name], description)?;
            if known.is_some_and(|known| known.settings == settings) {
                return Ok(());
            }
            change(tx, &queue, &settings)
        })
        .await
    }

    /// The settings and dates of a queue.
    pub async fn describe(&self, queue: &str) -> Result<Description, QueueError> {
        let queue = queue.to_owned();
        self.transact(move |tx| {
            let sql = format!("SELECT {DESCRIPTION} FROM queues WHERE name = ?1");
            let found = tx.row(&sql, [&queue], description)?;
            Ok(found.ok_or(QueueError::Missing)?)
        })
        .await
    }

    /// Replaces the settings of a queue, except for whether it is ordered. Messages keep the delays and leases they
    /// have.
    pub async fn change(&self, queue: &str, settings: Settings) -> Result<(), QueueError> {
        let name = queue.to_owned();
        self.transact(move |tx| {
            let queue = tx.queue(&name)?;
            change(tx, &queue, &settings)
        })
        .await
    }

    /// Up to `max` queues whose names start with `prefix` and come after `after`, by name. A page also ends at 16 MiB
    /// of attributes.
    pub async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Page, QueueError> {
        let (first, after) = (prefix.to_owned(), after.unwrap_or_default().to_owned());
        // Names are ASCII, so this is beyond all of them that start with the prefix.
        let beyond = format!("{prefix}\u{80}");
        self.transact(move |tx| {
            let sql = format!(
                "SELECT {DESCRIPTION} FROM queues WHERE name >= ?1 AND name < ?2 AND name > ?3 ORDER BY name LIMIT ?4"
            );
            let limit = max.saturating_add(1) as i64;
            Ok(page(tx, &sql, params![first, beyond, after, limit], max)?)
        })
        .await
    }

    /// Up to `max` queues whose dead-letter queue is this one and whose names come after `after`, by name (SQS:
    /// `ListDeadLetterSourceQueues`).
    pub async fn dead_letter_sources(
        &self,
        queue: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Page, QueueError> {
        let (queue, after) = (queue.to_owned(), after.unwrap_or_default().to_owned());
        self.transact(move |tx| {
            tx.queue(&queue)?;
            let sql = format!(
                "SELECT {DESCRIPTION} FROM queues WHERE dead_letter = ?1 AND name > ?2 ORDER BY name LIMIT ?3"
            );
            let limit = max.saturating_add(1) as i64;
            Ok(page(tx, &sql, params![queue, after, limit], max)?)
        })
        .await
    }

    /// Deletes a queue with all its messages. The cost does not depend on their number.
    pub async fn delete(&self, queue: &str) -> Result<(), QueueError> {
        let name = queue.to_owned();
        self.transact(move |tx| {
            let queue = tx.queue(&name)?;
            generation::retire(tx, queue.generation)?;
            tx.execute("DELETE FROM queues WHERE id = ?1", [queue.id])?;
            let over = time(tx.now.saturating_sub(TOMBSTONE_MS));
            tx.execute("DELETE FROM deleted_queues WHERE deleted_at <= ?1", [over])?;
            let sql = "INSERT OR REPLACE INTO deleted_queues VALUES (?1, ?2)";
            tx.execute(sql, params![name, time(tx.now)])?;
            // Waiting receives fail now.
            tx.notify(&name);
            Ok(())
        })
        .await
    }

    /// When a queue with this name was deleted, if that was within the last 60 seconds and it has not been created
    /// again.
    pub async fn deleted_at(&self, queue: &str) -> Result<Option<u64>, QueueError> {
        let queue = queue.to_owned();
        self.transact(move |tx| {
            let sql = "SELECT deleted_at FROM deleted_queues WHERE name = ?1 AND deleted_at > ?2";
            let since = time(tx.now.saturating_sub(TOMBSTONE_MS));
            Ok(tx.row(sql, params![queue, since], |row| row.get(0).map(from_time))?)
        })
        .await
    }

    /// Deletes all messages of a queue, leased ones too. The cost does not depend on their number. Deduplication ids
    /// are forgotten with them.
    pub async fn purge(&self, queue: &str) -> Result<(), QueueError> {
        let name = queue.to_owned();
        self.transact(move |tx| {
            let queue = tx.queue(&name)?;
            generation::retire(tx, queue.generation)?;
            let generation = generation::create(tx)?;
            let sql = "UPDATE queues SET pile = ?2, purged_at = ?3 WHERE id = ?1";
            tx.execute(sql, params![queue.id, generation, time(tx.now)])?;
            Ok(())
        })
        .await
    }
}

/// Reads a page. The statement's limit is one more than the page's, which shows whether there are further queues.
fn page(tx: &QueueTx<'_>, sql: &str, params: impl Params, max: usize) -> rusqlite::Result<Page> {
    let mut bytes = 0;
    let mut queues = tx.rows_while(sql, params, description, |found| {
        let texts = found.settings.attributes.iter();
        bytes += texts
            .map(|(name, text)| name.len() + text.len())
            .sum::<usize>();
        bytes < LIST_BYTES
    })?;
    let more = queues.len() > max || bytes >= LIST_BYTES;
    queues.truncate(max);
    Ok(Page { queues, more })
}
