-- +goose Up

-- Which key files this store was made with: name and fingerprint, never a key.
CREATE TABLE IF NOT EXISTS key_fingerprint (
    name        TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL
);

-- The last time the sweeper ran: it halts when the clock jumps.
CREATE TABLE clock_mark (
    name TEXT PRIMARY KEY,
    at   BIGINT NOT NULL
);

-- Forms that were carried out already: a MAC of the form's number.
CREATE TABLE done_once (
    mark blob PRIMARY KEY,
    at   BIGINT NOT NULL
);

CREATE TABLE relay (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    badge      TEXT NOT NULL,
    colour     TEXT NOT NULL,
    phone      TEXT NOT NULL,
    address    TEXT NOT NULL,
    zone       TEXT NOT NULL,
    public     blob,             -- made by its first member
    public_mac blob
);

CREATE TABLE relay_voice (
    relay_id TEXT NOT NULL REFERENCES relay (id) ON DELETE CASCADE,
    lang     TEXT NOT NULL,
    clip     blob NOT NULL,
    PRIMARY KEY (relay_id, lang)
);

CREATE TABLE member (
    id         TEXT PRIMARY KEY,
    relay_id   TEXT NOT NULL REFERENCES relay (id),
    email_mac  blob NOT NULL UNIQUE,
    email      blob NOT NULL,    -- boxed under portal.key
    name       blob NOT NULL,    -- boxed under portal.key
    public     blob NOT NULL,
    public_mac blob NOT NULL,
    seed       blob NOT NULL,    -- boxed under the unlock key of the password
    salt       blob NOT NULL,
    memory     BIGINT NOT NULL,
    passes     BIGINT NOT NULL,
    totp       blob NOT NULL,    -- boxed under the member's seed
    totp_step  BIGINT NOT NULL,  -- the last one used
    failures   BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    relay_seed blob              -- the relay's seed: sealed to the member, then boxed; NULL until admitted
);

CREATE TABLE invitation (
    lookup    blob PRIMARY KEY,
    relay_id  TEXT NOT NULL REFERENCES relay (id) ON DELETE CASCADE,
    email_mac blob NOT NULL,
    email     blob NOT NULL,
    name      blob NOT NULL,
    ends      BIGINT NOT NULL
);

CREATE TABLE device (
    id        TEXT PRIMARY KEY,
    relay_id  TEXT NOT NULL REFERENCES relay (id),
    name      TEXT NOT NULL,
    public    blob NOT NULL,
    public_mac blob NOT NULL,
    token_mac blob NOT NULL,
    seen      BIGINT NOT NULL
);

CREATE TABLE device_code (
    mark     blob PRIMARY KEY,
    relay_id TEXT NOT NULL REFERENCES relay (id) ON DELETE CASCADE,
    ends     BIGINT NOT NULL,
    tries    BIGINT NOT NULL
);

CREATE TABLE call (
    id        TEXT PRIMARY KEY,
    device_id TEXT NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    lang      TEXT NOT NULL,
    at        BIGINT NOT NULL,
    seen      BIGINT NOT NULL,
    answered  BIGINT NOT NULL,
    ended     BIGINT NOT NULL
);
CREATE INDEX call_device ON call (device_id, ended);

CREATE TABLE person (
    id         TEXT PRIMARY KEY,
    public     blob NOT NULL,
    public_mac blob NOT NULL,
    relay_id   TEXT NOT NULL REFERENCES relay (id)
);

CREATE TABLE enrolment (
    id        TEXT PRIMARY KEY,
    device_id TEXT NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    relay_id  TEXT NOT NULL REFERENCES relay (id),
    profile   blob NOT NULL,     -- sealed to the kiosk
    ends      BIGINT NOT NULL
);

CREATE TABLE item (
    id        TEXT PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    item_key  blob NOT NULL,     -- sealed to the person, then boxed
    record    blob NOT NULL      -- boxed under the item key
);
CREATE INDEX item_person ON item (person_id);

CREATE TABLE item_blob (
    blob_id TEXT PRIMARY KEY,
    item_id TEXT NOT NULL REFERENCES item (id) ON DELETE CASCADE,
    size    BIGINT NOT NULL,
    sum     blob NOT NULL        -- SHA-256 of what lies on disk
);
CREATE INDEX item_blob_item ON item_blob (item_id);

CREATE TABLE access (
    id        TEXT PRIMARY KEY,
    item_id   TEXT NOT NULL REFERENCES item (id) ON DELETE CASCADE,
    person_id TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    relay_id  TEXT NOT NULL REFERENCES relay (id),
    item_key  blob NOT NULL,     -- sealed to the relay, then boxed
    adopted   SMALLINT NOT NULL,
    ends      BIGINT NOT NULL,   -- 0: until it is stopped
    UNIQUE (item_id, relay_id)
);
CREATE INDEX access_relay ON access (relay_id, person_id);
CREATE INDEX access_person ON access (person_id);

-- Blind marks by which a relay finds today's appointments among its grants.
CREATE TABLE access_mark (
    access_id TEXT NOT NULL REFERENCES access (id) ON DELETE CASCADE,
    mark      blob NOT NULL,
    PRIMARY KEY (mark, access_id)
);
CREATE INDEX access_mark_access ON access_mark (access_id);

CREATE TABLE card (
    id        TEXT PRIMARY KEY,
    lookup    blob NOT NULL UNIQUE,
    person_id TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    hint      blob NOT NULL,     -- boxed under the card's secret alone: language and mark
    seed      blob NOT NULL,     -- boxed under the unlock key of secret and pictures
    salt      blob NOT NULL,
    memory    BIGINT NOT NULL,
    passes    BIGINT NOT NULL,
    mac       blob NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('active', 'stopped')),
    tries     BIGINT NOT NULL,
    made      BIGINT NOT NULL
);
CREATE INDEX card_person ON card (person_id);

-- Sessions of all kinds: what it holds is boxed under the cookie.
CREATE TABLE session (
    id        TEXT PRIMARY KEY,
    kind      TEXT NOT NULL CHECK (kind IN ('card', 'holder', 'enrolment', 'setup', 'member')),
    subject   TEXT NOT NULL,     -- person or member; empty while there is none
    device_id TEXT NOT NULL,     -- empty for members
    body      blob NOT NULL,
    idle      BIGINT NOT NULL,
    ends      BIGINT NOT NULL
);
CREATE INDEX session_subject ON session (subject);

CREATE TABLE link (
    lookup     blob PRIMARY KEY,
    access_id  TEXT NOT NULL,    -- the grant it was made from; empty: the person's own
    item_id    TEXT NOT NULL REFERENCES item (id) ON DELETE CASCADE,
    person_id  TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    hint       blob NOT NULL,    -- language and mark, boxed under the letters
    item_key   blob,             -- boxed under the letters; NULL once the ten minutes are over
    ends       BIGINT NOT NULL,
    opened     BIGINT NOT NULL,
    browser    blob              -- MAC of the one browser's cookie
);
CREATE INDEX link_person ON link (person_id);

CREATE TABLE journal (
    person_id TEXT NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    number    BIGINT NOT NULL,
    day       BIGINT NOT NULL,
    body      blob,              -- sealed to the person; NULL once a vault is closed
    promise   blob NOT NULL,     -- commitment: SHA-256 of the sealed body
    chain     blob NOT NULL,
    PRIMARY KEY (person_id, number)
);
