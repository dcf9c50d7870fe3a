// Package supervisor keeps a kiosk alive: one session's child in front, a warm
// spare beneath that shows the rest screen already, so that the window is never
// blank.
//
// It holds what outlives a session, the scanner and the socket, and reads
// neither: their descriptors go to the child in front. A child ends with its
// session, by itself, by a crash or by an order; its processes are killed to the
// last, its home in memory is removed, the spare steps forward and another is
// warmed.
package supervisor

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"consigne/kiosk/control"
	"consigne/kiosk/home"
	"consigne/kiosk/reader"
)

// How long things may take.
const (
	warmTime     = 2 * time.Minute // a first page, on a slow machine that does much else
	pingEvery    = 15 * time.Second
	pingTime     = 2 * time.Minute // a window that does not turn for so long hangs
	retryLongest = 10 * time.Second
	retryFirst   = 250 * time.Millisecond
	scannerRetry = 2 * time.Second
	stopTime     = 3 * time.Second
)

// Options say what to keep alive.
type Options struct {
	Program  string           // what a child is
	Args     []string         // its name and hidden word
	Environ  []string         // ours, of which a child gets little
	Config   control.Config   // what a child is told
	Root     *home.Root       // where it may write
	Scanner  string           // path, "" for none
	Listener *net.TCPListener // for an ordinary browser, nil with a window
	// Noise lets through what WebKit and its kin write by themselves, which may
	// hold addresses with their tokens. A child's own log comes in any case.
	Noise bool
	Log   *slog.Logger
}

type supervisor struct {
	Options
	scanner  *os.File
	listener *os.File
	null     *os.File
	front    *child
	spare    *child
	dead     []*child // collected, some of their processes perhaps not
	events   chan event
	over     chan struct{}
	count    int
	failures int              // children in a row that never were warm
	retry    <-chan time.Time // when to start what is missing
	rescan   <-chan time.Time // when to look for the scanner again
}

// Run supervises until ctx ends, then ends all children, removes their homes and
// returns nil. It fails at once where the scanner cannot be opened.
//
// The calling process becomes the one that collects all dead children, whoever
// made them; call it in a process that has none of its own.
func Run(ctx context.Context, o Options) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := &supervisor{Options: o, events: make(chan event), over: make(chan struct{})}
	defer close(s.over)
	if err := s.open(); err != nil {
		return err
	}
	defer s.close()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("subreaper", err)
	}
	var err error
	if s.null, err = os.OpenFile(os.DevNull, os.O_RDWR, 0); err != nil {
		return err
	}
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	defer signal.Stop(died)
	s.Log.Info("supervising", "homes", s.Root.Path())
	s.fill()
	s.loop(ctx, died)
	s.stop(died)
	return nil
}

// open takes scanner and socket.
func (s *supervisor) open() (err error) {
	if _, err := os.Stat(s.Program); err != nil {
		return err // as where /proc is not mounted
	}
	if s.Scanner != "" {
		if s.scanner, err = reader.Open(s.Scanner); err != nil {
			return err
		}
	}
	if s.Listener != nil {
		s.listener, err = s.Listener.File()
	}
	return err
}

func (s *supervisor) close() {
	for _, f := range []*os.File{s.scanner, s.listener, s.null} {
		if f != nil {
			f.Close()
		}
	}
}

func (s *supervisor) loop(ctx context.Context, died <-chan os.Signal) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-died:
			s.collect()
		case e := <-s.events:
			s.heard(e)
		case <-ticker.C:
			s.check()
		case <-s.retry:
			s.retry = nil
			s.fill()
		case <-s.rescan:
			s.findScanner()
		}
	}
}

// fill starts what is missing: first the child in front, then, once that is
// warm, the spare.
func (s *supervisor) fill() {
	if s.retry != nil {
		return
	}
	var err error
	switch {
	case s.front == nil:
		s.front, err = s.start(true)
		if err == nil {
			err = s.activate(s.front)
		}
	case s.spare == nil && s.front.warm:
		s.spare, err = s.start(false)
	}
	if err != nil {
		s.Log.Error("no session started", "error", err)
		s.failed()
	}
}

// failed lets some time pass before the next try, more after each.
func (s *supervisor) failed() {
	wait := min(retryLongest, retryFirst<<min(s.failures, 10))
	s.failures++
	s.retry = time.After(wait)
}

