-- Which messages to the operator were urgent, and which wait for the digest because the system slept.
ALTER TABLE notifications ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notifications ADD COLUMN queued INTEGER NOT NULL DEFAULT 0;
