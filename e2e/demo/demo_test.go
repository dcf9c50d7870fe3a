package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"consigne/e2e/stage"
	"consigne/internal/service"
)

// built makes the three programs once for this test binary.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "consigne-bin-")
	if err != nil {
		return "", err
	}
	return dir, stage.Build(context.Background(), dir, "")
})

func TestMain(m *testing.M) {
	status := m.Run()
	if dir, err := built(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(status)
}

// running is one "demo run" on ports of its own.
type running struct {
	t     *testing.T
	said  lines
	text  string
	stop  context.CancelFunc
	ended chan int
	errs  *bytes.Buffer
}

type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func start(t *testing.T, data string) *running {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	t.Setenv("DISPLAY", "")
	for _, name := range []string{"PORTAL_LISTEN", "PORTAL_INTERNAL", "SMSD_LISTEN", "SMSD_INTERNAL", "KIOSK_LISTEN"} {
		t.Setenv("CONSIGNE_"+name, "127.0.0.1:0")
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &running{t: t, said: make(lines, 1000), stop: stop, ended: make(chan int, 1), errs: &bytes.Buffer{}}
	go func() {
		env := &service.Env{Stdin: strings.NewReader(""), Stdout: r.said, Stderr: r.errs}
		r.ended <- program().Run(ctx, []string{"run", "--bin", bin, "--data", data}, nil, env)
		close(r.said)
	}()
	return r
}

// until reads what the program says up to a text.
func (r *running) until(text string) {
	r.t.Helper()
	late := time.After(3 * time.Minute)
	for !strings.Contains(r.text, text) {
		select {
		case line, more := <-r.said:
			if !more {
				r.t.Fatalf("it ended with status %d before it said %q:\n%s%s", <-r.ended, text, r.text, r.errs)
			}
			r.text += line
		case <-late:
			r.t.Fatalf("it never said %q:\n%s", text, r.text)
		}
	}
}

// finish stops it and wants status 0.
func (r *running) finish() {
	r.t.Helper()
	r.stop()
	if status := <-r.ended; status != service.StatusDone {
		r.t.Errorf("asked to stop, it ended with status %d:\n%s", status, r.errs)
	}
}

func (r *running) find(pattern string) string {
	r.t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(r.text)
	if found == nil {
		r.t.Fatalf("nothing like %s in:\n%s", pattern, r.text)
	}
	return found[1]
}

func answers(t *testing.T, url string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || len(body) == 0 {
		t.Errorf("%s answers %d, %v\n%s", url, resp.StatusCode, err, body)
	}
}

// TestRun fills an empty folder, walks to every address, stops, and starts again with the same people.
func TestRun(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	first := start(t, data)
	first.until("People show their card")
	for _, pattern := range []string{`relay desk +(\S+)`, `kiosk +(http\S+)`, `simulated phone +(\S+)`, `metrics +(\S+)`} {
		answers(t, first.find(pattern))
	}
	info, err := os.Stat(data + ".keys/demo.json")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("demo.json: %v, %v; want mode 0600", info, err)
	}
	first.until("\n    " + filepath.Join(mustBuilt(t), "kiosk") + " show --data " + data + " ")
	var codes bytes.Buffer
	env := &service.Env{Stdout: &codes, Stderr: first.errs}
	if status := program().Run(t.Context(), []string{"codes", "--data", data}, nil, env); status != service.StatusDone {
		t.Errorf("codes: status %d\n%s", status, first.errs)
	}
	if !regexp.MustCompile(`(?m)^\d{6}  \S+@\S+$`).MatchString(codes.String()) {
		t.Errorf("codes: no six digits and e-mail in\n%s", &codes)
	}
	password := first.find(`password +(\S+)`)
	first.finish()

	second := start(t, data)
	second.until("People show their card")
	if strings.Contains(second.text, "Filling") || second.find(`password +(\S+)`) != password {
		t.Errorf("the second start does not know the first one's people:\n%s", second.text)
	}
	second.finish()
}

func mustBuilt(t *testing.T) string {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// TestRun_OwnData starts on a folder that somebody uses: nothing is filled in.
func TestRun_OwnData(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	relay := exec.Command(filepath.Join(mustBuilt(t), "portal"), "relay", "add", "--data", data, "--name", "Le Relais", "--phone", "+33140000000")
	if out, err := relay.CombinedOutput(); err != nil {
		t.Fatalf("make a relay: %v\n%s", err, out)
	}
	r := start(t, data)
	r.until("in use and holds no demo")
	answers(t, r.find(`relay desk +(\S+)`))
	if !strings.Contains(r.text, "kiosk enrol --portal http://127.0.0.1:") {
		t.Errorf("it does not say how to enrol the kiosk:\n%s", r.text)
	}
	r.finish()
	if _, err := os.Stat(data + ".keys/demo.json"); err == nil {
		t.Error("a demo was made in a folder in use")
	}
}

// TestRun_Fails wants everything stopped again, and a word about why, when one program cannot start.
func TestRun_Fails(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "consigne.db"), bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, data)
	if status := <-r.ended; status != service.StatusFailed {
		t.Errorf("status %d, want %d", status, service.StatusFailed)
	}
	if errs := r.errs.String(); !strings.Contains(errs, "portal: serve: ") || !strings.Contains(errs, "demo: run: portal ended: exit status 1") {
		t.Errorf("it says:\n%s", errs)
	}
}
