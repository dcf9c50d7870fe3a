package backup

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/portal/vault"
)

// What comes back from a backup is what was there, from either database into
// either, but for what a restore ends on purpose.
func TestRestore_EitherWay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, from *database.DB) {
		source := load(t, from)
		dir := filepath.Join(t.TempDir(), "backup")
		if err := Make(t.Context(), source, dir, noon, quiet); err != nil {
			t.Fatal(err)
		}
		want := allRows(t, from)
		dbtest.Each(t, func(t *testing.T, to *database.DB) {
			target := emptyStore(t, to)
			if err := Restore(t.Context(), target, dir, needSample(t).keys(), noon, quiet); err != nil {
				t.Fatal(err)
			}
			got := allRows(t, to)
			ended := []string{"session", "invitation", "device_code", "call"}
			if lived, live := count(t, from, ofComing), count(t, to, "SELECT COUNT(*) FROM link"); lived == 0 || live != lived || live != count(t, to, ofComing) {
				t.Errorf("%d links live on, want the %d whose reminders have yet to leave", live, lived)
			}
			for table, rows := range want {
				if slices.Contains(ended, table) {
					rows = nil
				}
				// The link's message was due at once; its state is another test's.
				if table == "message" || table == "attempt" || table == "link" {
					continue
				}
				if diff := cmp.Diff(rows, got[table]); diff != "" {
					t.Errorf("table %s (-want +got):\n%s", table, diff)
				}
			}
			checkSound(t, target)
			checkPlays(t, target)
		})
	})
}

// ofComing counts the links in messages that have yet to leave at noon.
var ofComing = fmt.Sprintf("SELECT COUNT(*) FROM link l JOIN message m ON m.id = l.message_id WHERE m.state = 'planned' AND m.due > %d AND l.opened = 0", noon.UnixMilli())

