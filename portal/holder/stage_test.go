package holder

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/locales"
	"consigne/portal/blob"
	"consigne/portal/demo"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

// monday is the noon at which these tests begin: the 23rd of the drawings.
var monday = time.Date(2026, time.November, 23, 11, 0, 0, 0, time.UTC)

// stage is a portal's holder room with the demo's people in it, served for real.
type stage struct {
	t      *testing.T
	vault  *vault.Vault
	db     *database.DB
	queue  *queue.Queue
	people []demo.Person
	staff  []demo.Staff
	clock  *atomic.Int64 // seconds after monday
	server *httptest.Server
	device vault.Device
	token  []byte
}

// filled is the demo, made once: making people takes slow keys on purpose.
type filled struct {
	folder  string
	key     seal.Key
	smsd    seal.Key
	silence []byte
	made    *demo.Result
	err     error
}

var filledFolder string

var fill = sync.OnceValue(func() (f filled) {
	f.key, f.smsd = seal.NewKey(), seal.NewKey()
	f.silence, _ = locales.Clip(locales.SilenceClip)
	if f.folder, f.err = os.MkdirTemp("", "holder-stage"); f.err != nil {
		return f
	}
	filledFolder = f.folder
	now := func() time.Time { return monday }
	db, v, err := f.open(context.Background(), f.folder, now)
	if err != nil {
		f.err = err
		return f
	}
	f.made, f.err = demo.Fill(context.Background(), v, db, now)
	f.err = errors.Join(f.err, db.Close())
	return f
})

// open opens the store in a folder.
func (f *filled) open(ctx context.Context, folder string, now func() time.Time) (*database.DB, *vault.Vault, error) {
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(folder, "store.db"))
	if err != nil {
		return nil, nil, err
	}
	blobs, err := blob.NewDir(filepath.Join(folder, "blobs"))
	if err != nil {
		return nil, nil, err
	}
	v, err := vault.New(vault.Options{
		DB: db, Blobs: blobs, Key: f.key, Now: now, PublicURL: "http://127.0.0.1",
		SMS:   queue.NewSender(queue.NewKeys(f.smsd).Public(), now),
		Voice: func(context.Context, string, string) ([]byte, error) { return f.silence, nil },
	})
	return db, v, err
}

func TestMain(m *testing.M) {
	status := m.Run()
	if filledFolder != "" {
		os.RemoveAll(filledFolder)
	}
	os.Exit(status)
}

// newStage gives a test a copy of the demo of its own.
func newStage(t *testing.T, change ...func(*Options)) *stage {
	t.Helper()
	f := fill()
	if f.err != nil {
		t.Fatal(f.err)
	}
	if len(f.silence) == 0 {
		t.Fatal("the voices are not built: go run ./locales/build")
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(f.folder)); err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, clock: new(atomic.Int64), people: f.made.People, staff: f.made.Staff}
	var err error
	if s.db, s.vault, err = f.open(t.Context(), folder, s.now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.db.Close() })
	s.queue = queue.New(s.db, queue.NewKeys(f.smsd), s.now, time.Minute)
	o := Options{Now: s.now}
	for _, f := range change {
		f(&o)
	}
	s.server = httptest.NewServer(New(s.vault, o))
	t.Cleanup(s.server.Close)
	s.enrolKiosk()
	return s
}

func (s *stage) now() time.Time {
	return monday.Add(time.Duration(s.clock.Load()) * time.Second)
}

// pass lets time go by.
func (s *stage) pass(d time.Duration) { s.clock.Add(int64(d / time.Second)) }

// enrolKiosk takes a kiosk in at the first relay, by the HTTP call that kiosks use.
func (s *stage) enrolKiosk() {
	s.t.Helper()
	relays, err := s.vault.Relays(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	relay := s.relayNamed(relays, "Les Tilleuls")
	code, err := s.vault.DeviceCode(s.t.Context(), relay.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	s.token = make([]byte, 32)
	s.token[3] = 7
	public := seal.NewKey().Identity().Public()
	s.device, err = s.vault.EnrolDevice(s.t.Context(), code, "Borne", public, s.token)
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) relayNamed(relays []vault.Relay, name string) vault.Relay {
	s.t.Helper()
	for _, r := range relays {
		if r.Name == name {
			return r
		}
	}
	s.t.Fatalf("no relay %q", name)
	return vault.Relay{}
}

// visitor is a browser: the kiosk's, with the device's headers, or a phone's.
type visitor struct {
	*stage
	client *http.Client
	kiosk  bool
}

func (s *stage) visitor(kiosk bool) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &visitor{stage: s, kiosk: kiosk, client: &http.Client{Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// answer is what came back, read to its end.
type answer struct {
	*http.Response
	body string
}

func (v *visitor) do(method, path string, form url.Values, headers ...string) answer {
	v.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.server.URL+path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return v.sign(r)
}

// sign sends a request with the kiosk's headers, and reads the answer.
func (v *visitor) sign(r *http.Request) answer {
	v.t.Helper()
	if v.kiosk {
		r.Header.Set("Consigne-Device", v.device.ID)
		r.Header.Set("Consigne-Token", hex.EncodeToString(v.token))
	}
	res, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{res, string(read)}
}

func (v *visitor) get(path string, headers ...string) answer {
	v.t.Helper()
	return v.do(http.MethodGet, path, nil, headers...)
}

// post posts a form and demands that it leads to a page.
func (v *visitor) post(path string, form url.Values, leadsTo string) {
	v.t.Helper()
	a := v.do(http.MethodPost, path, form)
	if to := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, leadsTo) {
		v.t.Fatalf("POST %s: %d to %q, want 303 to %q", path, a.StatusCode, to, leadsTo)
	}
}

// page gets a page and demands that it is there.
func (v *visitor) page(path string) string {
	v.t.Helper()
	a := v.get(path)
	if a.StatusCode != http.StatusOK {
		v.t.Fatalf("GET %s: %d", path, a.StatusCode)
	}
	return a.body
}

// opens shows a person's card and touches the five pictures.
func (s *stage) opens(p demo.Person) *visitor {
	s.t.Helper()
	v := s.visitor(true)
	v.post("/k/card", url.Values{"card": {p.Card}}, "/k/code")
	v.page("/k/code")
	v.post("/k/unlock", picks(p.Pictures), "/k/home")
	return v
}

func picks(pictures [5]string) url.Values {
	form := url.Values{}
	for i, name := range pictures {
		form.Set("p"+string(rune('1'+i)), name)
	}
	return form
}

// member signs in somebody of a relay's staff.
func (s *stage) member(t *testing.T, relay string) *vault.Member {
	t.Helper()
	return s.desk(t, relay)()
}

// desk signs in, and gives the member as each request of a desk finds them.
func (s *stage) desk(t *testing.T, relay string) func() *vault.Member {
	t.Helper()
	i := slices.IndexFunc(s.staff, func(m demo.Staff) bool { return m.Relay == relay })
	if i < 0 {
		t.Fatalf("nobody works at %q", relay)
	}
	m := s.staff[i]
	s.pass(totpStep) // a code opens once
	code, err := totp.GenerateCode(m.TOTPSecret, s.now())
	if err != nil {
		t.Fatal(err)
	}
	cookie, err := s.vault.SignIn(t.Context(), m.Email, m.Password, code, nil)
	if err != nil {
		t.Fatal(err)
	}
	return func() *vault.Member {
		t.Helper()
		found, err := s.vault.Member(t.Context(), cookie)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
}

const totpStep = 30 * time.Second
