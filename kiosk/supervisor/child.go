package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"consigne/kiosk/control"
	"consigne/kiosk/home"
)

// child is one session's process, and what it may write to.
type child struct {
	number  int
	pid     int
	conn    *control.Conn
	home    *home.Home
	started time.Time
	warm    bool
	active  bool
	pinged  time.Time // when a ping went out that nothing came back for
}

// event is what a child said; said is nil when it will say nothing more.
type event struct {
	child *child
	said  *control.Message
}

// start makes a child. It must run on the thread that the supervisor keeps: the
// kernel kills a child when the thread that made it ends.
func (s *supervisor) start(front bool) (*child, error) {
	s.count++
	h, err := s.Root.New()
	if err != nil {
		return nil, fmt.Errorf("start a session: %w", err)
	}
	c := &child{number: s.count, home: h, started: time.Now(), active: front}
	if err := s.launch(c); err != nil {
		return nil, errors.Join(fmt.Errorf("start a session: %w", err), h.Remove())
	}
	go s.listen(c)
	config := s.Config
	config.Beneath = !front
	return c, c.conn.Send(control.Message{Is: control.Configure, Config: &config})
}

func (s *supervisor) launch(c *child) error {
	conn, theirs, err := control.Pair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	fd := theirs.Fd()
	noise := s.null
	if s.Noise {
		noise = os.Stderr
	}
	c.pid, err = syscall.ForkExec(s.Program, s.Args, &syscall.ProcAttr{
		Dir:   c.home.Path(),
		Env:   environment(s.Environ, c.home.Env(), s.Root.Path()),
		Files: []uintptr{s.null.Fd(), noise.Fd(), noise.Fd(), fd, os.Stderr.Fd()},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	c.conn = conn
	return nil
}

// listen turns what a child says into events, until it is gone.
func (s *supervisor) listen(c *child) {
	for {
		m, files, err := c.conn.Receive()
		for _, f := range files {
			f.Close() // children hand nothing over
		}
		if err != nil {
			s.tell(event{child: c})
			return
		}
		s.tell(event{c, &m})
	}
}

func (s *supervisor) tell(e event) {
	select {
	case s.events <- e:
	case <-s.over:
	}
}

// kill ends the child's process and all that it started.
func (c *child) kill() {
	_ = unix.Kill(-c.pid, unix.SIGKILL) // nobody there: dead before
}

// lives tells whether a process of the child's is left, dead but not collected
// ones included.
func (c *child) lives() bool { return !errors.Is(unix.Kill(-c.pid, 0), unix.ESRCH) }

// strays are the processes whose own makers died and that therefore are ours now,
// without those of keep: what ran out of a session's process group.
func strays(keep func(pid int) bool) []int {
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return nil
	}
	var found []int
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that ended meanwhile
		}
		for field := range strings.FieldsSeq(string(b)) {
			if pid, err := strconv.Atoi(field); err == nil && !keep(pid) {
				found = append(found, pid)
			}
		}
	}
	return found
}

// exit is the end of a process.
type exit struct {
	pid    int
	status unix.WaitStatus
}

// how says how a process ended, for the log.
func (e exit) how() string {
	if e.status.Signaled() {
		return e.status.Signal().String()
	}
	return fmt.Sprintf("status %d", e.status.ExitStatus())
}

// reap collects all dead children: ours, and those that WebKit's processes left
// behind, which come to us as their nearest living ancestor.
func reap() []exit {
	var exits []exit
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil || pid == 0:
			return exits
		default:
			exits = append(exits, exit{pid, status})
		}
	}
}
