package vault

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"consigne/cards"
	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/locales"
	"consigne/smsd/queue"
)

// EnrolStep is how far a person has come at the kiosk.
type EnrolStep int

// The steps of an enrolment, in order.
const (
	StepConsent EnrolStep = iota
	StepCard
	StepLearn
	StepPractise
)

// practices is how often the five pictures must be right before the vault is made.
const practices = 3

// maxName is the longest name of a person, in letters.
const maxName = 200

// enrolmentLife is how long an entered profile waits for its person.
const enrolmentLife = 7 * 24 * time.Hour

// Waiting is a profile that a desk left for this kiosk, sealed to its key.
type Waiting struct {
	ID     string
	Sealed []byte
}

// An Enrolment is a person at the kiosk whose vault is not made yet. Nothing is
// kept of them but what this session holds, until they consented and know their
// pictures.
type Enrolment struct {
	v       *Vault
	device  Device
	session session
	body    enrolBody
	relay   Relay
}

type enrolBody struct {
	ID        string
	RelayID   string
	Profile   Profile
	Step      EnrolStep
	Card      string
	Pictures  [5]string
	Grid      [5][9]string
	Practised int
}

// Enrol leaves a profile, sealed, for the kiosk at which its person will
// consent. It returns *[Invalid] for a field that cannot be taken.
func (m *Member) Enrol(ctx context.Context, p Profile, deviceID, once string) error {
	if err := p.check(DateOf(m.v.Now())); err != nil {
		return err
	}
	found, err := m.v.devices(ctx, "id = ? AND relay_id = ?", deviceID, m.relay.ID)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return &Invalid{"device", "unknown"}
	}
	plain, err := json.Marshal(p)
	if err != nil {
		return err
	}
	id := rand.Text()
	sealed, err := found[0].Public.Seal(placeEnrolment(id, deviceID), plain)
	if err != nil {
		return err
	}
	return m.v.DB.Write(ctx, func(tx database.Handle) error {
		if err := m.v.once(ctx, tx, "enrol", once); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO enrolment (id, device_id, relay_id, profile, ends) VALUES (?, ?, ?, ?, ?)",
			id, deviceID, m.relay.ID, sealed, m.v.Now().Add(enrolmentLife).UnixMilli())
		return err
	})
}

// check tells which field cannot be taken, and tidies the others.
func (p *Profile) check(today Date) error {
	p.Name = strings.Join(strings.Fields(p.Name), " ")
	if p.Name == "" {
		return &Invalid{"name", "missing"}
	}
	if len([]rune(p.Name)) > maxName {
		return &Invalid{"name", "long"}
	}
	if p.Birth.IsZero() {
		return &Invalid{"birth", "missing"}
	}
	if age := today.Year - p.Birth.Year; p.Birth.Number() > today.Number() || age > 130 {
		return &Invalid{"birth", "range"}
	}
	if _, ok := locales.Get(p.Language); !ok {
		return &Invalid{"language", "unknown"}
	}
	if strings.TrimSpace(p.Phone) == "" {
		p.Phone = ""
		return nil
	}
	number, err := queue.ParseNumber(p.Phone)
	if no, refused := errors.AsType[*queue.Refused](err); refused && no.Reason == queue.ReasonFixed {
		return &Invalid{"phone", "fixed"}
	}
	if err != nil {
		return &Invalid{"phone", "phone"}
	}
	p.Phone = number
	return nil
}

// Waiting lists the profiles that wait for this kiosk, the newest first: its
// person is the one who stands there.
func (v *Vault) Waiting(ctx context.Context, dev Device) ([]Waiting, error) {
	return collect(ctx, v.DB.Read(), func(scan func(...any) error) (w Waiting, err error) {
		err = scan(&w.ID, &w.Sealed)
		return w, err
	}, "SELECT id, profile FROM enrolment WHERE device_id = ? AND ends > ? ORDER BY ends DESC, id", dev.ID, v.millis())
}

