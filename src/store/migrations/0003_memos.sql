-- What a process keeps for the one that comes after it: written whole and overwritten, no part of the
-- chain, and not made from it. What happened stands in the events.
CREATE TABLE memos (
    key   TEXT PRIMARY KEY,
    text  TEXT NOT NULL,
    at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
