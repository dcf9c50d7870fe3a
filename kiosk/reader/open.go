package reader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrDevice says that a path is neither an input device nor a pipe.
var ErrDevice = errors.New("not an input device and not a pipe")

// eviocgrab is _IOW('E', 0x90, int) of linux/input.h.
const eviocgrab = 0x40044590

// Open opens the scanner at path for passing on; it reads nothing. A device is
// taken for ourselves alone, so that a card is typed nowhere else on the machine.
// A pipe is opened for writing too, so that it does not end when a writer does.
//
// It returns ErrDevice for any other kind of file, and an error of package fs
// where there is none.
func Open(path string) (*os.File, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case st.Mode()&fs.ModeNamedPipe != 0:
		return os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
	case st.Mode()&fs.ModeCharDevice != 0:
		return grab(path)
	}
	return nil, fmt.Errorf("%w: %s", ErrDevice, path)
}

func grab(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	raw, err := f.SyscallConn()
	if err == nil {
		var refused error
		err = raw.Control(func(fd uintptr) { refused = unix.IoctlSetInt(int(fd), eviocgrab, 1) })
		err = errors.Join(err, refused)
	}
	if err != nil {
		f.Close()
		if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) {
			err = fmt.Errorf("%w: %s", ErrDevice, path)
		}
		return nil, err
	}
	return f, nil
}
