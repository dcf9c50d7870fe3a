//go:build !testclock

package service_test

import (
	"strings"
	"testing"
	"time"

	"consigne/internal/service"
)

func TestNow(t *testing.T) {
	if d := time.Since(service.Now()); d < 0 || d > time.Minute {
		t.Errorf("the clock is off by %v", d)
	}
}

// TestNow_NoTestClock shows that a released program knows no way to move its clock.
func TestNow_NoTestClock(t *testing.T) {
	status, _, errs := call("serve", "CONSIGNE_TESTCLOCK=/tmp/clock")
	if status != service.StatusUsage || !strings.Contains(errs, "unknown variable CONSIGNE_TESTCLOCK") {
		t.Errorf("status %d: %s", status, errs)
	}
}
