package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"consigne/cards"
)

// visitor asks a kiosk without a window as an ordinary browser does.
type visitor struct {
	t      *testing.T
	client *http.Client
	base   string // http://127.0.0.1:PORT
}

func newVisitor(t *testing.T, k *running) *visitor {
	t.Helper()
	at := k.wait("an address", func(e entry) bool { return e.Msg == "listening" })
	return &visitor{t, &http.Client{Timeout: 60 * time.Second}, "http://" + at.Addr}
}

// open goes to a page and gives where it led and what it said.
func (v *visitor) open(url string) (at, body string) {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html")
	response, err := v.client.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return response.Request.URL.String(), string(b)
}

// next waits for the page to which a card leads, as the page's script does.
func (v *visitor) next(page string) string {
	v.t.Helper()
	_, body := v.open(strings.TrimSuffix(page, "k/rest") + "-/next")
	var next struct{ Go string }
	if err := json.Unmarshal([]byte(body), &next); err != nil {
		v.t.Fatalf("next: %v", err)
	}
	return strings.TrimSuffix(page, "rest") + next.Go
}

func TestBrowser_SessionAfterSession(t *testing.T) {
	portal := newStandIn(t)
	dir := enrolled(t, portal)
	k := start(t, dir, nil, "--no-window", "--demo", "--listen", "127.0.0.1:0")
	v := newVisitor(t, k)
	k.wait("a warm spare", isWarm(2))
	before := ""
	for number := range 2 {
		rest, body := v.open(v.base + "/")
		if !strings.HasSuffix(rest, "/k/rest") || !strings.Contains(body, "<h1>rest</h1>") {
			t.Fatalf("session %d does not begin at rest", number)
		}
		if rest == before {
			t.Fatalf("session %d has the token of the one before", number)
		}
		before = rest
		if status, _, errs := program(t, dir, cards.New().Text(), nil, "show", "-"); status != 0 {
			t.Fatalf("show: %s", errs)
		}
		if _, body := v.open(v.next(rest)); !strings.Contains(body, "<h1>code</h1>") {
			t.Fatalf("session %d: the card led elsewhere", number)
		}
		// The end leads to the next child, which the connection waits for.
		after, _ := v.open(strings.TrimSuffix(rest, "k/rest") + "-/end")
		if !strings.HasSuffix(after, "/k/rest") || after == rest {
			t.Fatalf("session %d does not end at another child's rest", number)
		}
		k.wait("the session's end", func(e entry) bool { return e.Msg == "session ended" && e.Why == "left" })
		k.wait("the home's removal", func(e entry) bool { return e.Msg == "session wiped" })
	}
}

func TestBrowser_AnotherPortHolderIsTold(t *testing.T) {
	portal := newStandIn(t)
	dir := enrolled(t, portal)
	k := start(t, dir, nil, "--no-window", "--demo", "--listen", "127.0.0.1:0")
	v := newVisitor(t, k)
	status, _, errs := program(t, dir, "", nil, "run", "--no-window", "--listen", strings.TrimPrefix(v.base, "http://"))
	if status != 1 || !strings.Contains(errs, "address already in use") {
		t.Errorf("a second kiosk on the port: status %d, %q", status, errs)
	}
	status, _, errs = program(t, dir, "", nil, "run", "--no-window", "--listen", "127.0.0.1:0", "--demo")
	if status != 1 || !strings.Contains(errs, "another demo kiosk runs") {
		t.Errorf("a second demo on the data: status %d, %q", status, errs)
	}
}

func TestBrowser_KilledKioskIsSweptByTheNext(t *testing.T) {
	portal := newStandIn(t)
	dir := enrolled(t, portal)
	killed := start(t, dir, nil, "--no-window", "--listen", "127.0.0.1:0")
	root := killed.waitFor("supervising").Homes
	killed.wait("a warm spare", isWarm(2))
	children := childrenOf(t, killed.cmd.Process.Pid)
	killed.cmd.Process.Signal(syscall.SIGKILL)
	killed.cmd.Wait()
	for _, pid := range children {
		for !dead(pid) { // the kernel ends them with their maker
		}
	}
	k := start(t, dir, nil, "--no-window", "--listen", "127.0.0.1:0")
	k.waitFor("session in front")
	if _, err := os.Stat(root); !os.IsNotExist(err) {
		t.Errorf("what a killed kiosk left is still there: %v", err)
	}
}

// dead tells whether a process is gone, or only its status is left.
func dead(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}
