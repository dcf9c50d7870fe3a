-- +goose Up

-- When the number's holder last asked for messages again; 0: never. An opt-out
-- from before that is over.
ALTER TABLE number ADD COLUMN resumed BIGINT NOT NULL DEFAULT 0;
