package main

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
	"strings"
	"sync"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/service"
	"consigne/smsd/carrier/twiliotest"
)

// binary builds the real program, with a clock that tests can move, once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "consigne-smsd-")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "smsd")
	out, err := exec.Command("go", "build", "-tags", "testclock", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return path, nil
})

var built string

func TestMain(m *testing.M) {
	status := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(status)
}

// station is a data folder, keys and a clock on which programs are run.
type station struct {
	*testing.T
	dir, url string
	ahead    time.Duration
	twilio   *twiliotest.Server // nil: the simulated phone
	logs     *safeBuffer        // of all runs
	more     []string           // of the environment
}

func newStation(t *testing.T, kind database.Kind) *station {
	s := &station{T: t, dir: t.TempDir(), url: dbtest.URL(t, kind), logs: &safeBuffer{}}
	s.forward(0)
	return s
}

func onBothStores(t *testing.T, fn func(s *station)) {
	t.Helper()
	for _, kind := range []database.Kind{database.SQLite, database.PostgreSQL} {
		t.Run(kind.String(), func(t *testing.T) { fn(newStation(t, kind)) })
	}
}

// forward moves the programs' clock.
func (s *station) forward(d time.Duration) {
	s.Helper()
	s.ahead += d
	path := filepath.Join(s.dir, "clock")
	if err := os.WriteFile(path+".new", []byte(s.ahead.String()), 0o600); err != nil {
		s.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		s.Fatal(err)
	}
}

func (s *station) now() time.Time { return time.Now().Add(s.ahead) }

func (s *station) env() []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "CONSIGNE_DATABASE=" + s.url,
		"CONSIGNE_DATA=" + filepath.Join(s.dir, "data"), "CONSIGNE_KEYS=" + filepath.Join(s.dir, "keys"),
		"CONSIGNE_TESTCLOCK=" + filepath.Join(s.dir, "clock"),
	}
	if s.twilio != nil {
		env = append(env, "TWILIO_ACCOUNT_SID="+s.twilio.Account.SID, "TWILIO_AUTH_TOKEN="+s.twilio.Account.Token,
			"TWILIO_FROM="+s.twilio.Account.From, "TWILIO_API_URL="+s.twilio.URL)
	}
	return append(env, s.more...)
}

func (s *station) command(args ...string) *exec.Cmd {
	s.Helper()
	path, err := binary()
	if err != nil {
		s.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = s.env()
	return cmd
}

// run carries out a short command and gives its output and exit status.
func (s *station) run(stdin string, args ...string) (stdout string, status int) {
	s.Helper()
	cmd := s.command(args...)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, s.logs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), exit.ExitCode()
	}
	if err != nil {
		s.Fatal(err)
	}
	return out.String(), 0
}

// enqueue queues messages that are due now and expects all to be accepted.
func (s *station) enqueue(ids ...string) {
	s.Helper()
	var in strings.Builder
	for i, id := range ids {
		in.WriteString(s.line(id, fmt.Sprintf("+33639981%03d", i%1000), "Message "+id))
	}
	out, status := s.run(in.String(), "enqueue")
	if want := strings.Join(ids, " accepted\n") + " accepted\n"; out != want || status != 0 {
		s.Fatalf("enqueue answers %q, status %d: %s", out, status, s.logs)
	}
}

func (s *station) line(id, to, text string) string {
	b, err := json.Marshal(map[string]string{
		"id": id, "to": to, "text": text, "kind": "reminder",
		"due": s.now().Format(time.RFC3339), "expires": s.now().Add(48 * time.Hour).Format(time.RFC3339),
	})
	if err != nil {
		s.Fatal(err)
	}
	return string(b) + "\n"
}

// list gives what "smsd list --json" prints, by id.
func (s *station) list() map[string]listed {
	s.Helper()
	out, status := s.run("", "list", "--json")
	if status != 0 {
		s.Fatalf("list: status %d", status)
	}
	all := map[string]listed{}
	for line := range strings.Lines(out) {
		var l listed
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			s.Fatal(err)
		}
		all[l.ID] = l
	}
	return all
}

// daemon is a running "smsd run".
type daemon struct {
	*station
	cmd                *exec.Cmd
	webhooks, internal string
	ended              chan error
}

// start runs the daemon and waits until it listens and works.
func (s *station) start() *daemon {
	s.Helper()
	d := &daemon{station: s, cmd: s.command("run", "--listen", "127.0.0.1:0", "--internal", "127.0.0.1:0"), ended: make(chan error, 1)}
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		s.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		s.Fatal(err)
	}
	ready := make(chan bool)
	go d.read(stderr, ready)
	s.Cleanup(func() { d.kill() })
	if ok := <-ready; !ok {
		s.Fatalf("the daemon did not start: %s", s.logs)
	}
	return d
}

// read keeps the log and finds the addresses in it.
func (d *daemon) read(stderr io.Reader, ready chan<- bool) {
	lines := bufio.NewScanner(stderr)
	started := false
	for lines.Scan() {
		fmt.Fprintln(d.logs, lines.Text())
		var l struct{ Msg, Listener, Addr string }
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue
		}
		switch {
		case l.Listener == "webhooks" && l.Addr != "":
			d.webhooks = "http://" + l.Addr
		case l.Listener == "internal" && l.Addr != "":
			d.internal = "http://" + l.Addr
		case l.Msg == "started" && !started:
			started = true
			ready <- true
		}
	}
	if !started {
		ready <- false
	}
	d.ended <- d.cmd.Wait()
}

// kill ends the process as a power cut would.
func (d *daemon) kill() {
	if d.cmd.ProcessState == nil {
		d.cmd.Process.Kill()
	}
	if d.ended != nil {
		<-d.ended
		d.ended = nil
	}
}

// await looks at the list until done, moving the clock by step each time.
func (s *station) await(step time.Duration, done func(map[string]listed) bool) map[string]listed {
	s.Helper()
	look := time.NewTicker(150 * time.Millisecond)
	defer look.Stop()
	late := time.After(2 * time.Minute)
	for {
		all := s.list()
		if done(all) {
			return all
		}
		select {
		case <-look.C:
			s.forward(step)
		case <-late:
			s.Fatalf("not there after two minutes: %v", all)
		}
	}
}

// inProcess carries out a command without a process of its own.
func (s *station) inProcess(stdin string, args ...string) (stdout, stderr string, status int) {
	s.Helper()
	var out, errs bytes.Buffer
	status = program().Run(context.Background(), args, []string{
		"CONSIGNE_DATABASE=" + s.url, "CONSIGNE_KEYS=" + filepath.Join(s.dir, "keys"),
	}, &service.Env{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs})
	return out.String(), errs.String(), status
}

// safeBuffer is a buffer for several writers.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