func count(t *testing.T, db *database.DB, query string) (n int) {
	t.Helper()
	if err := db.Read().QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// allRows gives every table's rows as text, sorted.
func allRows(t *testing.T, db *database.DB) map[string][]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), dumpFile)
	f, err := newFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.abort()
	err = db.Snapshot(t.Context(), func(h database.Handle) error { return writeDump(t.Context(), h, f, noon, quiet) })
	if err == nil {
		err = f.commit()
	}
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	err = readDump(path, dumpVisitor{row: func(d dumpTable, values []any) error {
		var fields []string
		for i, c := range d.Columns {
			fields = append(fields, fmt.Sprintf("%s=%T:%v", c, values[i], values[i]))
		}
		slices.Sort(fields)
		out[d.Table] = append(out[d.Table], strings.Join(fields, " "))
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, rows := range out {
		slices.Sort(rows)
	}
	return out
}

func checkSound(t *testing.T, s Store) {
	t.Helper()
	err := Verify(t.Context(), s, func(d string) { t.Errorf("damage: %s", d) }, func(string) {}, quiet)
	if err != nil {
		t.Fatal(err)
	}
}

// checkPlays opens a vault in a restored store, reads a paper and finds the old
// session ended.
func checkPlays(t *testing.T, s Store) {
	t.Helper()
	ctx, was := t.Context(), needSample(t)
	v, err := vaultOf(s.DB, s.Blobs, was, atNoon, s.Revoked)
	if err != nil {
		t.Fatal(err)
	}
	device, err := v.Device(ctx, was.device.ID, was.token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Holder(ctx, device, was.holder); !errors.Is(err, vault.ErrSession) {
		t.Errorf("a session outlived the restore: %v", err)
	}
	person := was.result.People[0]
	cookie, _, err := v.ShowCard(ctx, device, person.Card)
	if err != nil {
		t.Fatal(err)
	}
	if cookie, err = v.Unlock(ctx, device, cookie, person.Pictures); err != nil {
		t.Fatal(err)
	}
	h, err := v.Holder(ctx, device, cookie)
	if err != nil {
		t.Fatal(err)
	}
	page, err := h.OpenPage(ctx, person.Documents[0].ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer page.Close()
	if n, err := io.Copy(io.Discard, page); err != nil || n == 0 {
		t.Errorf("page of %d bytes, %v", n, err)
	}
}

// Messages that were due when the store was lost may have left since: the
// carrier is asked. What is due later stays planned.
func TestRestore_MessagesDue(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := emptyStore(t, db)
		later := noon.AddDate(0, 0, 4)
		if err := Restore(t.Context(), s, needSample(t).folder, needSample(t).keys(), later, quiet); err != nil {
			t.Fatal(err)
		}
		var planned, unknown, wrong int
		for query, n := range map[string]*int{
			"SELECT COUNT(*) FROM message WHERE state = 'planned' AND due > ?": &planned,
			`SELECT COUNT(*) FROM message m JOIN attempt a ON a.message_id = m.id AND a.n = m.attempts AND a.state = 'unknown'
				WHERE m.state = 'unknown' AND m.due <= ? AND m.next <= m.unknown_at AND m.text IS NOT NULL AND m.mark IS NOT NULL`: &unknown,
			"SELECT COUNT(*) FROM message WHERE state = 'planned' AND due <= ?": &wrong,
		} {
			if err := db.Read().QueryRow(t.Context(), query, later.UnixMilli()).Scan(n); err != nil {
				t.Fatal(err)
			}
		}
		if planned == 0 || unknown < 2 || wrong != 0 {
			t.Errorf("%d planned for later, %d unknown, %d planned though due", planned, unknown, wrong)
		}
	})
}

// STOP, START and STOP again, some of it before the backup: the last word holds.
func TestRevoked_LastWordHolds(t *testing.T) {
	out, in, card := death{KindOptOut, "0a"}, death{KindOptIn, "0a"}, death{KindCard, "A"}
	other := death{KindOptOut, "0b"}
	for name, c := range map[string]struct{ before, since, want []death }{
		"nothing":          {nil, nil, nil},
		"stopped since":    {[]death{card}, []death{card, out}, []death{card, out}},
		"started since":    {[]death{out, card}, []death{out, card, in}, []death{out, card, in}},
		"stopped again":    {[]death{out, in}, []death{out, in, out}, []death{in, out}},
		"started again":    {[]death{out}, []death{out, in, out, in}, []death{out, in}},
		"own log lost":     {[]death{out, in, out}, nil, []death{in, out}},
		"two numbers":      {[]death{other, out}, []death{other, out, in}, []death{other, out, in}},
		"no backup of log": {nil, []death{out, card, in}, []death{out, card, in}},
	} {
		if got := lastOfEach(append(slices.Clone(c.before), c.since...)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// What either log names stays dead, and the store's own log knows it from then.
func TestRestore_RevokedStaysDead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := emptyStore(t, db)
		dir := copySample(t)
		ids := map[string]string{}
		err := readDump(filepath.Join(dir, dumpFile), dumpVisitor{row: func(d dumpTable, values []any) error {
			if i := slices.Index(d.Columns, "id"); i >= 0 {
				ids[d.Table], _ = values[i].(string)
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		inBackup := OpenRevoked(filepath.Join(dir, RevokedFile))
		for log, deaths := range map[*Revoked][]death{
			inBackup:  {{KindCard, ids["card"]}, {KindAccess, ids["access"]}},
			s.Revoked: {{KindMember, ids["member"]}, {KindOptOut, "0aff"}, {KindOptIn, "010203"}, {KindAccess, "NOTINTHEBACKUP"}},
		} {
			for _, d := range deaths {
				if err := log.Add(d.kind, d.id); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := Restore(t.Context(), s, dir, needSample(t).keys(), noon, quiet); err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]int{
			"SELECT COUNT(*) FROM card WHERE state = 'stopped' AND id = '" + ids["card"] + "'": 1,
			"SELECT COUNT(*) FROM card WHERE state = 'stopped'":                                1,
			"SELECT COUNT(*) FROM access WHERE id = '" + ids["access"] + "'":                   0,
			"SELECT COUNT(*) FROM access_mark WHERE access_id = '" + ids["access"] + "'":       0,
			"SELECT COUNT(*) FROM member WHERE id = '" + ids["member"] + "'":                   0,
			"SELECT COUNT(*) FROM member":                                                      2,
			"SELECT COUNT(*) FROM opt_out":                                                     1,
		} {
			var n int
			if err := db.Read().QueryRow(t.Context(), query).Scan(&n); err != nil || n != want {
				t.Errorf("%s: %d, %v; want %d", query, n, err, want)
			}
		}
		own, err := s.Revoked.read()
		if err != nil || len(own) != 6 {
			t.Errorf("the store's log has %d lines, %v; want 6", len(own), err)
		}
	})
}

func TestRestore_Refusals(t *testing.T) {
	keys := needSample(t).keys()
	tests := []struct {
		name string
		keys map[string]string
		spy  func(t *testing.T, dir string, s Store)
		want error
	}{
		{"no keys", nil, nil, ErrKeys},
		{"another key", map[string]string{"portal": "0123456789abcdef"}, nil, ErrKeys},
		{"newer schema", keys, edit(`"schema":`, `"schema":9`), ErrVersion},
		{"another format", keys, edit(dumpFormat, "consigne-backup-2"), ErrVersion},
		{"blob missing", keys, func(t *testing.T, dir string, _ Store) { remove(t, someBlob(t, dir)) }, nil},
		{"blob cut", keys, func(t *testing.T, dir string, _ Store) { cut(t, someBlob(t, dir), 1) }, ErrDamaged},
		{"blob changed", keys, func(t *testing.T, dir string, _ Store) { flip(t, someBlob(t, dir), 300) }, ErrDamaged},
		{"log changed", keys, func(t *testing.T, dir string, _ Store) {
			write(t, filepath.Join(dir, RevokedFile), "crad ABC\n")
		}, ErrDamaged},
		{"no backup there", keys, func(t *testing.T, dir string, _ Store) { remove(t, filepath.Join(dir, dumpFile)) }, os.ErrNotExist},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, dir := emptyStore(t, freshSQLite(t)), copySample(t)
			if tt.spy != nil {
				tt.spy(t, dir, s)
			}
			err := Restore(t.Context(), s, dir, tt.keys, noon, quiet)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) && !strings.Contains(err.Error(), "no backup") {
				t.Errorf("%v, want %v", err, tt.want)
			}
			checkUntouched(t, s)
		})
	}
}

// edit changes the dump and mends its sum, as a program of another version
// would have written it.
func edit(old, new string) func(*testing.T, string, Store) {
	return func(t *testing.T, dir string, _ Store) {
		t.Helper()
		path := filepath.Join(dir, dumpFile)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(b), old, new, 1)
		if text == string(b) {
			t.Fatalf("%q is not in the dump", old)
		}
		write(t, path, mendSum(text))
	}
}

func TestRestore_NotEmpty(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := needSample(t)
		store := emptyStore(t, db)
		if err := Restore(t.Context(), store, s.folder, s.keys(), noon, quiet); err != nil {
			t.Fatal(err)
		}
		before := allRows(t, db)
		if err := Restore(t.Context(), store, s.folder, s.keys(), noon, quiet); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("%v, want ErrNotEmpty", err)
		}
		if diff := cmp.Diff(before, allRows(t, db)); diff != "" {
			t.Errorf("a refused restore changed the store:\n%s", diff)
		}
	})
}

