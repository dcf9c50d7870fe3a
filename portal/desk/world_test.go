package desk_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"consigne/cards"
	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/seal"
	"consigne/portal/blob"
	"consigne/portal/desk"
	"consigne/portal/vault"
	"consigne/smsd/queue"

	"github.com/go-chi/chi/v5"
	"github.com/pquerna/otp/totp"
	"golang.org/x/net/html"
)

const password = "les tilleuls en fleur"

// A world is the desk of one relay over a real vault, with a browser in front of
// it in which nobody has signed in yet.
type world struct {
	t      *testing.T
	vault  *vault.Vault
	db     *database.DB
	now    time.Time
	relay  vault.Relay
	device vault.Device
	cookie string // of Claire, who works here
	secret string // of her authenticator
	server *httptest.Server
	client *http.Client
	serial int
	from   string // where requests seem to come from; empty: from this machine
}

func newWorld(t *testing.T) *world {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	must(t, err)
	w := &world{t: t, now: time.Date(2026, 11, 23, 10, 12, 0, 0, zone)}
	clock := func() time.Time { return w.now }
	w.db, err = database.Open(t.Context(), dbtest.URL(t, database.SQLite))
	must(t, err)
	t.Cleanup(func() { must(t, w.db.Close()) })
	blobs, err := blob.NewDir(t.TempDir())
	must(t, err)
	w.vault, err = vault.New(vault.Options{
		DB: w.db, Blobs: blobs, Key: seal.NewKey(), Now: clock, PublicURL: "https://c.example",
		SMS:   queue.NewSender(seal.NewKey().Identity().Public(), clock),
		Voice: func(_ context.Context, lang, text string) ([]byte, error) { return []byte(lang + text), nil },
	})
	must(t, err)
	w.relay = w.addRelay("Les Tilleuls")
	w.cookie, w.secret = w.hire(w.relay, "claire@example.org", "Claire Morel")
	w.device = w.enrolKiosk(w.relay, "Borne du hall")
	router := chi.NewRouter()
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if w.from != "" {
				r.RemoteAddr = w.from
			}
			next.ServeHTTP(rw, r)
		})
	})
	router.Mount("/desk", desk.New(w.vault, desk.Options{Now: clock}))
	w.server = httptest.NewServer(router)
	t.Cleanup(w.server.Close)
	w.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return w
}

func (w *world) once() string {
	w.serial++
	return fmt.Sprint("once ", w.serial)
}

func (w *world) addRelay(name string) vault.Relay {
	w.t.Helper()
	r, err := w.vault.AddRelay(w.t.Context(), vault.Relay{Name: name, Kind: "accueil de jour", Badge: "deciduous-tree", Colour: "green", Phone: "04 65 71 20 42"})
	must(w.t, err)
	return r
}

func (w *world) invite(r vault.Relay, email, name string) (letters string) {
	w.t.Helper()
	letters, err := w.vault.Invite(w.t.Context(), r.ID, email, name)
	must(w.t, err)
	return letters
}

// hire takes a member of staff through invitation, password and authenticator.
func (w *world) hire(r vault.Relay, email, name string) (cookie, secret string) {
	w.t.Helper()
	setup, address, err := w.vault.Accept(w.t.Context(), w.invite(r, email, name), password)
	must(w.t, err)
	u, err := url.Parse(address)
	must(w.t, err)
	secret = u.Query().Get("secret")
	cookie, err = w.vault.Confirm(w.t.Context(), setup, w.code(secret))
	must(w.t, err)
	return cookie, secret
}

func (w *world) code(secret string) string {
	w.t.Helper()
	code, err := totp.GenerateCode(secret, w.now)
	must(w.t, err)
	return code
}

func (w *world) enrolKiosk(r vault.Relay, name string) vault.Device {
	w.t.Helper()
	code, err := w.vault.DeviceCode(w.t.Context(), r.ID)
	must(w.t, err)
	key := seal.NewKey()
	d, err := w.vault.EnrolDevice(w.t.Context(), code, name, key.Identity().Public(), key.Derive("token").Bytes())
	must(w.t, err)
	return d
}

func (w *world) member(cookie string) *vault.Member {
	w.t.Helper()
	m, err := w.vault.Member(w.t.Context(), cookie)
	must(w.t, err)
	return m
}

// someone is a person who enrolled, with what they carry and know.
type someone struct {
	id       string
	card     cards.Card
	pictures [5]string
	cookie   string // at the kiosk
}

