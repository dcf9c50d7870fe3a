package backup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

func TestRevoked_Add(t *testing.T) {
	r := OpenRevoked(filepath.Join(t.TempDir(), "data", RevokedFile))
	if got, err := r.read(); err != nil || got != nil {
		t.Errorf("no file yet: %v, %v", got, err)
	}
	want := []death{{KindCard, "A"}, {KindAccess, "B"}, {KindMember, "C"}, {KindItem, "D"}, {KindMessage, "E"}, {KindOptOut, "0f"}}
	for _, d := range want {
		if err := r.Add(d.kind, d.id); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := r.read(); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	info, err := os.Stat(r.path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestRevoked_Refusals(t *testing.T) {
	r := OpenRevoked(filepath.Join(t.TempDir(), RevokedFile))
	for _, d := range []death{{"", "A"}, {"person", "A"}, {KindCard, ""}, {KindCard, "A B"}, {KindCard, "A\ncard B"}} {
		if err := r.Add(d.kind, d.id); err == nil {
			t.Errorf("%q %q was taken", d.kind, d.id)
		}
	}
	if _, err := os.Stat(r.path); err == nil {
		t.Error("a refused line made the file")
	}
	write(t, r.path, "card A\nghost B\ncard C\n")
	if _, err := r.read(); !errors.Is(err, ErrDamaged) {
		t.Errorf("an unknown kind: %v, want ErrDamaged", err)
	}
}

// A crash may cut the last line: it is passed over, and the next one does not
// run into it.
func TestRevoked_TornLine(t *testing.T) {
	r := OpenRevoked(filepath.Join(t.TempDir(), RevokedFile))
	write(t, r.path, "card A\naccess HALFANI")
	if got, err := r.read(); err != nil || !slices.Equal(got, []death{{KindCard, "A"}}) {
		t.Errorf("%v, %v", got, err)
	}
	if err := r.Add(KindMember, "M"); err != nil {
		t.Fatal(err)
	}
	if got, err := r.read(); err != nil || !slices.Equal(got, []death{{KindCard, "A"}, {KindMember, "M"}}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRevoked_ManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), RevokedFile)
	var all sync.WaitGroup
	for p := range 4 {
		// As several processes would: each with the file opened for itself.
		r := OpenRevoked(path)
		for n := range 20 {
			all.Go(func() {
				if err := r.Add(KindCard, fmt.Sprintf("P%dN%d", p, n)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	got, err := OpenRevoked(path).read()
	if err != nil || len(got) != 80 {
		t.Errorf("%d lines, %v; want 80", len(got), err)
	}
}

func FuzzDump(f *testing.F) {
	head := `{"format":"consigne-backup-1","schema":2,"made":"2026-11-23T12:00:00Z","keys":{"portal":"00"}}` + "\n"
	table := `{"table":"relay","columns":["id","n"]}` + "\n"
	f.Add([]byte(mendSum(head + table + `["A",null]` + "\n" + `{"rows":1,"sum":""}` + "\n")))
	f.Add([]byte(mendSum(head + table + `[{"b":"AAEC"},-9223372036854775808]` + "\n" + `{"rows":1,"sum":""}` + "\n")))
	for _, s := range []string{
		"", "\n", "{}\n", head, head + table, head + `["A"]` + "\n", head + `{"rows":0,"sum":""}` + "\n", head + "[]\n",
		head + table + "[true,1.5]\n", head + table + `[{"b":"%"},{"c":1}]` + "\n", head + table + "[[],{}]\n", "[\n", head + "{\"table\":\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), dumpFile)
		write(t, path, string(b))
		rows := 0
		err := readDump(path, dumpVisitor{row: func(d dumpTable, values []any) error {
			rows++
			if len(values) != len(d.Columns) {
				t.Errorf("%d values for %d columns", len(values), len(d.Columns))
			}
			for _, v := range values {
				if _, err := dumpValue(v); err != nil {
					t.Errorf("a value that cannot have been written: %v", err)
				}
			}
			return nil
		}})
		if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
			t.Errorf("%v, want ErrDamaged or ErrVersion", err)
		}
	})
}
