-- The chain: what happened, in order. Rows are added, never changed, never removed.
-- `application_id` is "TMLG": it tells a ledger from any other SQLite database.
PRAGMA application_id = 0x544D4C47;

CREATE TABLE events (
    seq    INTEGER PRIMARY KEY CHECK (seq > 0),
    at_us  INTEGER NOT NULL,
    stream TEXT NOT NULL,
    kind   TEXT NOT NULL,
    json   TEXT NOT NULL,
    hash   BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX events_by_stream ON events (stream);

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN SELECT raise(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_are_not_removed BEFORE DELETE ON events
BEGIN SELECT raise(ABORT, 'events are never removed'); END;

-- Where the chain ends, kept apart from it, so that a cut-off tail shows.
CREATE TABLE chain (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
INSERT INTO chain (one, seq, hash) VALUES (1, 0, zeroblob(32));
