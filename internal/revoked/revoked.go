// Package revoked appends to the log of what died since the last backup, which a
// restore reads so that nothing of it comes back to life. It lies beside the
// store, a line each: a kind and an id. The portal writes to it, and so does
// smsd; what the lines mean to a restore is told in portal/backup.
package revoked

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// File is the log's name in the data folder.
const File = "revoked.log"

// The kinds that smsd writes; their id is the mark of a number in hexadecimal.
// Of two lines about one number the later holds.
const (
	OptOut = "opt-out" // the number wants no messages
	OptIn  = "opt-in"  // it wants them again
)

// ErrLine is returned for what would be no line, or two.
var ErrLine = errors.New("not a kind and an id")

// A Line is one entry; neither part may be empty or hold a space or an end of
// line.
type Line struct{ Kind, ID string }

func (l Line) String() string { return l.Kind + " " + l.ID }

// Append adds lines and makes them durable before it returns; without lines it
// sees that there is a log that can be written. It may be called by several
// processes at once.
func Append(path string, lines ...Line) error {
	var text strings.Builder
	for _, l := range lines {
		if l.Kind == "" || l.ID == "" || strings.ContainsAny(l.Kind+l.ID, " \n") {
			return fmt.Errorf("append to %s: %w", File, ErrLine)
		}
		text.WriteString(l.String() + "\n")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	_, err := os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", File, err)
	}
	if err := cutTornLine(f); err != nil {
		return err
	}
	if _, err := f.WriteString(text.String()); err != nil {
		return fmt.Errorf("write %s: %w", File, err)
	}
	if err := f.Sync(); err != nil || !fresh {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// cutTornLine removes a last line that a crash or a full disk left without its
// end. Its act was never committed: the log is written first.
func cutTornLine(f *os.File) error {
	b, err := os.ReadFile(f.Name())
	if err != nil {
		return err
	}
	if whole := bytes.LastIndexByte(b, '\n') + 1; whole < len(b) {
		return f.Truncate(int64(whole))
	}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
