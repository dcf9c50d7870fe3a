-- +goose Up

-- A sum of each column's value (see database/sum.go), by which damage is found without any key. Tables without one have
-- their reason in the test of the schema.
ALTER TABLE access ADD COLUMN row_sum blob;
ALTER TABLE access_mark ADD COLUMN row_sum blob;
ALTER TABLE card ADD COLUMN row_sum blob;
ALTER TABLE device ADD COLUMN row_sum blob;
ALTER TABLE enrolment ADD COLUMN row_sum blob;
ALTER TABLE invitation ADD COLUMN row_sum blob;
ALTER TABLE item ADD COLUMN row_sum blob;
ALTER TABLE item_blob ADD COLUMN row_sum blob;
ALTER TABLE key_fingerprint ADD COLUMN row_sum blob;
ALTER TABLE link ADD COLUMN row_sum blob;
ALTER TABLE member ADD COLUMN row_sum blob;
ALTER TABLE opt_out ADD COLUMN row_sum blob;
ALTER TABLE person ADD COLUMN row_sum blob;
ALTER TABLE relay ADD COLUMN row_sum blob;
ALTER TABLE relay_voice ADD COLUMN row_sum blob;

-- Who fails to sign in is slowed down by where they are: nobody keeps a member out from afar.
ALTER TABLE member DROP COLUMN failures;
ALTER TABLE member DROP COLUMN not_before;

-- Tables whose rows have no sums yet: the next program that opens the store fills them in and empties this list.
CREATE TABLE unsummed (
    name TEXT PRIMARY KEY
);
INSERT INTO unsummed (name) VALUES ('access'), ('access_mark'), ('card'), ('device'), ('enrolment'), ('invitation'),
    ('item'), ('item_blob'), ('key_fingerprint'), ('link'), ('member'), ('opt_out'), ('person'), ('relay'), ('relay_voice');

-- The last entry of each journal, written with the entry: a tail that was cut off is missed here.
CREATE TABLE journal_head (
    person_id TEXT PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    number    BIGINT NOT NULL,
    chain     blob NOT NULL
);
INSERT INTO journal_head (person_id, number, chain)
    SELECT person_id, number, chain FROM journal j
    WHERE number = (SELECT MAX(number) FROM journal l WHERE l.person_id = j.person_id);
