package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"

	"consigne/cards"
	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/portal/vault"
)

// A stage is where the cast plays: relays with a desk each, and one kiosk.
type stage struct {
	vault *vault.Vault
	db    *database.DB
	now   func() time.Time

	relays  map[string]vault.Relay // by name
	desk    string                 // the session at the first relay's desk
	cookies []string               // of all desks
	kiosk   vault.Device
	key     *seal.Identity // the kiosk's
	result  Result
}

// openRelay makes a relay and its first member of staff.
func (s *stage) openRelay(ctx context.Context, o openedRelay) error {
	r, err := s.vault.AddRelay(ctx, o.Relay)
	if err != nil {
		return err
	}
	s.relays[r.Name] = r
	letters, err := s.vault.Invite(ctx, r.ID, o.email, o.member)
	if err != nil {
		return err
	}
	password := newPassword()
	setup, address, err := s.vault.Accept(ctx, letters, password)
	if err != nil {
		return err
	}
	secret, err := secretOf(address)
	if err != nil {
		return err
	}
	// A code serves once, and so do all before it: with the one of half a minute
	// ago, whoever plays this member can sign in at once.
	code, err := totp.GenerateCode(secret, s.now().Add(-30*time.Second))
	if err != nil {
		return err
	}
	cookie, err := s.vault.Confirm(ctx, setup, code)
	if err != nil {
		return err
	}
	s.cookies = append(s.cookies, cookie)
	s.result.Staff = append(s.result.Staff, Staff{Relay: r.Name, Email: o.email, Password: password, TOTPSecret: secret})
	return nil
}

// newPassword makes sixteen random letters in groups, to be typed by hand.
func newPassword() string {
	t := strings.ToLower(rand.Text())
	return t[:4] + "-" + t[4:8] + "-" + t[8:12] + "-" + t[12:16]
}

func secretOf(otpauth string) (string, error) {
	u, err := url.Parse(otpauth)
	if err != nil {
		return "", errors.New("the authenticator's address cannot be read")
	}
	return u.Query().Get("secret"), nil
}

// enrolKiosk enrols a kiosk that exists in memory only.
func (s *stage) enrolKiosk(ctx context.Context) error {
	code, err := s.vault.DeviceCode(ctx, s.relays[dayCentre].ID)
	if err != nil {
		return err
	}
	seed := seal.NewKey()
	s.key = seed.Identity()
	token := seal.NewKey()
	s.kiosk, err = s.vault.EnrolDevice(ctx, code, "demo", s.key.Public(), token.Bytes())
	s.desk = s.cookies[0]
	return err
}

// enter lets one person go all the way: enrolment, papers, appointments, shares.
func (s *stage) enter(ctx context.Context, c character) error {
	person := Person{Name: c.name, Lang: c.lang, Phone: c.phone}
	cookie, err := s.enrol(ctx, c, &person)
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	for _, p := range c.papers {
		if err := s.deposit(ctx, c, p, &person); err != nil {
			return fmt.Errorf("deposit %s: %w", p.kind, err)
		}
	}
	for _, a := range c.appointments {
		m, err := s.vault.Member(ctx, s.desk)
		if err != nil {
			return err
		}
		a.Once = rand.Text()
		if _, err := m.Plan(ctx, person.ID, a); err != nil {
			return fmt.Errorf("plan: %w", err)
		}
	}
	if err := s.share(ctx, c, cookie, &person); err != nil {
		return fmt.Errorf("share: %w", err)
	}
	s.result.People = append(s.result.People, person)
	return nil
}

