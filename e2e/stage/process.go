// Package stage starts Consigne's real programs on a machine of their own:
// temporary folders, free ports, a clock that can be moved.
package stage

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// A Process is a program that runs until it is stopped. What it says is kept.
type Process struct {
	Name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error

	mu      sync.Mutex
	said    bytes.Buffer
	waiting []*listener
}

type listener struct {
	match func(line []byte) bool
	found chan []byte
}

// Start runs a program. It dies with us, and its children with it.
func Start(ctx context.Context, name, path string, env []string, args ...string) (*Process, error) {
	p := &Process{Name: name, cmd: exec.Command(path, args...), done: make(chan struct{})}
	p.cmd.Env = env
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = in, in
	if err := startLocked(p.cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), out.Close(), in.Close())
	}
	in.Close()
	go p.listen(out)
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// starter is a thread that lives as long as the program: Pdeathsig follows the
// thread that forked, not the process.
var starter = sync.OnceValue(func() chan func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for do := range work {
			do()
		}
	}()
	return work
})

func startLocked(cmd *exec.Cmd) error {
	started := make(chan error)
	starter() <- func() { started <- cmd.Start() }
	return <-started
}

func (p *Process) listen(out io.ReadCloser) {
	defer out.Close()
	lines := bufio.NewScanner(out)
	lines.Buffer(make([]byte, 64<<10), 4<<20)
	for lines.Scan() {
		line := bytes.Clone(lines.Bytes())
		p.mu.Lock()
		p.said.Write(append(line, '\n'))
		kept := p.waiting[:0]
		for _, l := range p.waiting {
			if l.match(line) {
				l.found <- line
			} else {
				kept = append(kept, l)
			}
		}
		p.waiting = kept
		p.mu.Unlock()
	}
}

// Said is all that the program wrote so far.
func (p *Process) Said() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.said.Bytes())
}

// Hear waits for a log line, also one that was written already. It fails when
// the program ends first.
func (p *Process) Hear(ctx context.Context, match func(line map[string]any) bool) error {
	decoded := func(line []byte) bool {
		var fields map[string]any
		return json.Unmarshal(line, &fields) == nil && match(fields)
	}
	p.mu.Lock()
	for line := range bytes.Lines(p.said.Bytes()) {
		if decoded(line) {
			p.mu.Unlock()
			return nil
		}
	}
	l := &listener{decoded, make(chan []byte, 1)}
	p.waiting = append(p.waiting, l)
	p.mu.Unlock()
	select {
	case <-l.found:
		return nil
	case <-p.done:
		return fmt.Errorf("%s ended: %v\n%s", p.Name, p.err, p.Said())
	case <-ctx.Done():
		return fmt.Errorf("%s said nothing of the kind: %w\n%s", p.Name, ctx.Err(), p.Said())
	}
}

// PID is the program's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop asks the program to end and waits; after ten seconds it is killed.
func (p *Process) Stop() error {
	if p == nil {
		return nil
	}
	syscall.Kill(-p.PID(), syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		syscall.Kill(-p.PID(), syscall.SIGKILL)
		<-p.done
		return fmt.Errorf("%s did not stop when asked", p.Name)
	}
	return nil
}

// Kill ends the program as a power cut would.
func (p *Process) Kill() {
	syscall.Kill(-p.PID(), syscall.SIGKILL)
	<-p.done
}

// Build builds the three programs once into dir, and other commands of ours, with
// a clock that can be moved if tags say so.
func Build(ctx context.Context, dir, tags string, others ...string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	args := append([]string{"build", "-tags", tags, "-o", dir + "/", "./portal", "./smsd", "./kiosk"}, others...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// Root is the folder of the module.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("not inside the module")
}
