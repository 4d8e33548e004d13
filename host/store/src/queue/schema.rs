//! The tables of queues: three steps of the store's layout.
//!
//! Why the cost of an operation does not depend on the number of messages:
//!
//! - A queue's messages belong to a *generation* (a `pile` in these tables). A purge or deletion retires it in one
//!   write; its messages are deleted later, bit by bit.
//! - A generation has the number of its messages; `queue_times` counts the hidden ones (delayed or leased) by the
//!   second in which they become visible. Counting therefore reads no messages except those of the current second.
//! - Each group of an ordered queue says when its next message can be handed out, so a blocked group costs one row,
//!   however many messages it has.
//! - Handing out a message changes only numbers of a fixed width, which SQLite writes in place without rewriting a
//!   long body.

/// Creates the tables. Converts the queues of layout 1, which existed by name alone and held the records of
/// asynchronous invocations. The retention of their messages starts with this step.
pub(crate) const QUEUES: &str = "
CREATE TABLE queues (
    id                     INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: receipts name it
    name                   TEXT    NOT NULL UNIQUE,
    pile                   INTEGER NOT NULL UNIQUE,
    ordered                INTEGER NOT NULL,
    lease_ms               INTEGER NOT NULL,
    delay_ms               INTEGER NOT NULL,
    retention_ms           INTEGER NOT NULL,
    deduplication_by_group INTEGER NOT NULL,
    dead_letter            TEXT,
    max_receives           INTEGER,
    attributes             TEXT    NOT NULL,                   -- JSON: an array of pairs
    created_at             INTEGER NOT NULL,
    changed_at             INTEGER NOT NULL,
    purged_at              INTEGER
) STRICT;
CREATE INDEX queues_by_dead_letter ON queues (dead_letter, name) WHERE dead_letter IS NOT NULL;

