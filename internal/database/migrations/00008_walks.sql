-- +goose Up

-- Some indexes hold few of a table's rows and are walked to find what is due. PostgreSQL, while its statistics lag
-- behind, takes such an index for empty, and would walk all of it to find one row by its id where the statement also says
-- what the index does. So its condition is written as only the queries say it that mean to walk it, and so that PostgreSQL takes it for rare.
DROP INDEX message_due;
DROP INDEX message_flight;
DROP INDEX message_doubt;
DROP INDEX message_end;
DROP INDEX attempt_flying;
DROP INDEX number_unmarked;
CREATE INDEX message_due ON message (next) WHERE state || '' = 'planned';
CREATE INDEX message_flight ON message (claimed_at) WHERE state || '' = 'claimed';
CREATE INDEX message_doubt ON message (next) WHERE state || '' = 'unknown';
CREATE INDEX message_end ON message (expires) WHERE final_at + 0 IS NULL;
CREATE INDEX attempt_flying ON attempt (started) WHERE state || '' = 'flying';
CREATE INDEX number_unmarked ON number (made) WHERE length(mark) IS NULL;

-- Held messages, and numbers to which no message points: few among millions.
CREATE INDEX message_held ON message (held_at) WHERE state || '' = 'held';
CREATE INDEX number_spare ON number (made) WHERE CASE WHEN waiting > 0 THEN 1 END IS NULL;
