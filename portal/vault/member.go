package vault

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
)

// A Member is somebody of a relay's staff, signed in, for one request. What
// they read, they read with the relay's keys.
type Member struct {
	v        *Vault
	id, name string
	relay    Relay
	session  session
	admitted bool
	seed     seal.Key       // of the relay
	identity *seal.Identity // of the relay
	key      seal.Key       // the relay's vault key
	index    seal.Key       // the relay's key for blind marks
}

type memberBody struct{ Seed []byte }

// Member opens the session of a member. It returns [ErrSession] once it ended.
// A member who was not admitted by a colleague yet has no keys: every list is
// empty and every reading is [ErrForbidden].
func (v *Vault) Member(ctx context.Context, cookie string) (*Member, error) {
	var body memberBody
	s, err := v.openSession(ctx, "member", "", cookie, &body)
	if err != nil {
		return nil, err
	}
	return v.member(ctx, s, body)
}

// Watch opens the session of a member for what a page asks by itself: unlike
// [Vault.Member] it does not count as something the member did, so that a page
// left open does not keep the session alive.
func (v *Vault) Watch(ctx context.Context, cookie string) (*Member, error) {
	var body memberBody
	s, err := v.readSession(ctx, "member", "", cookie, &body)
	if err != nil {
		return nil, err
	}
	return v.member(ctx, s, body)
}

func (v *Vault) member(ctx context.Context, s session, body memberBody) (*Member, error) {
	seed, err := seal.KeyFrom(body.Seed)
	if err != nil {
		return nil, ErrSession
	}
	m := &Member{v: v, id: s.subject, session: s}
	var relayID string
	var name, relaySeed []byte
	err = v.DB.Read().QueryRow(ctx, "SELECT relay_id, name, relay_seed FROM member WHERE id = ?", m.id).Scan(&relayID, &name, &relaySeed)
	if err != nil {
		return nil, err
	}
	if m.relay, err = v.Relay(ctx, relayID); err != nil {
		return nil, err
	}
	plain, err := v.names().Open(placeMember(m.id, "name", ""), name)
	if err != nil {
		return nil, err
	}
	m.name = string(plain)
	if relaySeed == nil {
		return m, nil
	}
	return m, m.open(ctx, seed, relaySeed)
}

// open unwraps the relay's seed and adopts what was granted meanwhile.
func (m *Member) open(ctx context.Context, seed seal.Key, wrapped []byte) error {
	place := placeMember(m.id, "relay_seed", m.relay.ID)
	relay, err := seed.Derive("vault").OpenKey(place, wrapped)
	if err != nil {
		if relay, err = seed.Identity().OpenKey(place, wrapped); err != nil {
			return err
		}
		boxed := seed.Derive("vault").Box(place, relay.Bytes())
		err = m.v.DB.Write(ctx, func(tx database.Handle) error {
			_, err := tx.Exec(ctx, "UPDATE member SET relay_seed = ? WHERE id = ?", boxed, m.id)
			return err
		})
		if err != nil {
			return err
		}
	}
	m.admitted, m.seed, m.identity = true, relay, relay.Identity()
	m.key, m.index = relay.Derive("vault"), relay.Derive("index")
	return m.adopt(ctx)
}

// adopt boxes grants that were sealed to the relay under its own key and gives
// them their blind marks. Doing it twice changes nothing.
func (m *Member) adopt(ctx context.Context) error {
	type row struct {
		granted
		wrapped, sealed []byte
	}
	rows, err := collect(ctx, m.v.DB.Read(), func(scan func(...any) error) (r row, err error) {
		err = scan(&r.id, &r.item.id, &r.item.person, &r.wrapped, &r.sealed)
		return r, err
	}, `SELECT a.id, a.item_id, a.person_id, a.item_key, i.record FROM access a JOIN item i ON i.id = a.item_id
		WHERE a.relay_id = ? AND a.adopted = 0 AND (a.ends = 0 OR a.ends > ?)`, m.relay.ID, m.v.millis())
	if err != nil || len(rows) == 0 {
		return err
	}
	return m.v.DB.Write(ctx, func(tx database.Handle) error {
		for _, r := range rows {
			key, it, err := m.openGrant(m.identity.OpenKey, r.id, r.item, r.wrapped, r.sealed)
			if m.v.damaged(err, "access", r.id) {
				continue
			}
			if err != nil {
				return err
			}
			n, err := tx.Exec(ctx, "UPDATE access SET item_key = ?, adopted = 1 WHERE id = ? AND adopted = 0",
				m.key.Box(placeAccess(r.id, m.relay.ID), key.Bytes()), r.id)
			if err != nil {
				return err
			}
			if n == 0 {
				continue // a colleague's request was quicker, or the holder stopped it
			}
			if err := m.mark(ctx, tx, r.id, it); err != nil {
				return err
			}
		}
		return nil
	})
}

