package database_test

import (
	"errors"
	"strings"
	"testing"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
)

func TestPostgreSQL_Busy(t *testing.T) {
	db, err := database.Open(t.Context(), dbtest.URL(t, database.PostgreSQL))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	mustWrite(t, db, "CREATE TABLE thing (id TEXT PRIMARY KEY)")
	err = db.Write(t.Context(), func(holder database.Handle) error {
		if _, err := holder.Exec(t.Context(), "LOCK TABLE thing"); err != nil {
			return err
		}
		return db.Write(t.Context(), func(tx database.Handle) error {
			if _, err := tx.Exec(t.Context(), "SET LOCAL lock_timeout = '5ms'"); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), "INSERT INTO thing (id) VALUES ('a')")
			return err
		})
	})
	if !errors.Is(err, database.ErrBusy) {
		t.Errorf("a locked table: got %v, want ErrBusy", err)
	}
}

func TestPostgreSQL_PasswordStaysOut(t *testing.T) {
	for _, url := range []string{
		"postgres://user:hunter2@127.0.0.1:1/none?connect_timeout=2",
		"postgres://user:hunter2@127.0.0.1:notaport/none",
		"postgres://user:hunter2@%zz/none",
		"postgress://user:hunter2@127.0.0.1/none",
	} {
		_, err := database.Open(t.Context(), url)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v, want an error without the password", err)
		}
	}
}
