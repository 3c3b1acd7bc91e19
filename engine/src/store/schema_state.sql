-- State of more kinds than values: what a key holds, and the items of lists, sets and hashes.

-- 0 a value, 1 a list, 2 a set, 3 a hash; only a value has one in `value`.
ALTER TABLE state ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
-- How many rows of `state_items` there are.
ALTER TABLE state ADD COLUMN items INTEGER NOT NULL DEFAULT 0;

CREATE TABLE state_items (
    key   TEXT NOT NULL,
    -- The position in a list, without gaps and below 0 before the first one; the member of a set; the field of a hash.
    item  NOT NULL,
    value TEXT,
    PRIMARY KEY (key, item)
) WITHOUT ROWID;