// activate puts a child in front: from now on the scanner is its own.
func (s *supervisor) activate(c *child) error {
	c.active = true
	m := control.Message{Is: control.Activate}
	var files []*os.File
	if s.scanner != nil {
		m.Files, files = append(m.Files, control.FileScanner), append(files, s.scanner)
	}
	if s.listener != nil {
		m.Files, files = append(m.Files, control.FileListener), append(files, s.listener)
	}
	return c.conn.Send(m, files...)
}

// heard acts on what a child said.
func (s *supervisor) heard(e event) {
	switch {
	case e.child != s.front && e.child != s.spare:
		return // the last words of a dead one
	case e.said == nil:
		e.child.kill() // who does not speak any more is dead or soon will be
		return
	}
	l := s.Log.With("child", e.child.number)
	switch e.said.Is {
	case control.Warm:
		e.child.warm = true
		s.failures = 0
		l.Info("session warm", "ms", time.Since(e.child.started).Milliseconds())
		s.fill()
	case control.Active:
		l.Info("session in front")
	case control.Ended:
		l.Info("session ended", "why", e.said.Why)
		e.child.kill()
	case control.Pong:
		e.child.pinged = time.Time{}
	case control.Lost:
		l.Warn("scanner lost")
		s.lostScanner()
	}
}

// collect takes note of all deaths, and removes the homes that nobody writes to
// any more.
func (s *supervisor) collect() {
	for _, e := range reap() {
		if c := s.forget(e.pid); c != nil {
			s.replace(c, e)
		}
	}
	s.killStrays()
	s.dead = slices.DeleteFunc(s.dead, func(c *child) bool {
		if c.lives() {
			return false
		}
		if err := c.home.Remove(); err != nil {
			s.Log.Error("home not removed", "child", c.number, "error", err)
		}
		s.Log.Info("session wiped", "child", c.number)
		return true
	})
}

// killStrays ends what left its session's process group: nothing of a session
// may outlive it, and no session needs a process that does.
func (s *supervisor) killStrays() {
	for _, pid := range strays(func(pid int) bool {
		return s.front != nil && s.front.pid == pid || s.spare != nil && s.spare.pid == pid
	}) {
		_ = unix.Kill(pid, unix.SIGKILL) // dead before
	}
}

// forget takes the child of that process off our places, nil if there is none:
// then it was one of WebKit's, whose status only had to be collected.
func (s *supervisor) forget(pid int) *child {
	for _, place := range []**child{&s.front, &s.spare} {
		if c := *place; c != nil && c.pid == pid {
			*place = nil
			return c
		}
	}
	return nil
}

// replace puts the spare in the place of a dead child and starts another one.
func (s *supervisor) replace(c *child, e exit) {
	c.kill() // WebKit's processes may outlive it
	if !c.warm {
		s.failed()
	}
	if c.active {
		s.promote()
	}
	s.fill()
	s.Log.Info("session gone", "child", c.number, "how", e.how(), "front", c.active)
	s.bury(c)
}

// bury takes leave of a child; its home goes when its last process has.
func (s *supervisor) bury(c *child) {
	if err := c.conn.Close(); err != nil {
		s.Log.Warn("control socket", "child", c.number, "error", err)
	}
	s.dead = append(s.dead, c)
}

// promote brings the spare to the front.
func (s *supervisor) promote() {
	if s.spare == nil {
		return
	}
	s.front, s.spare = s.spare, nil
	if err := s.activate(s.front); err != nil {
		s.Log.Error("spare not in front", "child", s.front.number, "error", err)
		s.front.kill()
	}
}

// check ends children that never warm up or hang, and asks the others.
func (s *supervisor) check() {
	for _, c := range []*child{s.front, s.spare} {
		switch {
		case c == nil:
		case !c.warm && time.Since(c.started) > warmTime,
			!c.pinged.IsZero() && time.Since(c.pinged) > pingTime:
			s.Log.Error("session hangs", "child", c.number)
			c.kill()
		case c.warm && c.pinged.IsZero():
			c.pinged = time.Now()
			if err := c.conn.Send(control.Message{Is: control.Ping}); err != nil {
				c.kill()
			}
		}
	}
}

// stop ends all children and waits until their homes are removed.
func (s *supervisor) stop(died <-chan os.Signal) {
	for _, c := range []*child{s.front, s.spare} {
		if c != nil {
			c.kill()
			s.bury(c)
		}
	}
	s.front, s.spare = nil, nil
	deadline := time.After(stopTime)
	for s.collect(); len(s.dead) > 0; s.collect() {
		select {
		case <-died:
		case <-deadline:
			s.Log.Error("sessions outlive the kiosk", "count", len(s.dead))
			return
		}
	}
}
