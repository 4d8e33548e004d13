//! Lists of keys, in pages.
//!
//! Keys are in the order of their bytes, which is the order of the index, so each page is read from where the
//! previous one ended. Keys with the same common prefix are listed once; the walk then seeks to the first key after
//! all of them. A page therefore costs what is on it, however many keys the bucket has or a prefix stands for. It may
//! have fewer entries than requested if these are large ([`PAGE_BYTES`]).
//!
//! A list of objects continues after a key or a common prefix; a list of versions after a version of a key. The
//! version without an id is named `null`, and a key without a version stands for all of its versions. What the
//! previous page ended with may have been deleted since.

use rusqlite::{Connection, Row as SqlRow, Rows, params};

use super::bucket_row;
use super::errors::Abort;
use super::key_order::{after_all, just_after};
use super::limits::PAGE_BYTES;
use super::objects::Objects;
use super::row::{self, Row};
use super::types::{Listing, ObjectError, ObjectInfo, Query};

/// An entry of a list.
pub(super) trait Entry: Sized {
    fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self>;
    fn key(&self) -> &str;
    /// What the next page needs besides the key to continue after this entry.
    fn mark(&self) -> Option<String>;
    fn metadata(&self) -> &[(String, String)];

    /// The size in bytes of what has no limit of its own.
    fn size(&self) -> usize {
        let metadata = self.metadata().iter();
        let metadata = metadata.map(|(name, text)| name.len() + text.len());
        self.key().len() + metadata.sum::<usize>()
    }
}

/// An entry of a list of versions.
pub(super) struct Version(Row);

impl Entry for Version {
    fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        Row::read(row).map(Self)
    }

    fn key(&self) -> &str {
        &self.0.info.key
    }

    fn mark(&self) -> Option<String> {
        let version = self.0.info.version.clone();
        Some(version.unwrap_or_else(|| row::NULL.to_owned()))
    }

    fn metadata(&self) -> &[(String, String)] {
        &self.0.info.metadata
    }
}

/// An entry of a list of objects.
struct Latest(Row);

impl Entry for Latest {
    fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        Row::read(row).map(Self)
    }

    fn key(&self) -> &str {
        &self.0.info.key
    }

    fn mark(&self) -> Option<String> {
        None
    }

    fn metadata(&self) -> &[(String, String)] {
        &self.0.info.metadata
    }
}

/// A page that is being filled.
pub(super) struct Page<'q, T> {
    query: &'q Query,
    pub(super) entries: Vec<T>,
    pub(super) common_prefixes: Vec<String>,
    pub(super) next: Option<(String, Option<String>)>,
    last: Option<(String, Option<String>)>,
    bytes: usize,
}

/// Why a walk over rows ended.
pub(super) enum Walk {
    /// There are no more rows.
    Exhausted,
    /// The walk continues with the first key that is not less than this one.
    From(String),
    /// The page is complete.
    Done,
}

impl<'q, T: Entry> Page<'q, T> {
    pub(super) fn new(query: &'q Query) -> Self {
        Self {
            query,
            entries: Vec::new(),
            common_prefixes: Vec::new(),
            next: None,
            last: None,
            bytes: 0,
        }
    }

    /// The least key that can be on the page; `None` if no key can.
    pub(super) fn start(&self) -> Option<String> {
        let prefix = self.query.prefix.clone();
        if self.query.max == 0 {
            return None;
        }
        let Some((after, _)) = &self.query.after else {
            return Some(prefix);
        };
        let start = match self.common_prefix(after) {
            Some(common) => after_all(common)?,
            None => just_after(after),
        };
        Some(start.max(prefix))
    }

    /// Takes rows until the page is complete, or until the next rows belong to a common prefix that was just listed.
    pub(super) fn fill(&mut self, rows: &mut Rows<'_>) -> rusqlite::Result<Walk> {
        while let Some(row) = rows.next()? {
            let entry = T::read(row)?;
            let key = entry.key();
            if !key.starts_with(&self.query.prefix) {
                return Ok(Walk::Done);
            }
            let entries = self.entries.len() + self.common_prefixes.len();
            if entries >= self.query.max || self.bytes >= PAGE_BYTES {
                self.next = self.last.take();
                return Ok(Walk::Done);
            }
            if let Some(common) = self.common_prefix(key).map(str::to_owned) {
                let from = after_all(&common);
                self.last = Some((common.clone(), None));
                self.bytes += common.len();
                self.common_prefixes.push(common);
                return Ok(from.map_or(Walk::Done, Walk::From));
            }
            self.last = Some((key.to_owned(), entry.mark()));
            self.bytes += entry.size();
            self.entries.push(entry);
        }
        Ok(Walk::Exhausted)
    }

