package backup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/seal"
	"consigne/portal/blob"
	"consigne/portal/demo"
	"consigne/portal/vault"
	"consigne/smsd/queue"
)

// The sample is a store that has lived: the demo's people and papers, and
// whatever else a table can hold. It is made once, on SQLite, and kept as a
// backup from which each test loads a store of its own.
type sampleStore struct {
	folder string // of the backup
	key    seal.Key
	result *demo.Result
	holder string // a holder's session that was open
	device vault.Device
	token  []byte
	sms    seal.PublicKey
}

// The sample is made at noon; its reminders lie days ahead.
var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

func quiet(string, int, int) {}

var sample = sync.OnceValues(makeSample)

var sampleFolder string

func TestMain(m *testing.M) {
	if done := fullDiskChild(); done {
		return
	}
	var err error
	if sampleFolder, err = os.MkdirTemp("", "consigne-backup-"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(sampleFolder); err != nil {
		panic(err)
	}
	os.Exit(code)
}

func vaultOf(db *database.DB, blobs blob.Store, s *sampleStore, now func() time.Time, revoked *Revoked) (*vault.Vault, error) {
	return vault.New(vault.Options{
		DB: db, Blobs: blobs, Key: s.key, Now: now, PublicURL: "http://127.0.0.1", Revoked: revoked.Add,
		SMS:   queue.NewSender(s.sms, now),
		Voice: func(_ context.Context, lang, text string) ([]byte, error) { return []byte(lang + text), nil },
	})
}

func makeSample() (*sampleStore, error) {
	ctx := context.Background()
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(sampleFolder, "sample.db"))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	blobs, err := blob.NewDir(filepath.Join(sampleFolder, "blobs"))
	if err != nil {
		return nil, err
	}
	s := &sampleStore{folder: filepath.Join(sampleFolder, "backup"), key: seal.NewKey(), token: make([]byte, 32),
		sms: seal.NewKey().Identity().Public()}
	log := OpenRevoked(filepath.Join(sampleFolder, RevokedFile))
	v, err := vaultOf(db, blobs, s, atNoon, log)
	if err != nil {
		return nil, err
	}
	if s.result, err = demo.Fill(ctx, v, db, atNoon); err != nil {
		return nil, err
	}
	if err := s.live(ctx, v, db); err != nil {
		return nil, err
	}
	return s, Make(ctx, Store{db, blobs, log}, s.folder, noon, quiet)
}

// live does what fills the tables that the demo leaves empty.
func (s *sampleStore) live(ctx context.Context, v *vault.Vault, db *database.DB) error {
	relays, err := v.Relays(ctx)
	if err != nil {
		return err
	}
	code, err := v.DeviceCode(ctx, relays[1].ID)
	if err != nil {
		return err
	}
	if s.device, err = v.EnrolDevice(ctx, code, "kiosk", seal.NewKey().Identity().Public(), s.token); err != nil {
		return err
	}
	person := s.result.People[0]
	card, _, err := v.ShowCard(ctx, s.device, person.Card)
	if err != nil {
		return err
	}
	if s.holder, err = v.Unlock(ctx, s.device, card, person.Pictures); err != nil {
		return err
	}
	h, err := v.Holder(ctx, s.device, s.holder)
	if err != nil {
		return err
	}
	if err := h.SendLink(ctx, person.Documents[0].ID, "link"); err != nil {
		return err
	}
	if err := s.work(ctx, v); err != nil {
		return err
	}
	if _, err := v.DeviceCode(ctx, relays[0].ID); err != nil {
		return err
	}
	if _, err := v.Call(ctx, s.device, "fr"); err != nil {
		return err
	}
	if _, err := v.Invite(ctx, relays[0].ID, "new@tilleuls.example", "New"); err != nil {
		return err
	}
	if err := v.Sweep(ctx); err != nil {
		return err
	}
	return db.Write(ctx, func(tx database.Handle) error {
		if err := database.SetFingerprint(ctx, tx, "portal", s.key.Fingerprint()); err != nil {
			return err
		}
		// What smsd notes: the mark of each number, and who wants no messages.
		if _, err := tx.Exec(ctx, "UPDATE number SET mark = ?", []byte{4, 5, 6}); err != nil {
			return err
		}
		return s.notes(ctx, tx)
	})
}

// notes are what smsd writes down of numbers, answers and its carrier.
func (s *sampleStore) notes(ctx context.Context, tx database.Handle) error {
	var message string
	if err := tx.QueryRow(ctx, "SELECT MIN(id) FROM message").Scan(&message); err != nil {
		return err
	}
	for _, note := range []struct {
		text string
		args []any
	}{
		{"INSERT INTO opt_out (mark, at) VALUES (?, ?)", []any{[]byte{1, 2, 3}, noon.UnixMilli()}},
		{"INSERT INTO number_health (mark, since, why) VALUES (?, ?, 'dead')", []any{[]byte{1, 2, 3}, noon.UnixMilli()}},
		{"INSERT INTO inbound (carrier_id, at) VALUES ('SM1', ?)", []any{noon.UnixMilli()}},
		{"INSERT INTO sending (name, value) VALUES ('capability', 'two-way')", nil},
		{"INSERT INTO relay_quiet (relay_id, quiet_from, quiet_until) VALUES (?, 0, 60)", []any{s.device.RelayID}},
		{"UPDATE link SET answer = hint WHERE purpose = 'appointment'", nil}, // sealed, if not to its place
		{"INSERT INTO carrier_copy (carrier_id, carrier, message_id, next, tries) VALUES ('SM2', 'twilio', ?, ?, 0)", []any{message, noon.UnixMilli()}},
	} {
		if _, err := tx.Exec(ctx, note.text, note.args...); err != nil {
			return err
		}
	}
	return queue.Tell(ctx, tx, s.device.RelayID, seal.NewKey().Identity().Public(), queue.Answer{Meaning: queue.Yes}, noon)
}

