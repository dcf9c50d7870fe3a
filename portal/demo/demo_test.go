package demo_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"consigne/cards"
	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/seal"
	"consigne/portal/blob"
	"consigne/portal/demo"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

func newVault(t *testing.T, db *database.DB) *vault.Vault {
	t.Helper()
	now := func() time.Time { return noon }
	blobs, err := blob.NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.New(vault.Options{
		DB: db, Blobs: blobs, Key: seal.NewKey(), Now: now, PublicURL: "http://127.0.0.1",
		SMS: queue.NewSender(seal.NewKey().Identity().Public(), now),
		// What is spoken is another package's; here any clip will do.
		Voice: func(_ context.Context, lang, text string) ([]byte, error) { return []byte(lang + text), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestFill(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		v := newVault(t, db)
		got, err := demo.Fill(t.Context(), v, db, func() time.Time { return noon })
		if err != nil {
			t.Fatal(err)
		}
		checkPeople(t, got)
		t.Run("cards open", func(t *testing.T) { checkCards(t, v, got) })
		t.Run("desks read what is shared and nothing else", func(t *testing.T) { checkDesks(t, v, got) })
		if _, err := demo.Fill(t.Context(), v, db, func() time.Time { return noon }); !errors.Is(err, demo.ErrNotEmpty) {
			t.Errorf("filled again: %v, want ErrNotEmpty", err)
		}
	})
}

// checkPeople demands what the demo promises: a French and an Arabic speaker,
// one without a phone, a paper that has ended, one that soon will.
func checkPeople(t *testing.T, got *demo.Result) {
	t.Helper()
	today := vault.DateOf(noon)
	langs, silent := map[string]bool{}, false
	states, types := map[vault.Validity]int{}, map[string]int{}
	for _, p := range got.People {
		langs[p.Lang] = true
		silent = silent || p.Phone == ""
		for _, d := range p.Documents {
			states[vault.Paper{ValidUntil: d.ValidUntil}.Validity(today)]++
			types[d.Type]++
			if d.ID == "" || d.Pages == 0 {
				t.Errorf("document %q of %s was not found again", d.Title, p.Name)
			}
		}
	}
	if !langs["fr"] || !langs["ar"] || !silent || len(got.People) < 3 || len(got.Staff) < 3 {
		t.Errorf("languages %v, somebody without a phone: %v, %d people, %d staff", langs, silent, len(got.People), len(got.Staff))
	}
	for _, s := range []vault.Validity{vault.Unlimited, vault.Valid, vault.Soon, vault.Expired} {
		if states[s] == 0 {
			t.Errorf("no paper in state %d: %v", s, states)
		}
	}
	if types["application/pdf"] == 0 || types["image/jpeg"] == 0 {
		t.Errorf("types %v, want PDF and JPEG", types)
	}
}

// checkCards plays each person at a fresh kiosk.
func checkCards(t *testing.T, v *vault.Vault, got *demo.Result) {
	relays, err := v.Relays(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	code, err := v.DeviceCode(t.Context(), relays[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	kiosk, err := v.EnrolDevice(t.Context(), code, "test", seal.NewKey().Identity().Public(), make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range got.People {
		if _, err := cards.Parse(p.Card); err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		cookie, hint, err := v.ShowCard(t.Context(), kiosk, p.Card)
		if err != nil || hint.Language != p.Lang {
			t.Fatalf("%s: language %q, %v", p.Name, hint.Language, err)
		}
		cookie, err = v.Unlock(t.Context(), kiosk, cookie, p.Pictures)
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		h, err := v.Holder(t.Context(), kiosk, cookie)
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Papers()) != len(p.Documents) || len(h.Appointments()) == 0 || h.HasPhone() != (p.Phone != "") {
			t.Errorf("%s: %d papers, %d appointments, phone %v", p.Name, len(h.Papers()), len(h.Appointments()), h.HasPhone())
		}
		for _, d := range p.Documents {
			page, err := h.OpenPage(t.Context(), d.ID, d.Pages)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, page); err != nil || n == 0 {
				t.Errorf("%s, last page of %q: %d bytes, %v", p.Name, d.Title, n, err)
			}
			page.Close()
		}
		for _, a := range h.Appointments() {
			if !a.Start.After(noon) || (p.Phone != "") != (len(a.Messages) > 0) {
				t.Errorf("%s: appointment %v with %d reminders", p.Name, a.Start, len(a.Messages))
			}
		}
	}
}

// checkDesks signs each member in at once, with the code of this moment.
func checkDesks(t *testing.T, v *vault.Vault, got *demo.Result) {
	for _, s := range got.Staff {
		code, err := totp.GenerateCode(s.TOTPSecret, noon)
		if err != nil {
			t.Fatal(err)
		}
		cookie, err := v.SignIn(t.Context(), s.Email, s.Password, code, nil)
		if err != nil {
			t.Fatalf("%s: %v", s.Relay, err)
		}
		m, err := v.Member(t.Context(), cookie)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range got.People {
			for _, d := range p.Documents {
				shared := strings.Contains(strings.Join(d.SharedWith, "\n"), s.Relay)
				if _, err := m.Paper(t.Context(), d.ID); (err == nil) != shared || err != nil && !errors.Is(err, vault.ErrForbidden) {
					t.Errorf("%s reads %q of %s: %v; shared: %v", s.Relay, d.Title, p.Name, err, shared)
				}
			}
		}
	}
}

func TestResult_JSON(t *testing.T) {
	r := demo.Result{Staff: []demo.Staff{{}}, People: []demo.Person{{Documents: []demo.Document{{Content: []byte("secret bytes")}}}}}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"staff":[{"relay":`, `"email"`, `"password"`, `"totp_secret"`, `"people":[{"id":`, `"name"`, `"lang"`, `"phone"`, `"card"`, `"pictures":["","","","",""]`, `"documents":[`} {
		if !strings.Contains(string(b), key) {
			t.Errorf("%s lacks %s", b, key)
		}
	}
	if strings.Contains(string(b), "Content") {
		t.Error("the JSON holds the files themselves")
	}
}
