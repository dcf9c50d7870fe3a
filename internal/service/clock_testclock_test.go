//go:build testclock

package service_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"consigne/internal/service"
)

func TestNow_Moved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ahead")
	t.Setenv("CONSIGNE_TESTCLOCK", path)
	for _, ahead := range []time.Duration{36*time.Hour + 5*time.Minute, 0, -time.Hour} {
		if err := os.WriteFile(path, []byte(ahead.String()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if off := time.Until(service.Now()) - ahead; off < -time.Minute || off > time.Minute {
			t.Errorf("set %v ahead, it is off by %v", ahead, off)
		}
	}
	out, err := child(t, "now").Output()
	if err != nil {
		t.Fatalf("a whole program: %v", err)
	}
	ms, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if off := time.Until(time.UnixMilli(ms)) + time.Hour; err != nil || off < -time.Minute || off > time.Minute {
		t.Errorf("a whole program is off by %v, %v", off, err)
	}
}

func TestNow_RefusesNonsense(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ahead")
	t.Setenv("CONSIGNE_TESTCLOCK", path)
	for _, text := range []string{"", "tomorrow", "36"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was taken for a time", text)
				}
			}()
			service.Now()
		}()
	}
}
