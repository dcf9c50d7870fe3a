package vault_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"consigne/cards"
	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/seal"
	"consigne/locales"
	"consigne/portal/blob"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

// A world is a vault with one relay, one member of staff and one kiosk.
type world struct {
	*vault.Vault
	t       *testing.T
	db      *database.DB
	now     time.Time
	relay   vault.Relay
	device  vault.Device
	kiosk   *seal.Identity
	cookie  string // the member's
	secret  string // of the member's authenticator
	revoked []string
	queue   *queue.Queue // the daemon's side, to see what leaves
}

const password = "les tilleuls en fleur"

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, now: time.Date(2026, 11, 23, 10, 12, 0, 0, paris(t))}
	blobs, err := blob.NewDir(t.TempDir())
	must(t, err)
	clock := func() time.Time { return w.now }
	keys := queue.NewKeys(seal.NewKey())
	w.queue = queue.New(db, keys, clock, time.Minute)
	w.Vault, err = vault.New(vault.Options{DB: db, Blobs: blobs, Key: seal.NewKey(), Now: clock,
		SMS: queue.NewSender(keys.Public(), clock), PublicURL: "https://c.example/",
		Voice:   func(_ context.Context, lang, text string) ([]byte, error) { return []byte(lang + ":" + text), nil },
		Revoked: func(kind, id string) error { w.revoked = append(w.revoked, kind+" "+id); return nil }})
	must(t, err)
	w.relay = w.addRelay("Les Tilleuls")
	w.cookie, w.secret = w.hire(w.relay, "claire@example.org")
	w.device, w.kiosk = w.enrolKiosk(w.relay)
	return w
}

func (w *world) addRelay(name string) vault.Relay {
	w.t.Helper()
	r, err := w.AddRelay(w.t.Context(), vault.Relay{Name: name, Kind: "accueil de jour", Badge: "deciduous-tree", Colour: "green", Phone: "04 65 71 20 42"})
	must(w.t, err)
	return r
}

// hire takes a member of staff through invitation, password and authenticator.
func (w *world) hire(r vault.Relay, email string) (cookie, secret string) {
	w.t.Helper()
	letters, err := w.Invite(w.t.Context(), r.ID, email, "Claire Morel")
	must(w.t, err)
	setup, address, err := w.Accept(w.t.Context(), letters, password)
	must(w.t, err)
	u, err := url.Parse(address)
	must(w.t, err)
	secret = u.Query().Get("secret")
	cookie, err = w.Confirm(w.t.Context(), setup, w.code(secret))
	must(w.t, err)
	return cookie, secret
}

func (w *world) code(secret string) string {
	w.t.Helper()
	code, err := totp.GenerateCode(secret, w.now)
	must(w.t, err)
	return code
}

func (w *world) enrolKiosk(r vault.Relay) (vault.Device, *seal.Identity) {
	w.t.Helper()
	code, err := w.DeviceCode(w.t.Context(), r.ID)
	must(w.t, err)
	key := seal.NewKey()
	token := key.Derive("device token").Bytes()
	d, err := w.EnrolDevice(w.t.Context(), code, "Hall", key.Identity().Public(), token)
	must(w.t, err)
	d, err = w.Device(w.t.Context(), d.ID, token)
	must(w.t, err)
	return d, key.Identity()
}

func (w *world) member() *vault.Member {
	w.t.Helper()
	m, err := w.Member(w.t.Context(), w.cookie)
	must(w.t, err)
	return m
}

// someone is a person who enrolled, with what they carry and know.
type someone struct {
	id       string
	card     cards.Card
	pictures [5]string
	cookie   string
}

var andrei = vault.Profile{Name: "Andrei Munteanu", Birth: vault.Date{Year: 1951, Month: 3, Day: 14}, Language: "fr", Phone: "06 39 98 10 42"}

