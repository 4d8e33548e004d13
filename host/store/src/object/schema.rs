//! The tables of buckets and objects: one step of the store's layout.
//!
//! A row of `objects` is one version of one key. In a bucket that keeps no versions each key has one row, without a
//! `version`. Keys are compared by their bytes (SQLite's BINARY on UTF-8), so walking the index gives a listing in
//! order. The partial index `objects_listed` holds exactly what a listing shows; old versions and delete markers do
//! not slow a listing down.

/// Creates the tables.
pub(crate) const OBJECTS: &str = "
CREATE TABLE object_sequence (last INTEGER NOT NULL) STRICT;
INSERT INTO object_sequence VALUES (0);

CREATE TABLE buckets (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    versioning INTEGER NOT NULL,           -- 0 off, 1 on, 2 suspended
    folder     TEXT,                       -- of a bucket that shows a plain folder
    attributes TEXT    NOT NULL            -- JSON: [[name, value], ...]
) STRICT;

CREATE TABLE objects (
    sequence    INTEGER PRIMARY KEY,       -- from object_sequence: the newest version has the highest
    bucket      INTEGER NOT NULL,
    key         TEXT    NOT NULL,
    version     TEXT,                      -- NULL is AWS's version `null`
    latest      INTEGER NOT NULL,
    marker      INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    etag        TEXT    NOT NULL,
    modified_at INTEGER NOT NULL,
    metadata    TEXT    NOT NULL,          -- JSON: [[name, value], ...]
    file        TEXT,                      -- below the objects' folder; NULL for a marker and in a plain folder
    stamp       TEXT                       -- in a plain folder: by what the file is known again
) STRICT;
CREATE INDEX objects_by_key ON objects (bucket, key, sequence DESC, version);
CREATE UNIQUE INDEX objects_listed ON objects (bucket, key) WHERE latest = 1 AND marker = 0;

CREATE TABLE parts_uploads (
    id         TEXT    PRIMARY KEY,
    bucket     INTEGER NOT NULL,
    key        TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    metadata   TEXT    NOT NULL            -- JSON: [[name, value], ...]
) STRICT;
CREATE INDEX parts_uploads_by_key ON parts_uploads (bucket, key, id);

CREATE TABLE parts (
    upload      TEXT    NOT NULL,
    number      INTEGER NOT NULL,
    file        TEXT    NOT NULL,          -- the id of a file among those on their way in
    size        INTEGER NOT NULL,
    etag        TEXT    NOT NULL,
    modified_at INTEGER NOT NULL,
    metadata    TEXT    NOT NULL,          -- JSON: [[name, value], ...]
    PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;

-- What is to be done with files after a commit; what a host did not get round to, the next one does.
CREATE TABLE file_chores (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    file TEXT    NOT NULL,
    move INTEGER NOT NULL                  -- 1: bring it in to its place, 0: delete it
) STRICT;
";

/// Creates the table of files that may not be on the disk yet, and with them of what is restored if they are lost in a
/// power cut.
///
/// Until the file of an object is on the disk, the row that the object replaced is kept under the negative number of
/// its bucket, where no query finds it. In the same way a part that was replaced is kept under the name `~FILE UPLOAD`,
/// with the new part's file.
pub(crate) const UNSYNCED: &str = "
CREATE TABLE unsynced_files (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    file       TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    checksum   INTEGER NOT NULL,           -- CRC-64/NVME of its bytes
    object     INTEGER,                    -- the sequence number of its object; NULL for a part
    superseded INTEGER,                    -- the sequence number of the object that this one replaced
    upload     TEXT,                       -- of a part
    number     INTEGER                     -- of a part
) STRICT;
";
