-- The embedded engine's store, version 1. Times are milliseconds since 1970; ids are ULIDs as 16 bytes.

CREATE TABLE events (
    seq         INTEGER PRIMARY KEY,
    id          BLOB    NOT NULL UNIQUE,
    -- The sender's id; idempotent for 24 hours together with the name.
    key         TEXT,
    name        TEXT    NOT NULL,
    data        TEXT    NOT NULL,
    ts          INTEGER NOT NULL,
    v           TEXT,
    received_at INTEGER NOT NULL,
    -- How often an event with the same key came in again, and when last.
    repeats     INTEGER NOT NULL DEFAULT 0,
    repeated_at INTEGER
);
CREATE INDEX events_by_key ON events (key, name) WHERE key IS NOT NULL;

CREATE TABLE runs (
    seq         INTEGER PRIMARY KEY,
    id          BLOB    NOT NULL UNIQUE,
    function    TEXT    NOT NULL,
    event       INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    attempt     INTEGER NOT NULL DEFAULT 0,
    -- When a run that waits for its next attempt goes on.
    due         INTEGER,
    -- The concurrency key that had no room.
    blocked_on  TEXT,
    -- The run and the step that invoked this one.
    parent      INTEGER,
    parent_step TEXT,
    started_at  INTEGER,
    ended_at    INTEGER,
    -- The output, or the last error as {"name", "message"}.
    result      TEXT
);
CREATE INDEX runs_by_event ON runs (event);
CREATE INDEX runs_by_state ON runs (state, seq);
CREATE INDEX runs_due      ON runs (due) WHERE due IS NOT NULL;
CREATE INDEX runs_blocked  ON runs (blocked_on, seq) WHERE blocked_on IS NOT NULL;
CREATE INDEX runs_ended    ON runs (ended_at) WHERE ended_at IS NOT NULL;

-- Finished steps. The key is the run's seq shifted left by 20 bits, plus the position in the order of completion: the
-- steps of a run are neighbours, and no second index is needed.
CREATE TABLE steps (
    key        INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL,
    kind       INTEGER NOT NULL,
    ok         INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER NOT NULL,
    result     TEXT    NOT NULL
);

-- Steps that wait: for a time, an event, another run, or their next attempt.
CREATE TABLE pending (
    run        INTEGER NOT NULL,
    step       TEXT    NOT NULL,
    kind       INTEGER NOT NULL,
    due        INTEGER,
    attempts   INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER NOT NULL,
    -- The awaited event, the invoked function, or the last error.
    detail     TEXT,
    PRIMARY KEY (run, step)
) WITHOUT ROWID;
CREATE INDEX pending_due ON pending (due) WHERE due IS NOT NULL;

-- What an event is compared with: waits (a step's name) and cancellations (U+0001 and the rule's number). `path` and `value` hold one
-- equality of the expression, so that an event finds its waits by an index; both are empty when there is none.
CREATE TABLE waits (
    event      TEXT    NOT NULL,
    path       TEXT    NOT NULL,
    value      TEXT    NOT NULL,
    run        INTEGER NOT NULL,
    step       TEXT    NOT NULL,
    expression TEXT,
    expires_at INTEGER,
    PRIMARY KEY (event, path, value, run, step)
) WITHOUT ROWID;
CREATE INDEX waits_by_step ON waits (run, step);

-- What became of an event for a function that it did not start.
CREATE TABLE fates (
    event    INTEGER NOT NULL,
    function TEXT    NOT NULL,
    fate     TEXT    NOT NULL,
    detail   TEXT,
    PRIMARY KEY (event, function)
) WITHOUT ROWID;

CREATE TABLE crons (
    function   TEXT    NOT NULL,
    expression TEXT    NOT NULL,
    next       INTEGER NOT NULL,
    PRIMARY KEY (function, expression)
) WITHOUT ROWID;

CREATE TABLE notifications (
    seq            INTEGER PRIMARY KEY,
    id             TEXT    NOT NULL UNIQUE,
    type           TEXT    NOT NULL,
    source         TEXT    NOT NULL,
    payload        TEXT    NOT NULL,
    ts             INTEGER NOT NULL,
    origin_session TEXT
);

CREATE TABLE state (
    key        TEXT PRIMARY KEY,
    value      TEXT NOT NULL,
    expires_at INTEGER
) WITHOUT ROWID;
CREATE INDEX state_expiry ON state (expires_at) WHERE expires_at IS NOT NULL;