// BeginEnrolment starts the session in which a person consents. The kiosk gives
// the profile that it opened with its own key.
func (v *Vault) BeginEnrolment(ctx context.Context, dev Device, id string, p Profile) (cookie string, err error) {
	if err := p.check(DateOf(v.Now())); err != nil {
		return "", err
	}
	body := enrolBody{ID: id, Profile: p, Step: StepConsent}
	err = v.DB.Write(ctx, func(tx database.Handle) error {
		err := tx.QueryRow(ctx, "SELECT relay_id FROM enrolment WHERE id = ? AND device_id = ? AND ends > ?", id, dev.ID, v.millis()).Scan(&body.RelayID)
		if err != nil {
			return err
		}
		cookie, err = v.startSession(ctx, tx, "enrolment", "", dev.ID, body)
		return err
	})
	return cookie, err
}

// Enrolment gives the enrolment of a session, or [ErrSession].
func (v *Vault) Enrolment(ctx context.Context, dev Device, cookie string) (*Enrolment, error) {
	e := &Enrolment{v: v, device: dev}
	var err error
	if e.session, err = v.openSession(ctx, "enrolment", dev.ID, cookie, &e.body); err != nil {
		return nil, err
	}
	e.relay, err = v.Relay(ctx, e.body.RelayID)
	return e, err
}

// Language is the tag of the language the person hears.
func (e *Enrolment) Language() string { return e.body.Profile.Language }

// Name is the name on the profile, so that nobody takes another's.
func (e *Enrolment) Name() string { return e.body.Profile.Name }

// Step tells what comes next.
func (e *Enrolment) Step() EnrolStep { return e.body.Step }

// Practised counts how often the pictures were right, 0 to 3.
func (e *Enrolment) Practised() int { return e.body.Practised }

// Relay is who will know the person's profile.
func (e *Enrolment) Relay() Relay { return e.relay }

// Mark is the picture of the card that was shown, once one was.
func (e *Enrolment) Mark() (cards.Mark, bool) {
	card, err := cards.Parse(e.body.Card)
	if err != nil {
		return cards.Mark{}, false
	}
	return card.Mark(), true
}

// Consent is the person's yes.
func (e *Enrolment) Consent(ctx context.Context) error {
	if e.body.Step == StepConsent {
		e.body.Step = StepCard
	}
	return e.save(ctx)
}

// Refuse is the person's no: the profile is erased, and nothing is kept.
func (e *Enrolment) Refuse(ctx context.Context) error {
	return e.v.DB.Write(ctx, func(tx database.Handle) error {
		if _, err := tx.Exec(ctx, "DELETE FROM enrolment WHERE id = ?", e.body.ID); err != nil {
			return err
		}
		return e.v.endSession(ctx, tx, e.session)
	})
}

// ShowCard takes the card from the stock that the person chose. It returns
// [ErrCardText] or [ErrCardTaken].
func (e *Enrolment) ShowCard(ctx context.Context, cardText string) error {
	if e.body.Step == StepConsent {
		return ErrForbidden
	}
	card, _, err := e.v.readCard(ctx, e.v.DB.Read(), cardText)
	switch {
	case err == nil, errors.Is(err, ErrCardStopped), errors.Is(err, ErrCardBlocked):
		return ErrCardTaken
	case !errors.Is(err, ErrCardUnknown):
		return err
	}
	e.body.Card, e.body.Step, e.body.Practised = card.Text(), StepLearn, 0
	if e.body.Pictures[0] == "" {
		e.body.Pictures = randomPictures()
	}
	return e.save(ctx)
}

// Pictures are the five to learn. No other screen shows them.
func (e *Enrolment) Pictures() [5]string { return e.body.Pictures }

// Learnt begins the practice.
func (e *Enrolment) Learnt(ctx context.Context) error {
	if e.body.Step != StepLearn {
		return ErrForbidden
	}
	e.body.Step, e.body.Grid = StepPractise, shuffledSteps()
	return e.save(ctx)
}

