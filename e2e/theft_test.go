package e2e

import (
	"testing"

	"consigne/e2e/adversary"
)

// TestTheft: whoever takes data, backup, logs, a card's photograph and our own
// programs, but not the keys, opens nothing and finds nothing. "make theft" does
// the same with every picture code there is.
func TestTheft(t *testing.T) {
	r, err := adversary.Run(t.Context(), adversary.Options{Bin: bin, Dir: t.TempDir(), Codes: 200, Progress: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Print(t.Output()); err != nil {
		t.Fatal(err)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
}