// enrol walks a person through consent, card, learning and practice.
func (w *world) enrol(p vault.Profile) someone {
	w.t.Helper()
	ctx := w.t.Context()
	must(w.t, w.member().Enrol(ctx, p, w.device.ID, cards.New().Text()))
	waiting, err := w.Waiting(ctx, w.device)
	must(w.t, err)
	if len(waiting) != 1 {
		w.t.Fatalf("%d people wait", len(waiting))
	}
	cookie, err := w.BeginEnrolment(ctx, w.device, waiting[0].ID, p)
	must(w.t, err)
	s := someone{card: cards.New()}
	must(w.t, w.enrolment(cookie).Consent(ctx))
	must(w.t, w.enrolment(cookie).ShowCard(ctx, s.card.Text()))
	s.pictures = w.enrolment(cookie).Pictures()
	must(w.t, w.enrolment(cookie).Learnt(ctx))
	for s.cookie == "" {
		s.cookie, err = w.enrolment(cookie).Practise(ctx, s.pictures)
		must(w.t, err)
	}
	s.id = w.holder(s).PersonID()
	return s
}

func (w *world) enrolment(cookie string) *vault.Enrolment {
	w.t.Helper()
	e, err := w.Enrolment(w.t.Context(), w.device, cookie)
	must(w.t, err)
	return e
}

func (w *world) holder(s someone) *vault.Holder {
	w.t.Helper()
	h, err := w.Holder(w.t.Context(), w.device, s.cookie)
	must(w.t, err)
	return h
}

// unlock shows the card and touches the pictures.
func (w *world) unlock(s someone, pictures [5]string) (string, error) {
	w.t.Helper()
	cookie, _, err := w.ShowCard(w.t.Context(), w.device, s.card.Text())
	if err != nil {
		return "", err
	}
	return w.Unlock(w.t.Context(), w.device, cookie, pictures)
}

// deposit lets the member deposit a picture and gives the paper's id.
func (w *world) deposit(s someone, kind, once string) string {
	w.t.Helper()
	w.now = w.now.Add(time.Second) // the newest deposit stands first
	must(w.t, w.member().Deposit(w.t.Context(), s.id, vault.Deposit{Kind: kind, Title: "Attestation",
		ValidUntil: vault.Date{Year: 2026, Month: 12, Day: 5}, Once: once}, bytes.NewReader(scan(w.t))))
	return w.holder(s).Papers()[0].ID
}

// scan is a small real JPEG.
func scan(t *testing.T) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 300, 400))
	for y := range 400 {
		for x := range 300 {
			img.SetGray(x, y, color.Gray{Y: uint8(x * y / 500)})
		}
	}
	var out bytes.Buffer
	must(t, jpeg.Encode(&out, img, nil))
	return out.Bytes()
}

func readPage(t *testing.T, c *vault.Content, err error) []byte {
	t.Helper()
	must(t, err)
	defer c.Close()
	b, err := io.ReadAll(c)
	must(t, err)
	if int64(len(b)) != c.Size {
		t.Fatalf("read %d of %d bytes", len(b), c.Size)
	}
	return b
}

func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	must(w.t, w.db.Read().QueryRow(w.t.Context(), query, args...).Scan(&n))
	return n
}

func paris(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Paris")
	must(t, err)
	return loc
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { fn(t, newWorld(t, db)) })
}

func TestMain(m *testing.M) { os.Exit(m.Run()) }

func TestEnrolment_and_unlock(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		people, err := w.member().People(t.Context())
		must(t, err)
		if len(people) != 1 || people[0].Name != "Andrei Munteanu" || people[0].Phone != "+33639981042" || people[0].Mark != s.card.Mark() {
			t.Errorf("the desk knows %v", people)
		}
		must(t, w.holder(s).Leave(t.Context()))
		_, err = w.Holder(t.Context(), w.device, s.cookie)
		wantErr(t, "after leaving", err, vault.ErrSession)

		cookie, hint, err := w.ShowCard(t.Context(), w.device, s.card.Text())
		must(t, err)
		if hint.Language != "fr" || hint.Mark != s.card.Mark() {
			t.Errorf("hint %v", hint)
		}
		s.cookie, err = w.Unlock(t.Context(), w.device, cookie, s.pictures)
		must(t, err)
		if h := w.holder(s); h.PersonID() != s.id || !h.HasPhone() {
			t.Error("another vault opened")
		}
		_, err = w.Unlock(t.Context(), w.device, cookie, s.pictures)
		wantErr(t, "the card session again", err, vault.ErrSession)

		cookie, _, err = w.ShowCard(t.Context(), w.device, s.card.Text())
		must(t, err)
		var invalid *vault.Invalid
		if _, err = w.Unlock(t.Context(), w.device, cookie, [5]string{}); !errors.As(err, &invalid) {
			t.Errorf("an empty form: %v", err)
		}
		if n := w.count("SELECT tries FROM card"); n != 0 {
			t.Errorf("an empty form took %d tries", n)
		}
	})
}

