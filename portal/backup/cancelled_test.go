package backup

import (
	"testing"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
)

// An appointment that was cancelled since the backup does not come back, and none
// of its messages leaves: neither one that was to come nor one that was due.
func TestRestore_CancelledStaysCancelled(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		first := load(t, freshSQLite(t))
		ids := map[string]string{}
		later := noon.AddDate(0, 0, 4)
		for name, query := range map[string]string{
			"item": "SELECT MIN(item_id) FROM link WHERE purpose = 'appointment' AND ends > ?",
			"next": "SELECT MAX(id) FROM message WHERE state = 'planned' AND due > ?",
			"due":  "SELECT MAX(id) FROM message WHERE state = 'planned' AND due <= ?",
		} {
			var id string
			if err := first.DB.Read().QueryRow(t.Context(), query, later.UnixMilli()).Scan(&id); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			ids[name] = id
		}
		s := emptyStore(t, db)
		for kind, names := range map[string][]string{KindItem: {ids["item"]}, KindMessage: {ids["next"], ids["due"], "NOTINTHEBACKUP"}} {
			for _, id := range names {
				if err := s.Revoked.Add(kind, id); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := Restore(t.Context(), s, needSample(t).folder, needSample(t).keys(), later, quiet); err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string]int{
			"SELECT COUNT(*) FROM item WHERE id = '" + ids["item"] + "'":                                                                   0,
			"SELECT COUNT(*) FROM access WHERE item_id = '" + ids["item"] + "'":                                                            0,
			"SELECT COUNT(*) FROM link WHERE item_id = '" + ids["item"] + "'":                                                              0,
			"SELECT COUNT(*) FROM message WHERE state = 'cancelled' AND text IS NULL AND number_id IS NULL AND id = '" + ids["next"] + "'": 1,
			"SELECT COUNT(*) FROM message WHERE state = 'unknown' AND unwanted = 1 AND id = '" + ids["due"] + "'":                          1,
		} {
			if n := count(t, db, query); n != want {
				t.Errorf("%s: %d, want %d", query, n, want)
			}
		}
		checkSound(t, s)
	})
}
