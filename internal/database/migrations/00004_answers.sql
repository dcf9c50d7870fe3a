-- +goose Up

-- What the carrier still holds of messages that are final here: it is asked to
-- delete each, again and again until it has.
CREATE TABLE carrier_copy (
    carrier_id TEXT PRIMARY KEY,
    carrier    TEXT NOT NULL,
    message_id TEXT NOT NULL REFERENCES message (id),
    next       BIGINT NOT NULL,
    tries      BIGINT NOT NULL
);
CREATE INDEX carrier_copy_next ON carrier_copy (next);

-- Numbers that failed for good, or whose reader said that they are somebody
-- else, by their mark. A holder who confirms the number ends it.
CREATE TABLE number_health (
    mark  blob PRIMARY KEY,
    since BIGINT NOT NULL,
    why   TEXT NOT NULL CHECK (why IN ('dead', 'not-me'))
);

-- When the number's holder last said that it is theirs; 0: never.
ALTER TABLE number ADD COLUMN confirmed BIGINT NOT NULL DEFAULT 0;

-- Whether the text bears a link: it goes to no number in number_health.
ALTER TABLE message ADD COLUMN linked SMALLINT NOT NULL DEFAULT 0;

-- Whether it goes to a number that opted out, too: the one confirmation of that.
ALTER TABLE message ADD COLUMN despite SMALLINT NOT NULL DEFAULT 0;

-- What an answer to a message needs (hour, place, language, whom to tell), until
-- the hour has passed.
CREATE TABLE reply (
    message_id TEXT PRIMARY KEY REFERENCES message (id),
    sender     TEXT NOT NULL REFERENCES sender_key (id),
    facts      blob NOT NULL,        -- boxed under the sender key
    ends       BIGINT NOT NULL
);
CREATE INDEX reply_ends ON reply (ends);
CREATE INDEX reply_sender ON reply (sender);

-- What people answered, sealed to the relay whose message they answer.
CREATE TABLE answer (
    id       TEXT PRIMARY KEY,
    relay_id TEXT NOT NULL,
    at       BIGINT NOT NULL,
    sealed   blob NOT NULL
);
CREATE INDEX answer_relay ON answer (relay_id, at);

-- Answers that were taken in, by the carrier's name for them: it may call twice.
CREATE TABLE inbound (
    carrier_id TEXT PRIMARY KEY,
    at         BIGINT NOT NULL
);
CREATE INDEX inbound_at ON inbound (at);

-- What smsd tells those who plan messages, such as whether its sender can be
-- answered.
CREATE TABLE sending (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
