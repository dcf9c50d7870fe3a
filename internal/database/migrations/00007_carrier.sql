-- +goose Up

-- What a carrier has is one request of ours: of two that claimed the same entry,
-- the later one gives it back.
UPDATE attempt SET carrier_id = NULL WHERE carrier_id IS NOT NULL AND EXISTS (SELECT 1 FROM attempt o
    WHERE o.carrier_id = attempt.carrier_id AND (o.started < attempt.started
        OR o.started = attempt.started AND (o.message_id < attempt.message_id
            OR o.message_id = attempt.message_id AND o.n < attempt.n)));
DROP INDEX attempt_carrier_id;
CREATE UNIQUE INDEX attempt_carrier_id ON attempt (carrier_id) WHERE carrier_id IS NOT NULL;

-- Requests that are out: few, among millions.
CREATE INDEX attempt_flying ON attempt (started) WHERE state = 'flying';

-- From which number an answer came, by its mark, to bound how many are taken in.
ALTER TABLE inbound ADD COLUMN mark blob;
CREATE INDEX inbound_mark ON inbound (mark, at) WHERE mark IS NOT NULL;

-- What was said last about the message's item and confirmed: yes or no.
ALTER TABLE reply ADD COLUMN said TEXT;

-- The carrier holds what people wrote, too, and that answers no one message:
-- message_id may be NULL. SQLite cannot change a column, so the table is made anew.
CREATE TABLE carrier_copy_new (
    carrier_id TEXT PRIMARY KEY,
    carrier    TEXT NOT NULL,                 -- 'unknown': whichever is used
    message_id TEXT REFERENCES message (id),
    next       BIGINT NOT NULL,
    tries      BIGINT NOT NULL
);
INSERT INTO carrier_copy_new (carrier_id, carrier, message_id, next, tries)
    SELECT carrier_id, carrier, message_id, next, tries FROM carrier_copy;
DROP TABLE carrier_copy;
ALTER TABLE carrier_copy_new RENAME TO carrier_copy;
CREATE INDEX carrier_copy_next ON carrier_copy (next);
