package vault

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"consigne/cards"
	"consigne/internal/database"
	"consigne/internal/seal"
)

// A record is what an item says of itself, sealed under its own key: even its
// kind is not in clear. Exactly one part is set.
type record struct {
	Profile     *Profile           `json:"profile,omitempty"`
	Private     *private           `json:"private,omitempty"`
	Paper       *paperRecord       `json:"paper,omitempty"`
	Appointment *appointmentRecord `json:"appointment,omitempty"`
}

// A Profile is how a relay knows a person. Phone is E.164, or empty.
type Profile struct {
	Name     string     `json:"name"`
	Birth    Date       `json:"birth"`
	Language string     `json:"language"`
	Phone    string     `json:"phone"`
	Shared   bool       `json:"shared,omitempty"` // others read what comes to that phone: no link goes there
	Mark     cards.Mark `json:"mark"`
	// PhoneSince is when the number was noted or confirmed last: what became of
	// messages before says nothing of it. Zero: as long as the profile.
	PhoneSince time.Time `json:"phone_since,omitzero"`
}

// private holds what no grant can name: the pictures, and the texts of the
// cards, so that new pictures can wrap the seed for each of them.
type private struct {
	Pictures [5]string         `json:"pictures"`
	Cards    map[string]string `json:"cards"` // card id to card text
}

type paperRecord struct {
	Kind       string    `json:"kind"`
	Title      string    `json:"title"`
	ValidFrom  Date      `json:"valid_from"`
	ValidUntil Date      `json:"valid_until"`
	Deposited  time.Time `json:"deposited"`
	By         string    `json:"by"`
	Type       string    `json:"type"`
	Original   blobRef   `json:"original"`
	Pages      []blobRef `json:"pages"`
}

// A blobRef names sealed content and its true length.
type blobRef struct {
	ID     string `json:"id"`
	Length int64  `json:"length"`
}

type appointmentRecord struct {
	Start     time.Time  `json:"start"`
	Zone      string     `json:"zone"`
	Place     string     `json:"place"`
	Picture   string     `json:"picture"`
	Voice     []byte     `json:"voice"` // the place's name spoken in the person's language
	Bring     []string   `json:"bring"`
	Relay     string     `json:"relay"`
	Reminders []Reminder `json:"reminders"`
	Answer    *Answer    `json:"answer,omitempty"`
}

// An item is a record that has been opened, with the key that opened it.
type item struct {
	id, person string
	key        seal.Key
	record     record
}

func newItem(person string, r record) item {
	return item{id: rand.Text(), person: person, key: seal.NewKey(), record: r}
}

func (it item) boxRecord() ([]byte, error) {
	plain, err := json.Marshal(it.record)
	if err != nil {
		return nil, err
	}
	return it.key.Box(placeRecord(it.id), plain), nil
}

// insertItem writes a new item whose key is wrapped for its person.
func insertItem(ctx context.Context, tx database.Handle, it item, wrapped []byte) error {
	sealed, err := it.boxRecord()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO item (id, person_id, item_key, record) VALUES (?, ?, ?, ?)", it.id, it.person, wrapped, sealed)
	return err
}

func updateRecord(ctx context.Context, tx database.Handle, it item) error {
	sealed, err := it.boxRecord()
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE item SET record = ? WHERE id = ?", sealed, it.id)
	return err
}

func openRecord(key seal.Key, id, person string, sealed []byte) (item, error) {
	plain, err := key.Open(placeRecord(id), sealed)
	if err != nil {
		return item{}, err
	}
	it := item{id: id, person: person, key: key}
	err = json.Unmarshal(plain, &it.record)
	return it, err
}

// readItem opens an item's record as it stands in the store now.
func readItem(ctx context.Context, h database.Handle, key seal.Key, id, person string) (item, error) {
	var sealed []byte
	if err := h.QueryRow(ctx, "SELECT record FROM item WHERE id = ?", id).Scan(&sealed); err != nil {
		return item{}, err
	}
	return openRecord(key, id, person, sealed)
}

// lockItem is [readItem] in a transaction that is about to write the record.
func lockItem(ctx context.Context, tx database.Handle, it item) (item, error) {
	var sealed []byte
	if err := tx.QueryRow(ctx, "SELECT record FROM item WHERE id = ?"+forUpdate(tx), it.id).Scan(&sealed); err != nil {
		return item{}, err
	}
	return openRecord(it.key, it.id, it.person, sealed)
}

// openPage opens one page image of a paper, counted from 1.
func (v *Vault) openPage(ctx context.Context, it item, page int) (*Content, error) {
	if it.record.Paper == nil || page < 1 || page > len(it.record.Paper.Pages) {
		return nil, ErrNotFound
	}
	ref := it.record.Paper.Pages[page-1]
	file, err := v.Blobs.Open(ctx, ref.ID)
	if err != nil {
		return nil, err
	}
	plain, err := it.key.Decrypt(file, placeBlob(ref.ID, it.id), ref.Length)
	if err != nil {
		file.Close()
		return nil, err
	}
	return &Content{Type: "image/jpeg", Size: ref.Length, ReadCloser: readCloser{plain, file}}, nil
}
