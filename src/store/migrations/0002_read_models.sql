-- What is known by now, made from the events alone. Bulky parts (plans, tasks of a revision,
-- command lines, log tails, outputs) stay in the event: a row refers to it by `seq`.

-- Version of the projection that filled these tables; another one fills them anew.
CREATE TABLE projection (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO projection (one, version) VALUES (1, 0);

CREATE TABLE documents (
    id       TEXT PRIMARY KEY,
    path     TEXT NOT NULL,
    revision INTEGER NOT NULL,
    digest   TEXT NOT NULL,
    seq      INTEGER NOT NULL REFERENCES events (seq),
    at_us    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE revisions (
    document TEXT NOT NULL REFERENCES documents (id),
    number   INTEGER NOT NULL,
    path     TEXT NOT NULL,
    digest   TEXT NOT NULL,
    seq      INTEGER NOT NULL REFERENCES events (seq),
    PRIMARY KEY (document, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    seq         INTEGER PRIMARY KEY REFERENCES events (seq),
    id          TEXT NOT NULL UNIQUE,
    document    TEXT NOT NULL REFERENCES documents (id),
    environment TEXT NOT NULL,
    plan        INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    pid         INTEGER NOT NULL,
    boot_id     TEXT NOT NULL,
    options     TEXT NOT NULL,
    started_us  INTEGER NOT NULL,
    ended_seq   INTEGER REFERENCES events (seq),
    ended_us    INTEGER,
    exit_code   INTEGER,
    counts      TEXT
) STRICT;
CREATE INDEX runs_by_document ON runs (document, environment, plan);
CREATE INDEX runs_unfinished ON runs (seq) WHERE ended_seq IS NULL;

CREATE TABLE task_states (
    document         TEXT NOT NULL,
    environment      TEXT NOT NULL,
    key              TEXT NOT NULL,
    task             TEXT NOT NULL,
    state            TEXT NOT NULL,
    digest           TEXT,
    run              TEXT,
    person           TEXT,
    message          TEXT,
    seq              INTEGER NOT NULL REFERENCES events (seq),
    at_us            INTEGER NOT NULL,
    success_seq      INTEGER,
    last_duration_ms INTEGER,
    PRIMARY KEY (document, environment, key)
) STRICT, WITHOUT ROWID;

-- What belongs to a run lies between its first and its last event: rows of a run are found by that
-- range of their keys. An index by run would cost every commit a page more.
CREATE TABLE attempts (
    seq         INTEGER PRIMARY KEY REFERENCES events (seq),
    id          TEXT NOT NULL UNIQUE,
    run         TEXT NOT NULL REFERENCES runs (id),
    key         TEXT NOT NULL,
    number      INTEGER NOT NULL,
    undo        INTEGER NOT NULL,
    step        TEXT,
    pid         INTEGER,
    start_ticks INTEGER,
    boot_id     TEXT,
    ended_seq   INTEGER REFERENCES events (seq),
    outcome     TEXT,
    duration_ms INTEGER
) STRICT;
CREATE INDEX attempts_open ON attempts (seq) WHERE ended_seq IS NULL;

CREATE TABLE probes (
    seq     INTEGER PRIMARY KEY REFERENCES events (seq),
    run     TEXT REFERENCES runs (id),
    key     TEXT NOT NULL,
    probe   TEXT NOT NULL,
    verdict TEXT NOT NULL
) STRICT;

CREATE TABLE retries (
    seq     INTEGER PRIMARY KEY REFERENCES events (seq),
    run     TEXT NOT NULL REFERENCES runs (id),
    key     TEXT NOT NULL,
    attempt INTEGER NOT NULL
) STRICT;

CREATE TABLE approvals (
    seq    INTEGER PRIMARY KEY REFERENCES events (seq),
    run    TEXT NOT NULL REFERENCES runs (id),
    key    TEXT NOT NULL,
    person TEXT NOT NULL
) STRICT;
