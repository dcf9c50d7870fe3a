package adversary

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"consigne/cards"
	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/locales"
)

// cardKey derives a key of the card's secret alone, as the portal does: the
// thief has read our programs.
func cardKey(card cards.Card, name string) seal.Key {
	var root seal.Key
	return seal.Key(root.MAC("card "+name, card.Secret()))
}

// A stolenCard is what the store holds of the card on the photograph.
type stolenCard struct {
	card       cards.Card
	id, person string
	seed, salt []byte
	params     seal.Params
}

// findCard finds the row of a photographed card in a stolen store.
func findCard(ctx context.Context, db *database.DB, text string) (c stolenCard, err error) {
	if c.card, err = cards.Parse(text); err != nil {
		return c, err
	}
	lookup := cardKey(c.card, "lookup")
	c.params.Threads = 1
	err = db.Read().QueryRow(ctx, "SELECT id, person_id, seed, salt, memory, passes FROM card WHERE lookup = ?", lookup[:16]).
		Scan(&c.id, &c.person, &c.seed, &c.salt, &c.params.Memory, &c.params.Time)
	return c, err
}

// try tries five pictures with a pepper.
func (c stolenCard) try(pictures [5]string, pepper seal.Key) (seal.Key, error) {
	key, err := seal.UnlockKey(c.card.Secret(), []byte(strings.Join(pictures[:], "/")), c.salt, pepper, c.params, "card")
	if err != nil {
		return key, err
	}
	return key.OpenKey(seal.Place{Table: "card", Row: c.id, Column: "seed", Reader: c.person}, c.seed)
}

// record is what the control reads of an item. It knows the format, as anybody
// does who reads our programs.
type record struct {
	Profile *struct{ Name, Birth, Language, Phone string }
	Paper   *struct {
		Kind, Title string
		Original    blobRef
		Pages       []blobRef
	}
	Appointment *struct {
		Start       time.Time
		Zone, Place string
		Voice       []byte
		Reminders   []struct{ Kind string }
	}
}

type blobRef struct {
	ID     string
	Length int64
}

// A Loot is what a vault gives to who has the keys: all of it must stay hidden
// from who has not.
type Loot struct {
	Secrets []Secret
	Docs    []Document
	// Clear are words that are no secret: names of relays, which stand in clear,
	// written and spoken, also where an appointment is there.
	Clear map[string]bool
}

// A vault is what is opened of one person.
type vault struct {
	*Loot
	blobs, lang string
	fresh       bool
}

func (l *Loot) add(name string, fresh bool, texts ...string) {
	for _, t := range texts {
		if !l.Clear[t] {
			l.Secrets = append(l.Secrets, Secret{name, []byte(t), fresh})
		}
	}
}

// key adds a key. Keys are random, so always fresh.
func (l *Loot) key(name string, k []byte) { l.Secrets = append(l.Secrets, Secret{name, k, true}) }

// open opens everything of one person, with the seed.
func (l vault) open(ctx context.Context, db *database.DB, person string, seed seal.Key) error {
	vault, identity := seed.Derive("vault"), seed.Identity()
	l.key("seed of "+person, seed.Bytes())
	l.key("vault key of "+person, vault.Bytes())
	rows, err := db.Read().Query(ctx, "SELECT id, item_key, record FROM item WHERE person_id = ?", person)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var wrapped, sealed []byte
		if err := rows.Scan(&id, &wrapped, &sealed); err != nil {
			return err
		}
		at := seal.Place{Table: "item", Row: id, Column: "item_key", Reader: person}
		key, err := vault.OpenKey(at, wrapped)
		if err != nil {
			key, err = identity.OpenKey(at, wrapped)
		}
		if err != nil {
			return fmt.Errorf("key of item %s: %w", id, err)
		}
		plain, err := key.Open(seal.Place{Table: "item", Row: id, Column: "record"}, sealed)
		if err != nil {
			return fmt.Errorf("record of item %s: %w", id, err)
		}
		l.key("key of item "+id, key.Bytes())
		if err := l.openItem(id, key, plain); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (l vault) openItem(id string, key seal.Key, plain []byte) error {
	var r record
	if err := json.Unmarshal(plain, &r); err != nil {
		return err
	}
	switch {
	case r.Profile != nil:
		l.addProfile(id, r)
	case r.Appointment != nil:
		return l.addAppointment(id, r)
	case r.Paper != nil:
		l.add("title of item "+id, l.fresh, r.Paper.Title)
		if strings.Contains(r.Paper.Kind, "-") {
			l.add("kind of item "+id, false, r.Paper.Kind)
		}
		for i, ref := range append([]blobRef{r.Paper.Original}, r.Paper.Pages...) {
			content, err := openBlob(l.blobs, id, key, ref)
			if err != nil {
				return fmt.Errorf("content of item %s: %w", id, err)
			}
			l.Docs = append(l.Docs, Document{fmt.Sprintf("file %d of item %s", i, id), content, l.fresh})
		}
	}
	return nil
}

// addProfile adds a name, a number and a birthday. That is never fresh: among all
// the files of a machine a date says nothing.
func (l vault) addProfile(id string, r record) {
	p := r.Profile
	l.add("name of item "+id, l.fresh, p.Name)
	l.add("birth of item "+id, false, p.Birth)
	if day, err := time.Parse(time.DateOnly, p.Birth); err == nil {
		l.add("birth of item "+id, false, day.Format("02/01/2006"), day.Format("02.01.2006"))
	}
	if p.Phone != "" {
		l.add("number of item "+id, l.fresh, numbers(p.Phone)...)
	}
}

// addAppointment adds a place, how it is spoken, and the texts of both messages.
func (l vault) addAppointment(id string, r record) error {
	a := r.Appointment
	loc, err := time.LoadLocation(a.Zone)
	if err != nil {
		return err
	}
	l.add("place of item "+id, l.fresh, a.Place)
	args := locales.Args{"t": a.Start.In(loc), "place": a.Place}
	for _, reminder := range a.Reminders {
		l.add("reminder of item "+id, l.fresh, locales.SMS(l.lang, reminder.Kind, args))
	}
	if !l.Clear[a.Place] {
		// Never fresh: clips of one voice share frames, and our programs hold clips.
		l.Docs = append(l.Docs, Document{"spoken place of item " + id, a.Voice, false})
	}
	return nil
}

// numbers gives a French number in the forms in which it is written.
func numbers(e164 string) []string {
	rest, ok := strings.CutPrefix(e164, "+33")
	if !ok || len(rest) != 9 {
		return []string{e164}
	}
	pairs := "0" + rest[:1]
	for i := 1; i < len(rest); i += 2 {
		pairs += " " + rest[i:i+2]
	}
	return []string{e164, "33" + rest, "0" + rest, pairs, strings.ReplaceAll(pairs, " ", ".")}
}

// openBlob opens a paper's file, wherever in the folder it lies.
func openBlob(folder, item string, key seal.Key, ref blobRef) (content []byte, err error) {
	err = filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() != ref.ID {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		r, err := key.Decrypt(f, seal.Place{Table: "blob", Row: ref.ID, Column: "content", Reader: item}, ref.Length)
		if err != nil {
			return err
		}
		if content, err = io.ReadAll(r); err != nil {
			return err
		}
		return fs.SkipAll
	})
	if err == nil && int64(len(content)) != ref.Length {
		err = fmt.Errorf("%w: blob %s", fs.ErrNotExist, ref.ID)
	}
	return content, err
}
