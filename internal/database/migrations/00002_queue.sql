-- +goose Up

-- Keys under which a writing process boxes what it queues: one a day and
-- process, sealed to smsd. Gone when nothing is boxed under it any more.
CREATE TABLE sender_key (
    id     TEXT PRIMARY KEY,
    made   BIGINT NOT NULL,
    sealed blob NOT NULL
);

-- Numbers lie apart from messages: a changed number redirects them, a dropped
-- one silences them. A row goes with its last open message.
CREATE TABLE number (
    id      TEXT PRIMARY KEY,
    made    BIGINT NOT NULL,
    sender  TEXT NOT NULL REFERENCES sender_key (id),
    sealed  blob NOT NULL,            -- E.164, boxed under the sender key
    mark    blob,                     -- HMAC(smsd's index key, number), set by smsd; empty if it does not open
    waiting BIGINT NOT NULL           -- messages to it that are not final
);

CREATE INDEX number_unmarked ON number (made) WHERE mark IS NULL;
CREATE INDEX number_mark ON number (mark);
CREATE INDEX number_sender ON number (sender);

-- The message row is the queue. Rows stay for ever, so that an id is never
-- taken twice; what they say goes when they are final.
CREATE TABLE message (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('reminder', 'link', 'notice')),
    state       TEXT NOT NULL CHECK (state IN ('planned', 'claimed', 'unknown', 'held', 'accepted', 'sent',
                    'delivered', 'undelivered', 'failed', 'expired', 'cancelled', 'suppressed')),
    number_id   TEXT,                 -- NULL once final
    sender      TEXT REFERENCES sender_key (id), -- NULL once final
    text        blob,                 -- boxed under the sender key; NULL once final
    mark        blob,                 -- the number's mark, from the first attempt until a week after the end
    due         BIGINT NOT NULL,
    expires     BIGINT NOT NULL,
    next        BIGINT NOT NULL,      -- planned: not tried before; unknown: not asked before
    segments    BIGINT NOT NULL,
    attempts    BIGINT NOT NULL DEFAULT 0,  -- requests that may have left
    failures    BIGINT NOT NULL DEFAULT 0,  -- attempts that burnt a try
    asks        BIGINT NOT NULL DEFAULT 0,  -- times the carrier was asked about the present doubt
    unwanted    SMALLINT NOT NULL DEFAULT 0, -- cancelled while in flight: never planned again
    carrier_id  TEXT,
    error       TEXT,
    planned_at  BIGINT NOT NULL,
    claimed_at  BIGINT,
    unknown_at  BIGINT,
    held_at     BIGINT,
    accepted_at BIGINT,
    sent_at     BIGINT,
    final_at    BIGINT
);

CREATE INDEX message_due ON message (next) WHERE state = 'planned';
CREATE INDEX message_flight ON message (claimed_at) WHERE state = 'claimed';
CREATE INDEX message_doubt ON message (next) WHERE state = 'unknown';
CREATE INDEX message_end ON message (expires) WHERE final_at IS NULL;
CREATE INDEX message_number ON message (number_id) WHERE number_id IS NOT NULL;
CREATE INDEX message_sender ON message (sender) WHERE sender IS NOT NULL;
CREATE INDEX message_mark ON message (mark) WHERE mark IS NOT NULL;
CREATE INDEX message_mark_end ON message (expires) WHERE mark IS NOT NULL;

-- A row is written, and durable, before the request leaves.
CREATE TABLE attempt (
    message_id TEXT NOT NULL REFERENCES message (id),
    n          BIGINT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('flying', 'refused', 'unknown', 'absent', 'accepted', 'sent',
                   'delivered', 'undelivered', 'failed')),
    carrier    TEXT NOT NULL,
    carrier_id TEXT,
    error      TEXT,
    started    BIGINT NOT NULL,
    ended      BIGINT,
    PRIMARY KEY (message_id, n)
);

CREATE INDEX attempt_carrier_id ON attempt (carrier_id) WHERE carrier_id IS NOT NULL;

-- Who answered STOP, by the number's mark.
CREATE TABLE opt_out (
    mark blob PRIMARY KEY,
    at   BIGINT NOT NULL
);