const profileMark = "profile"

func dayMark(t time.Time) string { return "day " + DateOf(t).String() }

func (m *Member) markOf(what string) []byte { return m.index.MAC("mark", []byte(what))[:16] }

// mark writes the blind mark by which a profile or a day's appointment is found.
func (m *Member) mark(ctx context.Context, tx database.Handle, access string, it item) error {
	var what string
	switch r := it.record; {
	case r.Profile != nil:
		what = profileMark
	case r.Appointment != nil:
		what = dayMark(r.Appointment.Start.In(m.relay.location()))
	default:
		return nil
	}
	_, err := tx.Exec(ctx, "INSERT INTO access_mark (access_id, mark) VALUES (?, ?) ON CONFLICT DO NOTHING", access, m.markOf(what))
	return err
}

// A granted item is one that the relay holds a live key for.
type granted struct {
	id   string // of the grant
	ends time.Time
	item item
}

// granted opens the items of all live, adopted grants that match.
func (m *Member) granted(ctx context.Context, where string, args ...any) ([]granted, error) {
	if !m.admitted {
		return nil, nil
	}
	args = append([]any{m.relay.ID, m.v.millis()}, args...)
	found, err := collect(ctx, m.v.DB.Read(), func(scan func(...any) error) (g granted, err error) {
		var ends int64
		var wrapped, sealed []byte
		if err = scan(&g.id, &g.item.id, &g.item.person, &wrapped, &ends, &sealed); err != nil {
			return g, err
		}
		g.ends = timeOf(ends)
		if _, g.item, err = m.openGrant(m.key.OpenKey, g.id, g.item, wrapped, sealed); m.v.damaged(err, "access", g.id) {
			return granted{}, nil
		}
		return g, err
	}, `SELECT a.id, a.item_id, a.person_id, a.item_key, a.ends, i.record FROM access a JOIN item i ON i.id = a.item_id
		WHERE a.relay_id = ? AND a.adopted = 1 AND (a.ends = 0 OR a.ends > ?) AND `+where, args...)
	return slices.DeleteFunc(found, func(g granted) bool { return g.id == "" }), err
}

// openGrant opens the item's key with one of the relay's keys, and the record
// with that.
func (m *Member) openGrant(open func(seal.Place, []byte) (seal.Key, error), grant string, it item, wrapped, sealed []byte) (seal.Key, item, error) {
	key, err := open(placeAccess(grant, m.relay.ID), wrapped)
	if err != nil {
		return key, it, err
	}
	it, err = openRecord(key, it.id, it.person, sealed)
	return key, it, err
}

// Name is the member's name.
func (m *Member) Name() string { return m.name }

// Relay is the member's relay.
func (m *Member) Relay() Relay { return m.relay }

// Admitted tells whether a colleague let the member in.
func (m *Member) Admitted() bool { return m.admitted }

// SignOut ends the session.
func (m *Member) SignOut(ctx context.Context) error {
	return m.v.DB.Write(ctx, func(tx database.Handle) error { return m.v.endSession(ctx, tx, m.session) })
}

// Devices lists the relay's kiosks.
func (m *Member) Devices(ctx context.Context) ([]Device, error) {
	return m.v.devices(ctx, "relay_id = ?", m.relay.ID)
}

// DeviceCode makes eight digits for a new kiosk of the relay.
func (m *Member) DeviceCode(ctx context.Context) (string, error) {
	if !m.admitted {
		return "", ErrForbidden
	}
	return m.v.DeviceCode(ctx, m.relay.ID)
}

// A Person is somebody whose profile was granted to the relay.
type Person struct {
	ID string
	Profile
}

