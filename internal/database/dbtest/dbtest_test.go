package dbtest_test

import (
	"errors"
	"testing"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
)

func TestEach_FreshOnBoth(t *testing.T) {
	var kinds []database.Kind
	for range 2 {
		dbtest.Each(t, func(t *testing.T, db *database.DB) {
			kinds = append(kinds, db.Kind())
			if fp, err := db.Fingerprint(t.Context(), "portal"); !errors.Is(err, database.ErrNotFound) {
				t.Errorf("fresh store: got fingerprint %q, %v; want ErrNotFound", fp, err)
			}
			err := db.Write(t.Context(), func(tx database.Handle) error {
				return database.SetFingerprint(t.Context(), tx, "portal", "one")
			})
			if err != nil {
				t.Fatal(err)
			}
			if fp, err := db.Fingerprint(t.Context(), "portal"); err != nil || fp != "one" {
				t.Errorf("got %q, %v; want what was set", fp, err)
			}
		})
	}
	want := []database.Kind{database.SQLite, database.PostgreSQL, database.SQLite, database.PostgreSQL}
	if len(kinds) != len(want) || kinds[0] != want[0] || kinds[1] != want[1] {
		t.Errorf("ran on %v, want %v", kinds, want)
	}
}
