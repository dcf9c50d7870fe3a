package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startTime = time.Minute      // a program that has not opened its ports by then will not
	stopTime  = 25 * time.Second // longer than the programs themselves give to running requests
)

// process is one of the three programs, running. Its log goes to a file; what it says to people, to the terminal.
type process struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended, once ended is closed

	mu    sync.Mutex
	ports map[string]string // listeners and their addresses
	heard chan struct{}     // closed and replaced at each listener
}

// start starts a program of the house, which is stopped with the others.
func (h *house) start(name string, args ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(h.logs(), name+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p := &process{name: name, cmd: h.command(name, args...), ended: make(chan struct{}), ports: map[string]string{}, heard: make(chan struct{})}
	// Ctrl-C reaches only this program, which stops the others in order; they are told as well should it be killed.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	said, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		log.Close()
		return nil, err
	}
	h.processes = append(h.processes, p)
	go func() {
		p.listen(said, log, h.env.Stderr)
		p.err = p.cmd.Wait()
		log.Close()
		close(p.ended)
	}()
	return p, nil
}

// listen takes the program's standard error to its end.
func (p *process) listen(said io.Reader, log, people io.Writer) {
	lines := bufio.NewScanner(said)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fmt.Fprintf(log, "%s\n", lines.Bytes())
		var entry struct{ Msg, Listener, Addr string }
		if json.Unmarshal(lines.Bytes(), &entry) != nil {
			if strings.HasPrefix(lines.Text(), p.name+":") {
				fmt.Fprintln(people, lines.Text())
			}
			continue
		}
		if entry.Msg == "listening" {
			p.mu.Lock()
			p.ports[entry.Listener] = entry.Addr
			close(p.heard)
			p.heard = make(chan struct{})
			p.mu.Unlock()
		}
	}
	_, _ = io.Copy(log, said) // after a line too long to hold
}

// port waits for the address of one of the program's listeners.
func (p *process) port(ctx context.Context, listener string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		p.mu.Lock()
		addr, heard := p.ports[listener], p.heard
		p.mu.Unlock()
		if addr != "" {
			return addr, nil
		}
		select {
		case <-heard:
		case <-p.ended:
			return "", p.failure()
		case <-ctx.Done():
			return "", fmt.Errorf("%s does not start: %w", p.name, ctx.Err())
		}
	}
}

// failure says that the program ended by itself, which none of them should.
func (p *process) failure() error {
	if p.err == nil {
		return fmt.Errorf("%s ended", p.name)
	}
	return fmt.Errorf("%s ended: %w", p.name, p.err)
}

// stop asks the program to stop and waits until it has.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // one that has ended already cannot be told
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTime):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not stop and was killed", p.name)
	}
}

// output runs a program of the house to its end with input, and gives what it prints.
func (h *house) output(ctx context.Context, input []byte, name string, args ...string) ([]byte, error) {
	cmd := h.command(name, args...)
	cmd.Stdin = bytes.NewReader(input)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, h.env.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	told := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer told()
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("%s %s: %w", name, args[0], err)
	}
	return out.Bytes(), nil
}

// command is a program of the house with the settings that all share.
func (h *house) command(name string, args ...string) *exec.Cmd {
	args = append(args, "--data", h.paths.Data(), "--keys", h.paths.Keys())
	if name != "kiosk" {
		args = append(args, "--database", h.paths.Database())
	}
	// With a slash, so that it is never looked for in PATH; without a context, which would kill where stop asks first.
	return exec.Command(h.bin+"/"+name, args...)
}