// People lists everybody who granted the relay their profile, by name.
func (m *Member) People(ctx context.Context) ([]Person, error) {
	items, err := m.granted(ctx, "a.id IN (SELECT access_id FROM access_mark WHERE mark = ?)", m.markOf(profileMark))
	if err != nil {
		return nil, err
	}
	var people []Person
	for _, g := range items {
		if g.item.record.Profile != nil {
			people = append(people, Person{g.item.person, *g.item.record.Profile})
		}
	}
	slices.SortFunc(people, func(a, b Person) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return people, nil
}

// Person gives one of them, or [ErrNotFound].
func (m *Member) Person(ctx context.Context, id string) (Person, error) {
	items, err := m.granted(ctx, "a.person_id = ? AND a.id IN (SELECT access_id FROM access_mark WHERE mark = ?)", id, m.markOf(profileMark))
	if err != nil {
		return Person{}, err
	}
	for _, g := range items {
		if g.item.record.Profile != nil {
			return Person{id, *g.item.record.Profile}, nil
		}
	}
	return Person{}, ErrNotFound
}

// A CardRow is what a desk may know of a card: "active", "blocked" or "stopped".
type CardRow struct {
	ID, State string
	Made      Date
	Tries     int
}

// Cards lists a person's cards, the newest first.
func (m *Member) Cards(ctx context.Context, personID string) ([]CardRow, error) {
	if _, err := m.Person(ctx, personID); err != nil {
		return nil, err
	}
	return collect(ctx, m.v.DB.Read(), func(scan func(...any) error) (c CardRow, err error) {
		var made int64
		err = scan(&c.ID, &c.State, &c.Tries, &made)
		c.Made = dateOfNumber(made)
		if c.State == "active" && c.Tries >= maxTries {
			c.State = "blocked"
		}
		return c, err
	}, "SELECT id, state, tries, made FROM card WHERE person_id = ? ORDER BY made DESC, id", personID)
}

// Blocked lists the people of the relay who have a blocked card.
func (m *Member) Blocked(ctx context.Context) ([]Person, error) {
	ids, err := collect(ctx, m.v.DB.Read(), func(scan func(...any) error) (id string, err error) {
		err = scan(&id)
		return id, err
	}, `SELECT DISTINCT person_id FROM card WHERE state = 'active' AND tries >= ?
		AND person_id IN (SELECT person_id FROM access WHERE relay_id = ?)`, maxTries, m.relay.ID)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	people, err := m.People(ctx)
	return slices.DeleteFunc(people, func(p Person) bool { return !slices.Contains(ids, p.ID) }), err
}

// FreeCard gives a blocked card its five tries back. The holder sees it in the
// journal.
func (m *Member) FreeCard(ctx context.Context, personID, cardID string) error {
	if _, err := m.Person(ctx, personID); err != nil {
		return err
	}
	return m.v.DB.Write(ctx, func(tx database.Handle) error {
		n, err := tx.Exec(ctx, "UPDATE card SET tries = 0 WHERE id = ? AND person_id = ? AND state = 'active'", cardID, personID)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotFound
		}
		return m.v.journal(ctx, tx, personID, Entry{Actor: m.relay.ID, Verb: VerbFreed})
	})
}

// A SharedPaper is a paper with the end of its grant (zero: until stopped).
type SharedPaper struct {
	Paper
	GrantID string
	Ends    time.Time
}

// Shared lists the papers that a person shares with the relay now.
func (m *Member) Shared(ctx context.Context, personID string) ([]SharedPaper, error) {
	items, err := m.granted(ctx, "a.person_id = ?", personID)
	if err != nil {
		return nil, err
	}
	var out []SharedPaper
	for _, g := range items {
		if g.item.record.Paper != nil {
			out = append(out, SharedPaper{g.item.paper(), g.id, g.ends})
		}
	}
	return out, nil
}

// Paper gives a shared paper. It returns [ErrForbidden] where the relay holds
// no live key: whether there is such a paper at all is not told.
func (m *Member) Paper(ctx context.Context, paperID string) (Paper, error) {
	it, err := m.shared(ctx, paperID)
	if err != nil {
		return Paper{}, err
	}
	return it.paper(), nil
}

// OpenPage opens a page image of a shared paper, counted from 1, and writes
// into the holder's journal who read. A read that cannot be journaled is
// refused.
func (m *Member) OpenPage(ctx context.Context, paperID string, page int) (*Content, error) {
	it, err := m.shared(ctx, paperID)
	if err != nil {
		return nil, err
	}
	if err := m.journalRead(ctx, it); err != nil {
		return nil, err
	}
	return m.v.openPage(ctx, it, page)
}

// readAgain is for how long the pages of one paper are one reading.
const readAgain = 10 * time.Minute

// journalRead writes that the relay read, once for the pages that one session
// opens within ten minutes.
func (m *Member) journalRead(ctx context.Context, it item) error {
	reading := m.session.id + "/" + it.id
	if m.v.reads.recent(reading, m.v.Now()) {
		return nil
	}
	err := m.v.DB.Write(ctx, func(tx database.Handle) error {
		return m.v.journal(ctx, tx, it.person, Entry{Actor: m.relay.ID, Verb: VerbRead,
			PaperKind: it.record.Paper.Kind, Title: it.record.Paper.Title})
	})
	if err == nil {
		m.v.reads.note(reading, m.v.Now())
	}
	return err
}

// readings remembers which readings are in the journal. What it forgets is
// written once more.
type readings struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (r *readings) recent(reading string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.at[reading]
	return ok && !now.Before(at) && now.Sub(at) < readAgain
}

func (r *readings) note(reading string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.at, func(_ string, at time.Time) bool { return now.Sub(at) >= readAgain })
	r.at[reading] = now
}

func (m *Member) shared(ctx context.Context, paperID string) (item, error) {
	items, err := m.granted(ctx, "a.item_id = ?", paperID)
	if err != nil {
		return item{}, err
	}
	if len(items) == 0 || items[0].item.record.Paper == nil {
		return item{}, ErrForbidden
	}
	return items[0].item, nil
}
