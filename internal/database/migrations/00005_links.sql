-- +goose Up

-- Hours in which no reminder of a relay leaves, in minutes after midnight in its
-- zone. A relay without a row keeps the usual ones.
CREATE TABLE relay_quiet (
    relay_id    TEXT PRIMARY KEY REFERENCES relay (id) ON DELETE CASCADE,
    quiet_from  BIGINT NOT NULL,
    quiet_until BIGINT NOT NULL,
    row_sum     blob
);

-- What a link is for: to open a paper, or to say whether one comes.
ALTER TABLE link ADD COLUMN purpose TEXT NOT NULL DEFAULT 'paper' CHECK (purpose IN ('paper', 'appointment'));

-- What was said by a link, boxed under its letters; NULL before.
ALTER TABLE link ADD COLUMN answer blob;

INSERT INTO unsummed (name) VALUES ('link') ON CONFLICT DO NOTHING;

CREATE INDEX link_item ON link (item_id);
