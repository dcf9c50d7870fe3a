package pages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The child is poppler's pdftoppm, which has had holes and will have more. What
// it may do is therefore little: read its standard input, write its standard
// output and error (all pipes), compute for a minute, use so much memory. It
// has no other descriptor, no network, no environment, may write no file, start
// no process and gain no privilege; under root it is nobody.
//
// The limits are set by prlimit and setpriv (util-linux, which every Debian
// has), each of which replaces itself by the next. A hidden command of our own
// program would do the same, but a Go runtime starts threads and reserves address space
// before its first line, and the tests of this package would not have it.
type limits struct {
	memory int           // bytes of address space
	cpu    int           // seconds
	clock  time.Duration // for each page; the time of computing bounds them all
}

// childLimits: a page of 1,600 pixels takes 40 MB, fonts and their maps 200;
// the rest is for the pictures within. Fifty scanned pages compute for some 20 s;
// by the clock they may take longer on a busy machine.
var childLimits = limits{memory: 1 << 30, cpu: 60, clock: 60 * time.Second}

const (
	// feedTime is how long the child may leave a full pipe unread.
	feedTime = 20 * time.Second
	nobody   = 65534
)

type child struct {
	cmd  *exec.Cmd
	kill context.CancelFunc
	in   *os.File
	out  io.ReadCloser
	said *firstBytes
	late *time.Timer
	done bool
}

// drawing is the program that draws a PDF: one page more than there may be, so
// that a longer file is told from one that just fits.
var drawing = []string{"pdftoppm", "-r", "110", "-scale-to", strconv.Itoa(MaxSide), "-l", strconv.Itoa(MaxPages + 1), "-"}

// limited is the command that runs a program under limits; ctx kills it.
func limited(ctx context.Context, lim limits, program []string) (*exec.Cmd, error) {
	var path [3]string
	for i, name := range []string{"prlimit", "setpriv", program[0]} {
		var err error
		if path[i], err = exec.LookPath(name); err != nil {
			return nil, err
		}
	}
	args := []string{
		"--as=" + strconv.Itoa(lim.memory), "--cpu=" + strconv.Itoa(lim.cpu),
		"--fsize=0", "--nproc=0", "--core=0", "--nofile=64", "--memlock=0", "--",
		path[1], "--no-new-privs", "--", path[2],
	}
	cmd := exec.CommandContext(ctx, path[0], append(args, program[1:]...)...)
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	return cmd, nil
}

// confinements are the ways to cut the child off, the best first. An ordinary
// user needs a user name space to have a network of one's own, and some systems
// and chroots forbid that; then the rest has to do.
func confinements() []*syscall.SysProcAttr {
	if os.Geteuid() == 0 {
		user := &syscall.Credential{Uid: nobody, Gid: nobody}
		return []*syscall.SysProcAttr{
			{Credential: user, Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC},
			{Credential: user},
			// In a container that lets its root set no groups.
			{Credential: &syscall.Credential{Uid: nobody, Gid: nobody, NoSetGroups: true}},
		}
	}
	self := func(id int) []syscall.SysProcIDMap {
		return []syscall.SysProcIDMap{{ContainerID: nobody, HostID: id, Size: 1}}
	}
	return []*syscall.SysProcAttr{
		{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
			UidMappings: self(os.Getuid()), GidMappings: self(os.Getgid()),
		},
		{},
	}
}

// startChild starts a program as the child, which waits for its input.
func startChild(ctx context.Context, lim limits, program []string) (*child, error) {
	if err := keepDescriptors(); err != nil {
		return nil, err
	}
	var failed error
	for _, attr := range confinements() {
		ctx, kill := context.WithCancel(ctx)
		cmd, err := limited(ctx, lim, program)
		if err != nil {
			kill()
			return nil, err
		}
		cmd.SysProcAttr = attr
		c := &child{cmd: cmd, kill: kill, said: &firstBytes{}}
		err = c.start()
		if err == nil {
			return c, nil
		}
		kill()
		failed = errors.Join(failed, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

// keepDescriptors sees that no descriptor passes into a child. Go's own never
// do, but this process may have been given some by whoever started it.
func keepDescriptors() error {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	// A kernel before 5.11, or one that was told to refuse the call.
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("list descriptors: %w", err)
	}
	for _, e := range open {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

func (c *child) start() error {
	stdin, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer stdin.Close()
	c.cmd.Stdin = stdin
	c.cmd.Stderr = c.said
	if c.out, err = c.cmd.StdoutPipe(); err != nil {
		in.Close()
		return err
	}
	if err := c.cmd.Start(); err != nil {
		in.Close()
		return err
	}
	c.in = in
	return nil
}

// feed gives the child the whole upload. A child that ends early, or stops
// reading, does not stop the upload: it is read on to its end. Only reading
// itself can fail.
func (c *child) feed(r io.Reader) error {
	buf := make([]byte, 64<<10)
	for fed := true; ; {
		n, err := r.Read(buf)
		if n > 0 && fed {
			e := c.in.SetWriteDeadline(time.Now().Add(feedTime))
			if e == nil {
				_, e = c.in.Write(buf[:n])
			}
			fed = e == nil
			if errors.Is(e, os.ErrDeadlineExceeded) {
				c.kill()
			}
		}
		if errors.Is(err, io.EOF) {
			return c.in.Close()
		}
		if err != nil {
			return fmt.Errorf("read upload: %w", err)
		}
	}
}

// limit kills the child after d, counted from now.
func (c *child) limit(d time.Duration) {
	if c.late != nil {
		c.late.Stop()
	}
	c.late = time.AfterFunc(d, c.kill)
}

// end kills the child if it still runs, and waits for it: how it ends then says
// nothing.
func (c *child) end() {
	if c.done {
		return
	}
	c.done = true
	c.kill()
	if c.late != nil {
		c.late.Stop()
	}
	c.in.Close()
	_ = c.cmd.Wait()
}

// verdict says what the child's end means, after its output ended with n whole
// pages or broke off with drawn.
func (c *child) verdict(n int, drawn error) error {
	if drawn != nil {
		c.kill() // else it could wait for ever to write on
	}
	err := c.cmd.Wait()
	c.done = true
	c.late.Stop()
	c.kill()
	switch {
	case n == 0 && c.said.locked():
		return ErrPassword
	case drawn != nil:
		return fmt.Errorf("%w: %w", ErrDamaged, drawn)
	case err != nil:
		return fmt.Errorf("%w: pdftoppm: %w", ErrDamaged, err)
	case n == 0:
		return fmt.Errorf("%w: no page", ErrDamaged)
	}
	return nil
}

// firstBytes keeps the beginning of what the child complains about. It may hold
// words of the paper: it is looked at here and goes nowhere.
type firstBytes struct {
	mu   sync.Mutex
	kept []byte
}

func (f *firstBytes) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	const most = 16 << 10
	f.kept = append(f.kept, p[:min(len(p), most-len(f.kept))]...)
	return len(p), nil
}

// locked says whether poppler (22.12) complained of a password or of a way of
// encrypting that it does not know.
func (f *firstBytes) locked() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return bytes.Contains(f.kept, []byte("Incorrect password")) ||
		bytes.Contains(f.kept, []byte("security handler"))
}