func TestEnrolment_refusals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		taken := w.enrol(andrei)
		for field, change := range map[string]func(*vault.Profile){
			"name": func(p *vault.Profile) { p.Name = "  " }, "birth": func(p *vault.Profile) { p.Birth = vault.Date{} },
			"language": func(p *vault.Profile) { p.Language = "tlh" }, "phone": func(p *vault.Profile) { p.Phone = "12" },
		} {
			p := andrei
			change(&p)
			var invalid *vault.Invalid
			if err := w.member().Enrol(ctx, p, w.device.ID, "x"); !errors.As(err, &invalid) || invalid.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		must(t, w.member().Enrol(ctx, andrei, w.device.ID, "y"))
		wantErr(t, "form sent twice", w.member().Enrol(ctx, andrei, w.device.ID, "y"), vault.ErrRepeated)
		waiting, err := w.Waiting(ctx, w.device)
		must(t, err)
		cookie, err := w.BeginEnrolment(ctx, w.device, waiting[0].ID, andrei)
		must(t, err)
		wantErr(t, "card before consent", w.enrolment(cookie).ShowCard(ctx, cards.New().Text()), vault.ErrForbidden)
		must(t, w.enrolment(cookie).Consent(ctx))
		wantErr(t, "a card that is taken", w.enrolment(cookie).ShowCard(ctx, taken.card.Text()), vault.ErrCardTaken)
		wantErr(t, "no card", w.enrolment(cookie).ShowCard(ctx, "https://example.org"), vault.ErrCardText)
		must(t, w.enrolment(cookie).ShowCard(ctx, cards.New().Text()))
		must(t, w.enrolment(cookie).Learnt(ctx))
		var wrong *vault.WrongPictures
		if _, err := w.enrolment(cookie).Practise(ctx, [5]string{"x"}); !errors.As(err, &wrong) || wrong.Left != -1 {
			t.Errorf("wrong practice: %v", err)
		}
		if w.enrolment(cookie).Step() != vault.StepLearn {
			t.Error("wrong practice does not lead back to learning")
		}
		must(t, w.enrolment(cookie).Refuse(ctx))
		if n := w.count("SELECT count(*) FROM enrolment"); n != 0 {
			t.Errorf("%d profiles stay after a refusal", n)
		}
		if n := w.count("SELECT count(*) FROM person"); n != 1 {
			t.Errorf("%d people", n)
		}
	})
}

func TestUnlock_five_wrong_tries_block_and_a_relay_frees(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		bad := s.pictures
		bad[4] = other(bad[4])
		for left := 4; left > 0; left-- {
			var wrong *vault.WrongPictures
			if _, err := w.unlock(s, bad); !errors.As(err, &wrong) || wrong.Left != left {
				t.Fatalf("with %d left: %v", left, err)
			}
		}
		_, err := w.unlock(s, bad)
		wantErr(t, "fifth wrong try", err, vault.ErrCardBlocked)
		_, hint, err := w.ShowCard(ctx, w.device, s.card.Text())
		wantErr(t, "blocked card", err, vault.ErrCardBlocked)
		if hint.Language != "fr" {
			t.Error("a blocked card does not tell its language")
		}
		blocked, err := w.member().Blocked(ctx)
		must(t, err)
		if len(blocked) != 1 || blocked[0].ID != s.id {
			t.Errorf("blocked: %v", blocked)
		}
		rows, err := w.member().Cards(ctx, s.id)
		must(t, err)
		if len(rows) != 1 || rows[0].State != "blocked" {
			t.Fatalf("cards %v", rows)
		}
		must(t, w.member().FreeCard(ctx, s.id, rows[0].ID))
		_, err = w.unlock(s, s.pictures)
		must(t, err)
	})
}