// Grid is the sets of the running practice, shuffled.
func (e *Enrolment) Grid() [5][9]string { return e.body.Grid }

// Practise tries the pictures. After the third success the vault is made and
// its holder's session begins; before, the cookie is empty. Wrong pictures go
// back to learning, uncounted: *[WrongPictures] with Left −1.
func (e *Enrolment) Practise(ctx context.Context, picks [5]string) (holderCookie string, err error) {
	if e.body.Step != StepPractise {
		return "", ErrForbidden
	}
	if picks != e.body.Pictures {
		e.body.Step = StepLearn
		return "", errors.Join(&WrongPictures{Left: -1}, e.save(ctx))
	}
	e.body.Practised++
	e.body.Grid = shuffledSteps()
	if e.body.Practised < practices {
		return "", e.save(ctx)
	}
	return e.finish(ctx)
}

// finish makes person, profile, private item, card, grant and journal at once.
func (e *Enrolment) finish(ctx context.Context) (cookie string, err error) {
	card, err := cards.Parse(e.body.Card)
	if err != nil {
		return "", ErrCardText
	}
	person, seed := rand.Text(), seal.NewKey()
	hint := Hint{e.body.Profile.Language, card.Mark()}
	row, err := e.v.newCardRow(ctx, card, person, seed, e.body.Pictures, hint)
	if err != nil {
		return "", err
	}
	row.made = DateOf(e.v.Now().In(e.relay.location()))
	e.body.Profile.Mark = card.Mark()
	profile := newItem(person, record{Profile: &e.body.Profile})
	secret := newItem(person, record{Private: &private{e.body.Pictures, map[string]string{row.id: card.Text()}}})
	err = e.v.DB.Write(ctx, func(tx database.Handle) (err error) {
		if err = e.takeWaiting(ctx, tx); err != nil {
			return err
		}
		if err = e.insertPerson(ctx, tx, person, seed, profile, secret); err != nil {
			return err
		}
		if err = e.v.insertCard(ctx, tx, row); err != nil {
			return err
		}
		if err = e.v.grant(ctx, tx, newGrant(profile, e.relay.ID, 0)); err != nil {
			return err
		}
		if err = e.v.journal(ctx, tx, person, Entry{Actor: e.relay.ID, Verb: VerbEnrolled}); err != nil {
			return err
		}
		cookie, err = e.v.startSession(ctx, tx, "holder", person, e.device.ID, holderBody{seed.Bytes(), hint})
		return err
	})
	return cookie, err
}

// takeWaiting removes the waiting profile and the session: a second finish of
// the same enrolment finds nothing and makes no second vault.
func (e *Enrolment) takeWaiting(ctx context.Context, tx database.Handle) error {
	n, err := tx.Exec(ctx, "DELETE FROM enrolment WHERE id = ?", e.body.ID)
	if err == nil && n == 0 {
		return ErrRepeated
	}
	return errors.Join(err, e.v.endSession(ctx, tx, e.session))
}

func (e *Enrolment) insertPerson(ctx context.Context, tx database.Handle, person string, seed seal.Key, items ...item) error {
	public := seed.Identity().Public()
	if _, err := tx.Exec(ctx, "INSERT INTO person (id, public, public_mac, relay_id) VALUES (?, ?, ?, ?)",
		person, []byte(public), e.v.publicMAC("person", person, public), e.relay.ID); err != nil {
		return err
	}
	key := seed.Derive("vault")
	for _, it := range items {
		if err := insertItem(ctx, tx, it, key.Box(placeItemKey(it.id, person), it.key.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

func (e *Enrolment) save(ctx context.Context) error {
	return e.v.DB.Write(ctx, func(tx database.Handle) error { return e.v.saveSession(ctx, tx, e.session, e.body) })
}