CREATE TABLE deleted_queues (
    name       TEXT    PRIMARY KEY,
    deleted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE queue_piles (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    messages  INTEGER NOT NULL DEFAULT 0,
    abandoned INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX abandoned_piles ON queue_piles (id) WHERE abandoned = 1;

CREATE TABLE queue_times (
    pile     INTEGER NOT NULL,
    leased   INTEGER NOT NULL,
    second   INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    PRIMARY KEY (pile, leased, second)
) STRICT, WITHOUT ROWID;

CREATE TABLE queue_groups (
    id     INTEGER PRIMARY KEY,
    pile   INTEGER NOT NULL,
    name   TEXT    NOT NULL,
    due_at INTEGER NOT NULL,                                   -- of its next message, while none is leased
    UNIQUE (pile, name)
) STRICT;
CREATE INDEX queue_groups_by_due ON queue_groups (pile, due_at);

CREATE TABLE queue_messages (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,       -- the order of a group; never given twice
    pile              INTEGER NOT NULL,
    due_at            INTEGER NOT NULL,                        -- the end of the lease, while there is one
    leased            INTEGER NOT NULL DEFAULT 0,              -- stays when a lease runs out
    consumer          INTEGER NOT NULL DEFAULT 0,
    receives          INTEGER NOT NULL DEFAULT 0,
    leased_at         INTEGER NOT NULL,                        -- of any worth after the first receive only,
    first_received_at INTEGER NOT NULL,                        -- and this one too
    sent_at           INTEGER NOT NULL,
    kept_from         INTEGER NOT NULL,                        -- when its retention began
    group_id          INTEGER,                                 -- in an ordered queue
    group_name        TEXT,
    message_id        BLOB    NOT NULL,
    deduplication     TEXT,
    source            TEXT,
    details           TEXT,                                    -- JSON: attributes and extra; often neither
    body              BLOB    NOT NULL
) STRICT;
CREATE INDEX queue_messages_by_due ON queue_messages (pile, due_at, leased);
CREATE INDEX queue_messages_by_age ON queue_messages (pile, kept_from);
CREATE INDEX queue_messages_by_group ON queue_messages (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX queue_leases_by_group ON queue_messages (group_id, due_at) WHERE leased = 1 AND group_id IS NOT NULL;
CREATE INDEX queue_consumer_leases ON queue_messages (id) WHERE consumer = 1;

CREATE TABLE queue_deduplications (
    id         INTEGER PRIMARY KEY,                            -- in the order of their ends
    queue      INTEGER NOT NULL,
    scope      TEXT    NOT NULL,                               -- a group's name, or nothing
    text       TEXT    NOT NULL,
    until      INTEGER NOT NULL,
    message    INTEGER NOT NULL,
    message_id BLOB    NOT NULL,
    UNIQUE (queue, scope, text)
) STRICT;

CREATE TABLE queue_moves (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    handle      TEXT    NOT NULL UNIQUE,
    source      TEXT    NOT NULL,
    destination TEXT,
    per_second  INTEGER,
    status      INTEGER NOT NULL,
    moved       INTEGER NOT NULL DEFAULT 0,
    expected    INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    last        INTEGER NOT NULL,                              -- what came into the queue later stays
    failure     TEXT
) STRICT;
CREATE INDEX queue_moves_by_source ON queue_moves (source, id);

INSERT INTO queue_piles (id, messages)
    SELECT row_number() OVER (ORDER BY queue), count(*)
    FROM messages WHERE queue NOT GLOB 'lambda:*' GROUP BY queue;
INSERT INTO queues (name, pile, ordered, lease_ms, delay_ms, retention_ms, deduplication_by_group, attributes, created_at, changed_at)
    SELECT queue, row_number() OVER (ORDER BY queue), 0, 30000, 0, 345600000, 0, '[]', min(sent_at), min(sent_at)
    FROM messages WHERE queue NOT GLOB 'lambda:*' GROUP BY queue;
INSERT INTO queue_messages (pile, due_at, receives, leased_at, first_received_at, sent_at, kept_from, message_id, details, body)
    SELECT pile, due_at, receives, sent_at, sent_at, sent_at, unixepoch() * 1000,
           unhex(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2) || '8' || substr(hex(randomblob(8)), 2)),
           CASE WHEN messages.attributes <> '{}' AND json_valid(messages.attributes)
           THEN json_object('attributes', json((
               SELECT json_group_array(json_array(key, value ->> 'DataType', value ->> 'StringValue'))
               FROM json_each(messages.attributes)
           ))) END,
           body
    FROM messages JOIN queues ON queues.name = messages.queue
    WHERE messages.queue NOT GLOB 'lambda:*' ORDER BY messages.id;
DELETE FROM messages WHERE queue NOT GLOB 'lambda:*';
";

/// Marks the visible messages of standard queues, so that they are received in the order in which they were sent (see
/// `visible`). This takes about as long as receiving them.
pub(crate) const SEND_ORDER: &str = "
UPDATE queue_messages SET due_at = 0, leased = 0
    WHERE pile IN (SELECT pile FROM queues WHERE ordered = 0) AND due_at > 0 AND due_at <= unixepoch() * 1000;
";

/// Lets deduplication ids belong to a generation, so that a purge ends them; adds the named receives; and drops an
/// index that groups no longer need.
pub(crate) const NAMED_RECEIVES: &str = "
DROP INDEX queue_leases_by_group;

ALTER TABLE queue_deduplications RENAME TO former_deduplications;
CREATE TABLE queue_deduplications (
    id         INTEGER PRIMARY KEY,                            -- in the order of their ends
    pile       INTEGER NOT NULL,
    scope      TEXT    NOT NULL,                               -- a group's name, or nothing
    text       TEXT    NOT NULL,
    until      INTEGER NOT NULL,
    message    INTEGER NOT NULL,
    message_id BLOB    NOT NULL,
    UNIQUE (pile, scope, text)
) STRICT;
INSERT INTO queue_deduplications
    SELECT former.id, pile, scope, text, until, message, message_id
    FROM former_deduplications AS former JOIN queues ON queues.id = queue;
DROP TABLE former_deduplications;

CREATE TABLE queue_attempts (
    id          INTEGER PRIMARY KEY,                           -- in the order of their ends
    pile        INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    until       INTEGER NOT NULL,
    leases_end  INTEGER NOT NULL,
    messages    TEXT    NOT NULL,                              -- JSON: an array of rows and receives
    UNIQUE (pile, name)
) STRICT;
";