// other gives another picture of the last set.
func other(picture string) string {
	set := locales.CodeSets[4]
	if picture == set[0] {
		return set[1]
	}
	return set[0]
}

func TestUnlock_tries_in_parallel_gain_nothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		cookie, _, err := w.ShowCard(t.Context(), w.device, s.card.Text())
		must(t, err)
		bad := s.pictures
		bad[4] = other(bad[4])
		answers := make(chan error)
		for range 12 {
			go func() {
				_, err := w.Unlock(t.Context(), w.device, cookie, bad)
				answers <- err
			}()
		}
		tried := 0
		for range 12 {
			var wrong *vault.WrongPictures
			if err := <-answers; errors.As(err, &wrong) {
				tried++
			}
		}
		if tried > 4 {
			t.Errorf("%d wrong tries were let through", tried)
		}
		if n := w.count("SELECT tries FROM card"); n != 5 {
			t.Errorf("%d tries are counted", n)
		}
	})
}

func TestShowCard_refusals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		_, _, err := w.ShowCard(t.Context(), w.device, "WIFI:S:foyer;;")
		wantErr(t, "Wi-Fi code", err, vault.ErrCardText)
		_, _, err = w.ShowCard(t.Context(), w.device, cards.New().Text())
		wantErr(t, "unbound card", err, vault.ErrCardUnknown)
		must(t, w.exec("UPDATE card SET state = 'stopped'"))
		_, _, err = w.ShowCard(t.Context(), w.device, s.card.Text())
		wantErr(t, "stopped card", err, vault.ErrCardStopped)
		must(t, w.exec("UPDATE card SET state = 'active', passes = 1"))
		if _, _, err = w.ShowCard(t.Context(), w.device, s.card.Text()); err == nil {
			t.Error("a card row with cheaper costs was taken")
		}
	})
}

func (w *world) exec(query string, args ...any) error {
	return w.db.Write(w.t.Context(), func(tx database.Handle) error {
		_, err := tx.Exec(w.t.Context(), query, args...)
		return err
	})
}

func TestSession_bound_to_device_and_time(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.enrol(andrei)
		elsewhere, _ := w.enrolKiosk(w.relay)
		_, err := w.Holder(t.Context(), elsewhere, s.cookie)
		wantErr(t, "at another kiosk", err, vault.ErrSession)
		for _, cookie := range []string{"", "x", s.cookie[:20], s.cookie + "A"} {
			_, err := w.Holder(t.Context(), w.device, cookie)
			wantErr(t, "cookie "+cookie, err, vault.ErrSession)
		}
		w.now = w.now.Add(4 * time.Minute)
		w.holder(s)
		w.now = w.now.Add(4 * time.Minute)
		w.holder(s)
		w.now = w.now.Add(6 * time.Minute)
		_, err = w.Holder(t.Context(), w.device, s.cookie)
		wantErr(t, "idle", err, vault.ErrSession)
	})
}

func TestDevice_refusals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		_, err := w.Device(ctx, w.device.ID, make([]byte, 32))
		wantErr(t, "wrong token", err, vault.ErrForbidden)
		code, err := w.DeviceCode(ctx, w.relay.ID)
		must(t, err)
		public := seal.NewKey().Identity().Public()
		for range 10 {
			_, err = w.EnrolDevice(ctx, "00000000x", "", public, make([]byte, 32))
			wantErr(t, "wrong code", err, vault.ErrCode)
		}
		_, err = w.EnrolDevice(ctx, code, "", public, make([]byte, 32))
		wantErr(t, "after ten wrong codes", err, vault.ErrCode)
		code, err = w.DeviceCode(ctx, w.relay.ID)
		must(t, err)
		w.now = w.now.Add(16 * time.Minute)
		_, err = w.EnrolDevice(ctx, code, "", public, make([]byte, 32))
		wantErr(t, "old code", err, vault.ErrCode)
	})
}
