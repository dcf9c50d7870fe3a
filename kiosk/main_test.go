package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asProgram makes the test's own binary be the kiosk: the tests run the real
// program as a process of its own.
const asProgram = "KIOSK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" || len(os.Args) == 2 && os.Args[1] == sessionWord {
		main()
		return
	}
	os.Exit(m.Run())
}

// patience is how long a machine that does much else may take.
func patience() <-chan time.Time { return time.After(3 * time.Minute) }

// program runs the kiosk with args and env until it ends.
func program(t *testing.T, dir, stdin string, env []string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := command(t.Context(), dir, env, args...)
	var out, errs strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	cmd.Run()
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func command(ctx context.Context, dir string, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append([]string{asProgram + "=1", "HOME=" + dir, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir}, env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// enrolled makes a folder with a kiosk that is enrolled with the stand-in.
func enrolled(t *testing.T, portal *standIn) string {
	t.Helper()
	dir := t.TempDir()
	status, out, errs := program(t, dir, "1234 5678\n", nil, "enrol", "--portal", portal.URL, "--name", "test")
	if status != 0 || out != "DEVICE\n" {
		t.Fatalf("enrol: status %d, %q, %q", status, out, errs)
	}
	return dir
}

// running is a kiosk that runs.
type running struct {
	t    *testing.T
	cmd  *exec.Cmd
	logs chan entry
	all  *strings.Builder // all that it logged; read it after stop
}

// entry is a line of the log.
type entry struct {
	Msg, Why, How string
	Child, MS     int
	Pid           int
	Front         bool
	Addr, Homes   string
}

func start(t *testing.T, dir string, env []string, args ...string) *running {
	t.Helper()
	r := &running{t: t, cmd: command(t.Context(), dir, env, append([]string{"run"}, args...)...), logs: make(chan entry, 1000), all: new(strings.Builder)}
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go r.read(stderr)
	t.Cleanup(r.stop)
	return r
}

func (r *running) read(stderr io.Reader) {
	defer close(r.logs)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		r.all.WriteString(lines.Text() + "\n")
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			r.logs <- e
		}
	}
}

// wait gives the next entry that fits.
func (r *running) wait(what string, fits func(entry) bool) entry {
	r.t.Helper()
	for {
		select {
		case e, open := <-r.logs:
			if !open {
				r.t.Fatalf("the kiosk ended before %s:\n%s", what, r.all)
			}
			if fits(e) {
				return e
			}
		case <-patience():
			r.t.Fatalf("no %s in the log", what)
		}
	}
}

func (r *running) waitFor(msg string) entry {
	r.t.Helper()
	return r.wait(msg, func(e entry) bool { return e.Msg == msg })
}

// stop ends the kiosk as a person would.
func (r *running) stop() {
	if r.cmd.ProcessState != nil {
		return
	}
	r.cmd.Process.Signal(syscall.SIGTERM)
	for range r.logs {
	}
	r.cmd.Wait()
}

func TestRun_Refuses(t *testing.T) {
	portal := newStandIn(t)
	dir := enrolled(t, portal)
	file := filepath.Join(dir, "file")
	os.WriteFile(file, nil, 0o600)
	for name, test := range map[string]struct {
		dir    string
		args   []string
		status int
		text   string
	}{
		"not enrolled":         {t.TempDir(), []string{"--no-window"}, 1, "kiosk: run: not enrolled: run kiosk enrol"},
		"no display":           {dir, nil, 1, "kiosk: run: no display"},
		"unknown flag":         {dir, []string{"--scaner", "x"}, 2, "did you mean --scanner?"},
		"portal over http":     {dir, []string{"--no-window", "--portal", "http://portal.example"}, 2, "want https"},
		"portal with a path":   {dir, []string{"--no-window", "--portal", "https://portal.example/k"}, 2, "want nothing after the host"},
		"listen for all":       {dir, []string{"--no-window", "--listen", "0.0.0.0:0"}, 2, "want an address of this machine"},
		"scanner is a file":    {dir, []string{"--no-window", "--listen", "127.0.0.1:0", "--scanner", file}, 1, "not an input device and not a pipe"},
		"scanner is not there": {dir, []string{"--no-window", "--listen", "127.0.0.1:0", "--scanner", file + "2"}, 1, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, errs := program(t, test.dir, "", nil, append([]string{"run"}, test.args...)...)
			if status != test.status || !strings.Contains(errs, test.text) {
				t.Errorf("status %d, %q; want %d, %q", status, errs, test.status, test.text)
			}
		})
	}
}

func TestEnrol_Refuses(t *testing.T) {
	portal := newStandIn(t)
	dir := enrolled(t, portal)
	key := filepath.Join(dir, "data.keys", "kiosk.key")
	before, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ stdin, flag, text string }{
		"enrolled already": {"12345678", "--again=false", "enrolled already"},
		"seven digits":     {"1234567", "--again", "eight digits"},
		"letters":          {"1234567B", "--again", "eight digits"},
		"nothing":          {"", "--again", "eight digits"},
		"wrong digits":     {"87654321", "--again", "refused the digits"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, errs := program(t, dir, test.stdin+"\n", nil, "enrol", "--portal", portal.URL, test.flag)
			if status != 1 || out != "" || !strings.Contains(errs, test.text) {
				t.Errorf("status %d, %q, %q", status, out, errs)
			}
			if after, err := os.ReadFile(key); err != nil || string(after) != string(before) {
				t.Errorf("the key changed: %v", err)
			}
		})
	}
	t.Run("again", func(t *testing.T) {
		status, _, errs := program(t, dir, "12345678\n", nil, "enrol", "--portal", portal.URL, "--again")
		after, err := os.ReadFile(key)
		if status != 0 || err != nil || string(after) == string(before) {
			t.Errorf("status %d, %q, %v", status, errs, err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "data.keys", "*.new")); len(left) > 0 {
			t.Errorf("left %v", left)
		}
	})
}

func TestShow_RefusesWhereNoDemoRuns(t *testing.T) {
	dir := t.TempDir()
	status, _, errs := program(t, dir, "", nil, "show", "BCDEFGH")
	if status != 1 || !strings.Contains(errs, "no demo kiosk runs") || strings.Contains(errs, "BCDEFGH") {
		t.Errorf("status %d, %q", status, errs)
	}
	// The marker of a killed one is not locked.
	os.MkdirAll(filepath.Join(dir, "data"), 0o700)
	os.WriteFile(filepath.Join(dir, "data", demoMarker), []byte(`{"scanner":"/dev/null"}`), 0o600)
	status, _, errs = program(t, dir, "BCDEFGH", nil, "show")
	if status != 1 || !strings.Contains(errs, "no demo kiosk runs") {
		t.Errorf("stale marker: status %d, %q", status, errs)
	}
}
