//! An object's row: one version of one key.
//!
//! The versions of a key are ordered by their sequence numbers, the latest has the highest. The first characters of a
//! version's id are its sequence number, so a version is found without an index of ids, and its place in a listing is
//! known even after it was deleted. Exactly one row of each key is the latest.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::errors::{Abort, invalid};
use super::types::ObjectInfo;

/// The name of the version that a bucket has while it keeps no versions (S3: the `null` version).
pub(super) const NULL: &str = "null";

/// The digits of ids, in the order of their bytes, so that ids sort like their sequence numbers.
const DIGITS: [char; 62] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I',
    'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'a', 'b',
    'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u',
    'v', 'w', 'x', 'y', 'z',
];
/// The number of digits of a sequence number: enough for 63 bits.
const SEQUENCE_DIGITS: usize = 11;
/// The length of an id, the same as in S3.
const ID_LENGTH: usize = 32;

const COLUMNS: &str =
    "sequence, key, version, latest, marker, size, etag, modified_at, metadata, file, stamp";

/// A version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) sequence: i64,
    pub(super) info: ObjectInfo,
    /// The file below the objects' folder, if it is there.
    pub(super) file: Option<String>,
    /// The stamp of the file in a plain folder, if it is there; see `tree::Stamp`.
    pub(super) stamp: Option<String>,
}

impl Row {
    /// Reads a row of `COLUMNS`.
    pub(super) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let info = ObjectInfo {
            key: row.get(1)?,
            version: row.get(2)?,
            latest: row.get(3)?,
            delete_marker: row.get(4)?,
            size: row.get::<_, i64>(5)?.cast_unsigned(),
            etag: row.get(6)?,
            modified_at: row.get::<_, i64>(7)?.cast_unsigned(),
            metadata: pairs(row, 8)?,
        };
        Ok(Self {
            sequence: row.get(0)?,
            info,
            file: row.get(9)?,
            stamp: row.get(10)?,
        })
    }
}

/// The next sequence number. All changes of the store are numbered together.
pub(super) fn next_sequence(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "UPDATE object_sequence SET last = last + 1 RETURNING last";
    connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))
}

/// A SELECT of the columns that [`Row::read`] needs.
pub(super) fn select(rest: &str) -> String {
    format!("SELECT {COLUMNS} FROM objects {rest}")
}

/// The latest version of a key, or the version with this name.
pub(super) fn find(
    connection: &Connection,
    bucket: i64,
    key: &str,
    version: Option<&str>,
) -> rusqlite::Result<Option<Row>> {
    let version = match version {
        None => return latest(connection, bucket, key),
        Some(NULL) => return unversioned(connection, bucket, key),
        Some(version) => version,
    };
    let Some(sequence) = sequence_of(version) else {
        return Ok(None);
    };
    let sql = select("WHERE sequence = ?1 AND bucket = ?2 AND key = ?3 AND version = ?4");
    connection
        .prepare_cached(&sql)?
        .query_row(params![sequence, bucket, key, version], Row::read)
        .optional()
}

/// Like [`find`], for a version that a client names: an id that this store has never given is refused.
pub(super) fn find_named(
    connection: &Connection,
    bucket: i64,
    key: &str,
    version: Option<&str>,
) -> Result<Option<Row>, Abort> {
    let found = find(connection, bucket, key, version)?;
    if found.is_none()
        && let Some(id) = version.filter(|id| *id != NULL)
    {
        let last: i64 = connection
            .prepare_cached("SELECT last FROM object_sequence")?
            .query_row([], |row| row.get(0))?;
        if sequence_of(id).is_none_or(|sequence| sequence > last) {
            return Err(invalid(format!("no version ever had the id {id:?}")).into());
        }
    }
    Ok(found)
}

/// The latest version of a key, which may be a delete marker.
pub(super) fn latest(
    connection: &Connection,
    bucket: i64,
    key: &str,
) -> rusqlite::Result<Option<Row>> {
    let sql = select("WHERE bucket = ?1 AND key = ?2 ORDER BY sequence DESC LIMIT 1");
    connection
        .prepare_cached(&sql)?
        .query_row(params![bucket, key], Row::read)
        .optional()
}

/// The version without an id: the one that a bucket has while it keeps no versions.
pub(super) fn unversioned(
    connection: &Connection,
    bucket: i64,
    key: &str,
) -> rusqlite::Result<Option<Row>> {
    let sql = select("WHERE bucket = ?1 AND key = ?2 AND version IS NULL");
    connection
        .prepare_cached(&sql)?
        .query_row(params![bucket, key], Row::read)
        .optional()
}