var andrei = vault.Profile{Name: "Andrei Munteanu", Birth: vault.Date{Year: 1951, Month: 3, Day: 14}, Language: "fr", Phone: "+33639981042"}

// enrol walks a person through consent, card, learning and practice.
func (w *world) enrol(p vault.Profile) someone {
	w.t.Helper()
	return w.enrolAt(w.cookie, w.device, p)
}

func (w *world) enrolAt(cookie string, dev vault.Device, p vault.Profile) someone {
	w.t.Helper()
	ctx := w.t.Context()
	must(w.t, w.member(cookie).Enrol(ctx, p, dev.ID, w.once()))
	waiting, err := w.vault.Waiting(ctx, dev)
	must(w.t, err)
	session, err := w.vault.BeginEnrolment(ctx, dev, waiting[0].ID, p)
	must(w.t, err)
	at := func() *vault.Enrolment {
		e, err := w.vault.Enrolment(ctx, dev, session)
		must(w.t, err)
		return e
	}
	s := someone{card: cards.New()}
	must(w.t, at().Consent(ctx))
	must(w.t, at().ShowCard(ctx, s.card.Text()))
	s.pictures = at().Pictures()
	must(w.t, at().Learnt(ctx))
	for s.cookie == "" {
		s.cookie, err = at().Practise(ctx, s.pictures)
		must(w.t, err)
	}
	h, err := w.vault.Holder(ctx, dev, s.cookie)
	must(w.t, err)
	s.id = h.PersonID()
	return s
}

func (w *world) holder(s someone) *vault.Holder {
	w.t.Helper()
	h, err := w.vault.Holder(w.t.Context(), w.device, s.cookie)
	must(w.t, err)
	return h
}

// deposit seals a small picture for somebody and returns the paper's id.
func (w *world) deposit(s someone, kind, title string) string {
	w.t.Helper()
	must(w.t, w.member(w.cookie).Deposit(w.t.Context(), s.id, vault.Deposit{Kind: kind, Title: title, Once: w.once()}, bytes.NewReader(scan(w.t))))
	for _, p := range w.holder(s).Papers() {
		if p.Kind == kind && p.Title == title {
			return p.ID
		}
	}
	w.t.Fatal("the deposited paper is not there")
	return ""
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

// answer is what a browser got.
type answer struct {
	status  int
	header  http.Header
	body    string
	cookies map[string]*http.Cookie
}

// do sends a request by a signed-in member; cookie "" is nobody.
func (w *world) do(r *http.Request, cookie string) answer {
	w.t.Helper()
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "consigne_member", Value: cookie})
	}
	resp, err := w.client.Do(r)
	must(w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(w.t, err)
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(body), cookies: map[string]*http.Cookie{}}
	for _, c := range resp.Cookies() {
		a.cookies[c.Name] = c
	}
	return a
}

func (w *world) request(method, path string, body io.Reader) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, body)
	must(w.t, err)
	return r
}

// get is a page as Claire sees it.
func (w *world) get(path string) answer {
	w.t.Helper()
	return w.do(w.request("GET", path, nil), w.cookie)
}

// post is a form that Claire sends. Its fields alternate name and value.
func (w *world) post(path string, fields ...string) answer {
	w.t.Helper()
	return w.postAs(w.cookie, path, fields...)
}

func (w *world) postAs(cookie, path string, fields ...string) answer {
	w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := w.request("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return w.do(r, cookie)
}

// says checks an answer's status and that a text stands in it. Spaces that do not
// break count as spaces.
func (a answer) says(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, want %d; body: %.300s", a.status, status, visible(t, a.body))
	}
	seen := visible(t, a.body)
	for _, text := range texts {
		if !strings.Contains(seen, text) {
			t.Errorf("page does not say %q; it says: %.1500s", text, seen)
		}
	}
}

// leads checks that an answer sends the browser on.
func (a answer) leads(t testing.TB, to string) {
	t.Helper()
	if a.status != http.StatusSeeOther || a.header.Get("Location") != to {
		t.Errorf("%d to %q, want 303 to %q; body: %.600s", a.status, a.header.Get("Location"), to, visible(t, a.body))
	}
}

// visible is the text of a page with single spaces.
func visible(t testing.TB, page string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	must(t, err)
	var out strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			out.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(out.String(), "\u00a0", " ")), " ")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestMain keeps the log of requests out of the way; the test that reads the log
// puts its own in place.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}
