-- Tasks that were done, and whose check says since then that it is no longer so.
CREATE TABLE drifts (
    document    TEXT NOT NULL,
    environment TEXT NOT NULL,
    key         TEXT NOT NULL,
    task        TEXT NOT NULL,
    seq         INTEGER NOT NULL REFERENCES events (seq),
    at_us       INTEGER NOT NULL,
    PRIMARY KEY (document, environment, key)
) STRICT, WITHOUT ROWID;
