package service

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Harden keeps this process's memory, where keys are, out of core files and out of reach of other processes of the same
// user. It does not outlive exec: a child says it again.
func Harden() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("harden: no core files: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("harden: not dumpable: %w", err)
	}
	return nil
}
