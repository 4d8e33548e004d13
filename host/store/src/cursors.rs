//! Cursors: how far the parts of logs outside of the host, such as the shards of a stream, have been processed.
//!
//! A cursor is text that only the source's plugin understands. It belongs to a trigger and to the source that the trigger
//! reads, so that a trigger whose source is changed starts anew. The store keeps the last one that was put.

use std::collections::BTreeMap;

use rusqlite::params;

use crate::error::StoreError;
use crate::store::Store;

/// The cursors of a store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cursors(Store);

/// How far one part was processed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartProgress {
    /// The cursor behind the last message that was processed. `None`: none was.
    pub cursor: Option<String>,
    /// Whether the part was processed to its end.
    pub ended: bool,
}

impl Cursors {
    /// The cursors of this store.
    pub fn new(store: Store) -> Self {
        Self(store)
    }

    /// The progress of each part that a trigger has read of a source, by the part's id.
    pub async fn of(
        &self,
        trigger: &str,
        source: &str,
    ) -> Result<BTreeMap<String, PartProgress>, StoreError> {
        let key = (trigger.to_owned(), source.to_owned());
        self.0
            .submit(move |connection, _| {
                let sql =
                    "SELECT part, cursor, ended FROM cursors WHERE trigger = ?1 AND source = ?2";
                let mut statement = connection.prepare_cached(sql)?;
                let rows = statement.query_map(params![key.0, key.1], |row| {
                    let progress = PartProgress {
                        cursor: row.get(1)?,
                        ended: row.get(2)?,
                    };
                    Ok((row.get(0)?, progress))
                })?;
                rows.collect()
            })
            .await
    }

    /// Replaces the progress of one part.
    pub async fn put(
        &self,
        trigger: &str,
        source: &str,
        part: &str,
        progress: PartProgress,
    ) -> Result<(), StoreError> {
        let [trigger, source, part] = [trigger, source, part].map(str::to_owned);
        self.0
            .growing()
            .submit(move |connection, _| {
                let sql = "INSERT OR REPLACE INTO cursors (trigger, source, part, cursor, ended)
                           VALUES (?1, ?2, ?3, ?4, ?5)";
                let row = params![trigger, source, part, progress.cursor, progress.ended];
                connection.prepare_cached(sql)?.execute(row).map(drop)
            })
            .await
    }

    /// Forgets the progress of a part, which its source no longer has.
    pub async fn forget(&self, trigger: &str, source: &str, part: &str) -> Result<(), StoreError> {
        let [trigger, source, part] = [trigger, source, part].map(str::to_owned);
        self.0
            .submit(move |connection, _| {
                let sql = "DELETE FROM cursors WHERE trigger = ?1 AND source = ?2 AND part = ?3";
                let key = params![trigger, source, part];
                connection.prepare_cached(sql)?.execute(key).map(drop)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_cursor_of_a_part_outlives_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let progress = |cursor: &str, ended| PartProgress {
            cursor: Some(cursor.to_owned()),
            ended,
        };
        let store = Store::open(&path).await.unwrap();
        let cursors = Cursors::new(store.clone());
        for (part, cursor, ended) in [("a", "1", false), ("a", "2", false), ("b", "9", true)] {
            let put = cursors.put("t", "s", part, progress(cursor, ended));
            put.await.unwrap();
        }
        store.close().await;
        let cursors = Cursors::new(Store::open(&path).await.unwrap());
        let kept = cursors.of("t", "s").await.unwrap();
        assert_eq!(kept["a"], progress("2", false));
        assert_eq!(kept["b"], progress("9", true));
        assert!(cursors.of("t", "other").await.unwrap().is_empty());
        cursors.forget("t", "s", "b").await.unwrap();
        assert_eq!(cursors.of("t", "s").await.unwrap().len(), 1);
    }
}
