//! Lists of keys, page by page.
//!
//! Keys are in the order of their bytes, which is the order of the index, so a page is read from where the one before it
//! ended. Keys that a delimiter cuts off are listed once, as a common prefix; the walk then seeks to the first key after
//! all of these. So a page costs what is on it, however many keys the bucket has or a prefix stands for.
//! It may have fewer entries than were asked for, where these are large ([`PAGE_BYTES`]).
//!
//! A list goes on after a key or a common prefix; a list of versions after a version of a key, where the version of a
//! bucket that keeps none is named `null` and no version at all stands for all of the key. What was there when the page
//! before was read may be gone.

use rusqlite::{Connection, Rows, params};

use super::failure::Fault;
use super::limits::PAGE_BYTES;
use super::row::{self, Row};
use super::types::{Listing, ObjectError, ObjectInfo, Query};
use super::{Objects, bucket};

/// Something that lists hold.
pub(super) trait Entry: Sized {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self>;
    fn key(&self) -> &str;
    /// What goes on after it, besides the key.
    fn mark(&self) -> Option<String>;
    fn metadata(&self) -> &[(String, String)];

    /// The bytes of what has no limit of its own.
    fn size(&self) -> usize {
        let metadata = self.metadata().iter();
        let metadata = metadata.map(|(name, text)| name.len() + text.len());
        self.key().len() + metadata.sum::<usize>()
    }
}

/// A list's version of an object.
pub(super) struct Version(Row);

impl Entry for Version {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
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

/// A list's latest version of an object.
struct Latest(Row);

impl Entry for Latest {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
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

/// A page while it fills.
pub(super) struct Page<'q, T> {
    query: &'q Query,
    pub(super) entries: Vec<T>,
    pub(super) common_prefixes: Vec<String>,
    pub(super) next: Option<(String, Option<String>)>,
    last: Option<(String, Option<String>)>,
    bytes: usize,
}

/// Why a walk ended.
pub(super) enum Walk {
    /// No more rows.
    Exhausted,
    /// It goes on with the first key that is not less.
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

    /// The first key that may be on the page; `None` if none can be.
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

    /// Takes rows until the page is complete, or until a common prefix makes the next ones uninteresting.
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

    /// Fills the page with the rows that a statement finds, given the bucket and the least key.
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

    /// What is listed in this key's stead.
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

/// The first of all strings after this one.
pub(super) fn just_after(key: &str) -> String {
    format!("{key}\0")
}

/// The first of all strings that come after those beginning so; `None` if none does.
fn after_all(prefix: &str) -> Option<String> {
    let mut rest = prefix.to_owned();
    while let Some(last) = rest.pop() {
        // The step of a range of characters leaves out what is none.
        if let Some(next) = (last..=char::MAX).nth(1) {
            rest.push(next);
            return Some(rest);
        }
    }
    None
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

/// Lists a key's versions that are older than this one. Returns whether the page is complete.
fn rest_of_key(
    connection: &Connection,
    bucket: i64,
    key: &str,
    version: &str,
    page: &mut Page<'_, Version>,
) -> rusqlite::Result<bool> {
    let before = if version == row::NULL {
        // Gone since, it may have been anywhere: then all of them are listed.
        row::unversioned(connection, bucket, key)?.map_or(i64::MAX, |row| row.sequence)
    } else {
        // Anything else that is no id is before all of them.
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
    /// The latest versions that are no delete markers, by the bytes of their keys.
    pub async fn list(&self, bucket: &str, query: Query) -> Result<Listing, ObjectError> {
        let bucket = bucket.to_owned();
        self.transact(Vec::new(), move |connection| {
            let bucket = bucket::find(connection, &bucket)?.id;
            objects(connection, bucket, &query).map_err(Fault::Sql)
        })
        .await
    }

    /// All versions and markers, by key, the latest first.
    pub async fn versions(&self, bucket: &str, query: Query) -> Result<Listing, ObjectError> {
        let bucket = bucket.to_owned();
        self.transact(Vec::new(), move |connection| {
            let bucket = bucket::find(connection, &bucket)?.id;
            versions(connection, bucket, &query).map_err(Fault::Sql)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_string_after_a_prefix_comes_after_all_that_begin_so_and_before_the_rest() {
        for (prefix, after) in [
            ("a/", Some("a0")),
            ("a\u{10FFFF}", Some("b")),
            ("\u{D7FF}", Some("\u{E000}")),
            ("a\u{7F}", Some("a\u{80}")),
            ("\u{10FFFF}\u{10FFFF}", None),
            ("", None),
        ] {
            assert_eq!(after_all(prefix).as_deref(), after, "{prefix:?}");
        }
    }
}
