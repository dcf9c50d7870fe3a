// Package control is what the supervisor and a session's child say to each other,
// over a pair of sockets that the child inherits: its configuration, the orders,
// the descriptors of scanner and listener, and the child's reports.
//
// The child's secrets travel here and nowhere else: arguments and environment of
// a process can be read by others.
package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// FD is where a child finds its end, LogFD where it logs: its standard error is
// also that of libraries, which know no discretion.
const (
	FD    = 3
	LogFD = 4
)

// What is said. A message is one packet, so neither half messages nor mixed ones
// exist.
const (
	// From the supervisor.
	Configure = "configure" // the first message: Config
	Activate  = "activate"  // you are in front now; the descriptors come with it
	Scanner   = "scanner"   // a scanner was plugged in: its descriptor
	End       = "end"       // wipe and exit
	Ping      = "ping"      // does your window still turn?
	// From the child.
	Warm   = "warm"   // the rest screen is painted
	Active = "active" // the person sees it now
	Ended  = "ended"  // the session is over, with Why
	Lost   = "lost"   // the scanner is gone
	Pong   = "pong"   // it does
)

// Message is one thing said.
type Message struct {
	Is     string  `json:"is"`
	Why    string  `json:"why,omitempty"`
	Config *Config `json:"config,omitempty"`
	// Files says what the files are that come with it: FileScanner, FileListener.
	Files []string `json:"files,omitempty"`
}

// What files are handed over.
const (
	FileScanner  = "scanner"
	FileListener = "listener"
)

// Config is what a child has to know. Key is a secret.
type Config struct {
	Portal  string `json:"portal"`
	Device  string `json:"device"`
	Key     []byte `json:"key"`
	Window  bool   `json:"window"`
	Beneath bool   `json:"beneath"` // a spare
	Cursor  bool   `json:"cursor"`
	Reader  string `json:"reader,omitempty"`
	Host    string `json:"host,omitempty"` // without a window: host and port of the shared listener
}

// maxMessage is more than any message is; maxFiles as many as one carries.
const (
	maxMessage = 16 << 10
	maxFiles   = 2
)

// ErrMessage says that the other end sent something else than a message.
var ErrMessage = errors.New("not a message")

// Conn is one end.
type Conn struct{ c *net.UnixConn }

// Pair makes both ends; theirs is for the child's descriptor FD.
func Pair() (ours *Conn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "control")
	if ours, err = open(fds[0]); err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// Inherited opens the child's own end.
func Inherited() (*Conn, error) {
	unix.CloseOnExec(FD) // not for WebKit's processes
	unix.CloseOnExec(LogFD)
	return open(FD)
}

func open(fd int) (*Conn, error) {
	f := os.NewFile(uintptr(fd), "control")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("control socket: %w", ErrMessage), c.Close())
	}
	return &Conn{u}, nil
}

// Send says m and hands over files, which stay open here.
func (c *Conn) Send(m Message, files ...*os.File) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	defer clear(b)
	rights, release, err := encode(files)
	if err != nil {
		return err
	}
	defer release()
	_, _, err = c.c.WriteMsgUnix(b, rights, nil)
	return err
}

// encode makes a control message of the files' descriptors. They are copies,
// since asking a file for its own would make it block.
func encode(files []*os.File) (rights []byte, release func(), err error) {
	var fds []int
	release = func() {
		for _, fd := range fds {
			_ = unix.Close(fd) // a copy of our own, which nothing was written to
		}
	}
	for _, f := range files {
		fd, err := duplicate(f)
		if err != nil {
			release()
			return nil, nil, err
		}
		fds = append(fds, fd)
	}
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	return rights, release, nil
}

func duplicate(f *os.File) (int, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	copied := -1
	var failed error
	err = raw.Control(func(fd uintptr) {
		copied, failed = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
	})
	return copied, errors.Join(err, failed)
}

// Receive waits for the next message and the files that came with it, which the
// caller closes. It returns io.EOF when the other end is gone, ErrMessage for
// what is no message.
func (c *Conn) Receive() (Message, []*os.File, error) {
	b := make([]byte, maxMessage)
	defer clear(b)
	rights := make([]byte, unix.CmsgSpace(4*maxFiles))
	n, rightsLen, _, _, err := c.c.ReadMsgUnix(b, rights)
	if err != nil {
		return Message{}, nil, err
	}
	if n == 0 {
		return Message{}, nil, io.EOF
	}
	files, err := decode(rights[:rightsLen])
	if err != nil {
		return Message{}, nil, err
	}
	var m Message
	if json.Unmarshal(b[:n], &m) != nil {
		for _, f := range files {
			f.Close()
		}
		return Message{}, nil, ErrMessage
	}
	return m, files, nil
}

func decode(rights []byte) ([]*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, os.NewSyscallError("control message", err)
	}
	var files []*os.File
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return nil, os.NewSyscallError("control message", err)
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			// Only a descriptor that does not block can be given up amid a read.
			if err := unix.SetNonblock(fd, true); err != nil {
				return nil, os.NewSyscallError("descriptor", err)
			}
			files = append(files, os.NewFile(uintptr(fd), "inherited"))
		}
	}
	return files, nil
}

// Close closes this end.
func (c *Conn) Close() error { return c.c.Close() }