// work lets a desk leave a profile for the kiosk and adopt what was shared.
func (s *sampleStore) work(ctx context.Context, v *vault.Vault) error {
	for _, staff := range s.result.Staff {
		code, err := totp.GenerateCode(staff.TOTPSecret, noon)
		if err != nil {
			return err
		}
		cookie, err := v.SignIn(ctx, staff.Email, staff.Password, code, nil)
		if err != nil {
			return err
		}
		m, err := v.Member(ctx, cookie)
		if err != nil {
			return err
		}
		if m.Relay().ID != s.device.RelayID {
			continue
		}
		return m.Enrol(ctx, vault.Profile{Name: "Waiting", Birth: vault.Date{Year: 1980, Month: 1, Day: 1}, Language: "fr"}, s.device.ID, "enrol")
	}
	return errors.New("nobody works at the kiosk's relay")
}

// load brings the sample, with everything that was open in it, into db.
func load(t *testing.T, db *database.DB) Store {
	t.Helper()
	s := needSample(t)
	data := t.TempDir()
	blobs, err := blob.NewDir(filepath.Join(data, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	o, err := openBackup(s.folder)
	if err != nil {
		t.Fatal(err)
	}
	store := Store{DB: db, Blobs: blobs, Revoked: OpenRevoked(filepath.Join(data, RevokedFile))}
	if _, err := o.restoreBlobs(t.Context(), store, quiet); err != nil {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(tx database.Handle) error { return o.restoreRows(t.Context(), tx, quiet) })
	if err != nil {
		t.Fatal(err)
	}
	unlink(t, store)
	return store
}

// unlink copies each blob over itself, so that a test may damage its own
// without touching the sample's: they are one file under two names.
func unlink(t *testing.T, s Store) {
	t.Helper()
	for _, path := range blobFiles(t, s) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func blobFiles(t *testing.T, s Store) []string {
	t.Helper()
	dir := s.Blobs.(*blob.Dir)
	var out []string
	for id, err := range dir.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		path, err := dir.Path(id)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, path)
	}
	if len(out) < 10 {
		t.Fatalf("only %d blobs", len(out))
	}
	return out
}

func needSample(t *testing.T) *sampleStore {
	t.Helper()
	s, err := sample()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// emptyStore is what a restore wants.
func emptyStore(t *testing.T, db *database.DB) Store {
	t.Helper()
	data := t.TempDir()
	blobs, err := blob.NewDir(filepath.Join(data, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return Store{DB: db, Blobs: blobs, Revoked: OpenRevoked(filepath.Join(data, RevokedFile))}
}

func freshSQLite(t *testing.T) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), dbtest.URL(t, database.SQLite))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// keys are the sample's own.
func (s *sampleStore) keys() map[string]string {
	return map[string]string{"portal": s.key.Fingerprint()}
}

// copySample copies the backup's folder for a test that damages it.
func copySample(t *testing.T) string {
	t.Helper()
	s := needSample(t)
	dir := filepath.Join(t.TempDir(), "backup")
	if err := os.CopyFS(dir, os.DirFS(s.folder)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// checkUntouched demands that nothing was restored.
func checkUntouched(t *testing.T, s Store) {
	t.Helper()
	if rows := countRows(t, s.DB); len(rows) != 0 {
		t.Errorf("rows were restored: %v", rows)
	}
	for id, err := range s.Blobs.List(t.Context()) {
		t.Fatalf("blob %s was restored (%v)", id, err)
	}
}

// countRows counts the rows of each table that has any.
func countRows(t *testing.T, db *database.DB) map[string]int {
	t.Helper()
	tables, err := database.Tables(t.Context(), db.Read())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, table := range tables {
		var n int
		if err := db.Read().QueryRow(t.Context(), "SELECT COUNT(*) FROM "+quoted(table.Name)).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			out[table.Name] = n
		}
	}
	return out
}

// TestSample keeps the sample honest: a table without a row tests nothing.
func TestSample(t *testing.T) {
	db := freshSQLite(t)
	s := load(t, db)
	rows := countRows(t, db)
	tables, err := database.Tables(t.Context(), db.Read())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		// An attempt is made by smsd alone, and no upgrade is under way.
		if rows[table.Name] == 0 && table.Name != "attempt" && table.Name != "unsummed" {
			t.Errorf("table %s is empty", table.Name)
		}
	}
	if _, err := os.Stat(s.Revoked.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("loading wrote a log: %v", err)
	}
}