// enrol leaves a profile at the desk and opens it at the kiosk, where the
// person consents, shows a card and learns five pictures.
func (s *stage) enrol(ctx context.Context, c character, person *Person) (cookie string, err error) {
	m, err := s.vault.Member(ctx, s.desk)
	if err != nil {
		return "", err
	}
	given := vault.Profile{Name: c.name, Birth: c.birth, Language: c.lang, Phone: c.phone}
	if err := m.Enrol(ctx, given, s.kiosk.ID, rand.Text()); err != nil {
		return "", err
	}
	waiting, err := s.vault.Waiting(ctx, s.kiosk)
	if err != nil {
		return "", err
	}
	if len(waiting) != 1 {
		return "", fmt.Errorf("%d profiles wait at the kiosk", len(waiting))
	}
	place := seal.Place{Table: "enrolment", Row: waiting[0].ID, Column: "profile", Reader: s.kiosk.ID}
	plain, err := s.key.Open(place, waiting[0].Sealed)
	if err != nil {
		return "", err
	}
	var profile vault.Profile
	if err := json.Unmarshal(plain, &profile); err != nil {
		return "", err
	}
	session, err := s.vault.BeginEnrolment(ctx, s.kiosk, waiting[0].ID, profile)
	if err != nil {
		return "", err
	}
	card := cards.New()
	person.Card = card.Text()
	if cookie, err = s.learn(ctx, session, card, person); err != nil {
		return "", err
	}
	h, err := s.vault.Holder(ctx, s.kiosk, cookie)
	if err != nil {
		return "", err
	}
	person.ID = h.PersonID()
	return cookie, nil
}

// learn goes through the screens of an enrolment; each finds the session anew.
func (s *stage) learn(ctx context.Context, session string, card cards.Card, person *Person) (cookie string, err error) {
	steps := []func(*vault.Enrolment) error{
		func(e *vault.Enrolment) error { return e.Consent(ctx) },
		func(e *vault.Enrolment) error { return e.ShowCard(ctx, card.Text()) },
		func(e *vault.Enrolment) error { person.Pictures = e.Pictures(); return e.Learnt(ctx) },
	}
	for range 3 {
		steps = append(steps, func(e *vault.Enrolment) (err error) {
			cookie, err = e.Practise(ctx, person.Pictures)
			return err
		})
	}
	for _, step := range steps {
		e, err := s.vault.Enrolment(ctx, s.kiosk, session)
		if err != nil {
			return "", err
		}
		if err := step(e); err != nil {
			return "", err
		}
	}
	if cookie == "" {
		return "", errors.New("three practices made no vault")
	}
	return cookie, nil
}

func (s *stage) deposit(ctx context.Context, c character, p paper, person *Person) error {
	content, err := p.draw(c, p)
	if err != nil {
		return err
	}
	m, err := s.vault.Member(ctx, s.desk)
	if err != nil {
		return err
	}
	person.Documents = append(person.Documents, Document{Kind: p.kind, Title: p.title, ValidFrom: p.from, ValidUntil: p.until,
		Type: http.DetectContentType(content), Content: content})
	return m.Deposit(ctx, person.ID, vault.Deposit{Kind: p.kind, Title: p.title, ValidFrom: p.from, ValidUntil: p.until, Once: rand.Text()},
		bytes.NewReader(content))
}

// share finds the deposited papers in the holder's session and shares some.
func (s *stage) share(ctx context.Context, c character, cookie string, person *Person) error {
	h, err := s.vault.Holder(ctx, s.kiosk, cookie)
	if err != nil {
		return err
	}
	for i, p := range c.papers {
		d := &person.Documents[i]
		for _, found := range h.Papers() {
			if found.Kind == p.kind && found.Title == p.title {
				d.ID, d.Pages = found.ID, found.Pages
			}
		}
		for _, to := range p.shared {
			if _, err := h.Share(ctx, d.ID, s.relays[to.relay].ID, to.term, rand.Text()); err != nil {
				return err
			}
			d.SharedWith = append(d.SharedWith, to.relay)
		}
	}
	return h.Leave(ctx)
}

// leave signs everybody out and takes the kiosk away, which nobody could ever
// use again: at the desk it would stand among the real ones.
func (s *stage) leave(ctx context.Context) error {
	for _, cookie := range s.cookies {
		m, err := s.vault.Member(ctx, cookie)
		if err != nil {
			return err
		}
		if err := m.SignOut(ctx); err != nil {
			return err
		}
	}
	return s.db.Write(ctx, func(tx database.Handle) error {
		_, err := tx.Exec(ctx, "DELETE FROM device WHERE id = ?", s.kiosk.ID)
		return err
	})
}
