-- Version 3: deliveries of webhooks, kept as they came in.

CREATE TABLE inbox (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    provider    TEXT    NOT NULL,
    -- The vendor's id of the delivery, or the body's hash.
    key         TEXT    NOT NULL,
    state       INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    -- When it came to a state that is not waiting.
    settled_at  INTEGER,
    -- How often it came in again and nothing was done, and when last.
    repeats     INTEGER NOT NULL DEFAULT 0,
    repeated_at INTEGER,
    -- Why it failed, or why it could not be handed on so far.
    problem     TEXT,
    -- The ids of its events, a JSON array.
    events      TEXT    NOT NULL,
    -- The declared headers, a JSON object.
    headers     TEXT    NOT NULL,
    body        BLOB    NOT NULL
);
CREATE UNIQUE INDEX inbox_by_key ON inbox (provider, key);
-- What is not done is found without a look at what is.
CREATE INDEX inbox_undone ON inbox (state, seq) WHERE state IN (0, 3);
CREATE INDEX inbox_settled ON inbox (settled_at) WHERE settled_at IS NOT NULL;