/// Inserts a version, which becomes the latest.
pub(super) fn insert(connection: &Connection, bucket: i64, row: &Row) -> rusqlite::Result<()> {
    let info = &row.info;
    let older = "UPDATE objects SET latest = 0 WHERE sequence =
                 (SELECT sequence FROM objects WHERE bucket = ?1 AND key = ?2 ORDER BY sequence DESC LIMIT 1)";
    connection
        .prepare_cached(older)?
        .execute(params![bucket, info.key])?;
    let sql = format!(
        "INSERT INTO objects (bucket, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    );
    connection.prepare_cached(&sql)?.execute(params![
        bucket,
        row.sequence,
        info.key,
        info.version,
        info.delete_marker,
        info.size.cast_signed(),
        info.etag,
        info.modified_at.cast_signed(),
        json(&info.metadata),
        row.file,
        row.stamp,
    ])?;
    Ok(())
}

/// Deletes a version. If it was the latest, the one before it becomes the latest.
pub(super) fn delete(connection: &Connection, bucket: i64, row: &Row) -> rusqlite::Result<()> {
    end(
        connection,
        "DELETE FROM objects WHERE sequence = ?1",
        bucket,
        row,
    )
}

/// Like [`delete`], but keeps the row where no query finds it, for [`restore`].
pub(super) fn hide(connection: &Connection, bucket: i64, row: &Row) -> rusqlite::Result<()> {
    let sql = "UPDATE objects SET bucket = -bucket, latest = 0 WHERE sequence = ?1";
    end(connection, sql, bucket, row)
}

/// Brings back a hidden row. Returns whether there is one.
pub(super) fn restore(connection: &Connection, sequence: i64) -> rusqlite::Result<bool> {
    let sql = "UPDATE objects SET bucket = -bucket WHERE sequence = ?1 AND bucket < 0 RETURNING bucket, key";
    let found = connection
        .prepare_cached(sql)?
        .query_row([sequence], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((bucket, key)): Option<(i64, String)> = found else {
        return Ok(false);
    };
    let none = "UPDATE objects SET latest = 0 WHERE bucket = ?1 AND key = ?2";
    connection.execute(none, params![bucket, key])?;
    let last = "UPDATE objects SET latest = 1 WHERE sequence =
                (SELECT sequence FROM objects WHERE bucket = ?1 AND key = ?2 ORDER BY sequence DESC LIMIT 1)";
    connection.execute(last, params![bucket, key])?;
    Ok(true)
}

/// Forgets a hidden row.
pub(super) fn forget(connection: &Connection, sequence: i64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM objects WHERE sequence = ?1 AND bucket < 0";
    connection.prepare_cached(sql)?.execute([sequence])?;
    Ok(())
}

fn end(connection: &Connection, sql: &str, bucket: i64, row: &Row) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([row.sequence])?;
    if row.info.latest {
        let promote = "UPDATE objects SET latest = 1 WHERE sequence =
                       (SELECT sequence FROM objects WHERE bucket = ?1 AND key = ?2 ORDER BY sequence DESC LIMIT 1)";
        connection
            .prepare_cached(promote)?
            .execute(params![bucket, row.info.key])?;
    }
    Ok(())
}

/// Replaces the metadata of a version.
pub(super) fn replace_metadata(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE objects SET metadata = ?2 WHERE sequence = ?1")?
        .execute(params![row.sequence, json(&row.info.metadata)])?;
    Ok(())
}

/// Stores the new stamp of a file in a plain folder whose bytes are unchanged.
pub(super) fn restamp(
    connection: &Connection,
    bucket: i64,
    key: &str,
    stamp: &str,
    modified_at: u64,
) -> rusqlite::Result<()> {
    let sql = "UPDATE objects SET stamp = ?3, modified_at = ?4 WHERE bucket = ?1 AND key = ?2";
    connection.prepare_cached(sql)?.execute(params![
        bucket,
        key,
        stamp,
        modified_at.cast_signed()
    ])?;
    Ok(())
}

/// A new id of 32 characters: the sequence number, followed by random characters.
pub(super) fn new_id(sequence: i64) -> String {
    let (mut rest, mut random) = (sequence.cast_unsigned(), Uuid::new_v4().as_u128());
    let digit = |value: usize| DIGITS.get(value).copied().unwrap_or('0');
    let mut id = ['0'; ID_LENGTH];
    for (at, place) in id.iter_mut().enumerate().rev() {
        if at < SEQUENCE_DIGITS {
            *place = digit((rest % 62) as usize);
            rest /= 62;
        } else {
            *place = digit((random % 62) as usize);
            random /= 62;
        }
    }
    id.iter().collect()
}

/// The sequence number that an id starts with; `None` if the text is not an id.
pub(super) fn sequence_of(id: &str) -> Option<i64> {
    if id.len() != ID_LENGTH {
        return None;
    }
    let mut sequence: i64 = 0;
    for char in id.chars().take(SEQUENCE_DIGITS) {
        let value = DIGITS.binary_search(&char).ok()? as i64;
        sequence = sequence.checked_mul(62)?.checked_add(value)?;
    }
    Some(sequence)
}

/// Pairs as the JSON that is stored.
pub(super) fn json(pairs: &[(String, String)]) -> String {
    // Strings and lists always serialize.
    serde_json::to_string(pairs).unwrap_or_default()
}

/// Pairs from the JSON in a column.
pub(super) fn pairs(
    row: &rusqlite::Row<'_>,
    column: usize,
) -> rusqlite::Result<Vec<(String, String)>> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|error| {
        let text = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, text, Box::new(error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_contain_their_sequence_number_and_sort_by_it() {
        let sequences = [0, 1, 61, 62, 3843, 1 << 40, i64::MAX];
        let ids: Vec<String> = sequences.map(new_id).to_vec();
        assert!(ids.is_sorted(), "{ids:?}");
        for (sequence, id) in sequences.into_iter().zip(&ids) {
            assert_eq!(id.len(), 32);
            assert_eq!(sequence_of(id), Some(sequence));
        }
        assert_ne!(new_id(7), new_id(7));
        for wrong in [
            "",
            "null",
            "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
            "ü1234567890123456789012345678901",
        ] {
            assert_eq!(sequence_of(wrong), None);
        }
    }
}