func TestRestore_ForeignBlob(t *testing.T) {
	s := needSample(t)
	store := emptyStore(t, freshSQLite(t))
	w, err := store.Blobs.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := Restore(t.Context(), store, s.folder, s.keys(), noon, quiet); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("%v, want ErrNotEmpty", err)
	}
}

// A restore that died between blobs and rows can be repeated.
func TestRestore_AfterOneThatDied(t *testing.T) {
	s := needSample(t)
	store := emptyStore(t, freshSQLite(t))
	o, err := openBackup(s.folder)
	if err != nil {
		t.Fatal(err)
	}
	o.blobs = o.blobs[:len(o.blobs)/2]
	if _, err := o.restoreBlobs(t.Context(), store, quiet); err != nil {
		t.Fatal(err)
	}
	if err := Restore(t.Context(), store, s.folder, s.keys(), noon, quiet); err != nil {
		t.Fatal(err)
	}
	checkSound(t, store)
}

// A program's first start may have made its key and noted it already.
func TestRestore_FirstStartBefore(t *testing.T) {
	s := needSample(t)
	for name, tt := range map[string]struct {
		fp   string
		want error
	}{"same key": {s.key.Fingerprint(), nil}, "another key": {"0123456789abcdef", ErrKeys}} {
		t.Run(name, func(t *testing.T) {
			db := freshSQLite(t)
			err := db.Write(t.Context(), func(tx database.Handle) error {
				return database.SetFingerprint(t.Context(), tx, "portal", tt.fp)
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := Restore(t.Context(), emptyStore(t, db), s.folder, s.keys(), noon, quiet); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// Every cut and every changed byte of the dump is found before anything is
// written.
func TestRestore_DamagedDump(t *testing.T) {
	s := needSample(t)
	whole, err := os.ReadFile(filepath.Join(s.folder, dumpFile))
	if err != nil {
		t.Fatal(err)
	}
	dir := copySample(t)
	path := filepath.Join(dir, dumpFile)
	store := emptyStore(t, freshSQLite(t))
	chance := rand.New(rand.NewPCG(3, 4))
	refused := func(what string, b []byte) {
		t.Helper()
		write(t, path, string(b))
		if err := Restore(t.Context(), store, dir, s.keys(), noon, quiet); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
			t.Errorf("%s: %v, want a refusal", what, err)
		}
	}
	for range 60 {
		at := chance.IntN(len(whole))
		refused(fmt.Sprintf("cut at %d", at), whole[:at])
		b := slices.Clone(whole)
		b[at] ^= byte(1 + chance.IntN(255))
		refused(fmt.Sprintf("byte %d changed", at), b)
	}
	refused("last line end missing", whole[:len(whole)-1])
	refused("empty", nil)
	refused("twice", append(slices.Clone(whole), whole...))
	refused("a line more", append(slices.Clone(whole), "[]\n"...))
	lines := strings.SplitAfter(string(whole), "\n")
	refused("a line less", []byte(strings.Join(slices.Delete(slices.Clone(lines), 5, 6), "")))
	checkUntouched(t, store)
}

// While the backup is made others write: it shows one moment, in which every
// foreign key holds.
func TestMake_WhileOthersWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := load(t, db)
		stop := make(chan struct{})
		var busy sync.WaitGroup
		busy.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				err := db.Write(t.Context(), func(tx database.Handle) error {
					id := fmt.Sprintf("RELAY%d", n)
					_, err := tx.Exec(t.Context(), `INSERT INTO relay (id, name, kind, badge, colour, phone, address, zone)
						VALUES (?, 'x', 'x', 'x', 'x', 'x', 'x', 'x')`, id)
					if err == nil {
						_, err = tx.Exec(t.Context(), "INSERT INTO relay_voice (relay_id, lang, clip) VALUES (?, 'fr', ?)", id, []byte("x"))
					}
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
		dir := filepath.Join(t.TempDir(), "backup")
		for range 3 {
			if err := Make(t.Context(), s, dir, noon, quiet); err != nil {
				t.Fatal(err)
			}
		}
		close(stop)
		busy.Wait()
		target := emptyStore(t, freshSQLite(t))
		if err := Restore(t.Context(), target, dir, needSample(t).keys(), noon.Add(time.Hour), quiet); err != nil {
			t.Fatal(err)
		}
		var relays, voices int
		for query, n := range map[string]*int{
			"SELECT COUNT(*) FROM relay WHERE id LIKE 'RELAY%'":             &relays,
			"SELECT COUNT(*) FROM relay_voice WHERE relay_id LIKE 'RELAY%'": &voices,
		} {
			if err := target.DB.Read().QueryRow(t.Context(), query).Scan(n); err != nil {
				t.Fatal(err)
			}
		}
		if relays == 0 || relays != voices {
			t.Errorf("%d relays with %d voices: not one moment, or nobody wrote", relays, voices)
		}
	})
}
