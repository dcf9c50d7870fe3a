package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTheft: whoever takes data, backup, logs, a card's photograph and our own
// programs, but not the keys, opens nothing and finds nothing. The thief is the
// program that "make theft" runs with every picture code there is: what the race
// detector makes of Argon2 and of a search through gigabytes would be an hour.
func TestTheft(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "theft"), "-bin", bin, "-codes", "200")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