    /// Fills the page with the rows of a statement, whose parameters are the bucket and the least key.
    pub(super) fn walk(
        &mut self,
        connection: &Connection,
        sql: &str,
        bucket: i64,
        mut from: String,
    ) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(sql)?;
        loop {
            let walk = self.fill(&mut statement.query(params![bucket, from])?)?;
            match walk {
                Walk::From(key) => from = key,
                Walk::Exhausted | Walk::Done => return Ok(()),
            }
        }
    }

    /// The common prefix that is listed instead of this key, if any.
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let Query {
            prefix, delimiter, ..
        } = self.query;
        if delimiter.is_empty() {
            return None;
        }
        let at = key
            .strip_prefix(prefix.as_str())?
            .find(delimiter.as_str())?;
        key.get(..prefix.len() + at + delimiter.len())
    }
}

fn infos(rows: impl Iterator<Item = Row>) -> Vec<ObjectInfo> {
    rows.map(|row| row.info).collect()
}

fn objects(connection: &Connection, bucket: i64, query: &Query) -> rusqlite::Result<Listing> {
    let mut page = Page::<Latest>::new(query);
    if let Some(from) = page.start() {
        let sql = row::select(
            "WHERE bucket = ?1 AND key >= ?2 AND latest = 1 AND marker = 0 ORDER BY key",
        );
        page.walk(connection, &sql, bucket, from)?;
    }
    Ok(Listing {
        objects: infos(page.entries.into_iter().map(|latest| latest.0)),
        common_prefixes: page.common_prefixes,
        next: page.next,
    })
}

fn versions(connection: &Connection, bucket: i64, query: &Query) -> rusqlite::Result<Listing> {
    let mut page = Page::<Version>::new(query);
    if let Some(from) = page.start() {
        let complete = match &query.after {
            Some((key, Some(version))) if page.common_prefix(key).is_none() => {
                rest_of_key(connection, bucket, key, version, &mut page)?
            }
            _ => false,
        };
        if !complete {
            let sql = row::select("WHERE bucket = ?1 AND key >= ?2 ORDER BY key, sequence DESC");
            page.walk(connection, &sql, bucket, from)?;
        }
    }
    Ok(Listing {
        objects: infos(page.entries.into_iter().map(|version| version.0)),
        common_prefixes: page.common_prefixes,
        next: page.next,
    })
}

/// Lists the versions of a key that are older than `version`. Returns whether the page is complete.
fn rest_of_key(
    connection: &Connection,
    bucket: i64,
    key: &str,
    version: &str,
    page: &mut Page<'_, Version>,
) -> rusqlite::Result<bool> {
    let before = if version == row::NULL {
        // If it was deleted since, its place is unknown, and all versions are listed.
        row::unversioned(connection, bucket, key)?.map_or(i64::MAX, |row| row.sequence)
    } else {
        // Any other text that is not an id comes before all versions.
        row::sequence_of(version).unwrap_or(i64::MAX)
    };
    if !key.starts_with(&page.query.prefix) {
        return Ok(false);
    }
    let sql =
        row::select("WHERE bucket = ?1 AND key = ?2 AND sequence < ?3 ORDER BY sequence DESC");
    let mut older = connection.prepare_cached(&sql)?;
    let walk = page.fill(&mut older.query(params![bucket, key, before])?)?;
    Ok(matches!(walk, Walk::Done))
}

impl Objects {
    /// The latest versions that are not delete markers, by the bytes of their keys.
    pub async fn list(&self, bucket: &str, query: Query) -> Result<Listing, ObjectError> {
        let bucket = bucket.to_owned();
        self.transact(move |connection| {
            let bucket = bucket_row::find(connection, &bucket)?.id;
            objects(connection, bucket, &query).map_err(Abort::Failed)
        })
        .await
    }

    /// All versions and delete markers, by key, the latest first.
    pub async fn versions(&self, bucket: &str, query: Query) -> Result<Listing, ObjectError> {
        let bucket = bucket.to_owned();
        self.transact(move |connection| {
            let bucket = bucket_row::find(connection, &bucket)?.id;
            versions(connection, bucket, &query).map_err(Abort::Failed)
        })
        .await
    }
}
