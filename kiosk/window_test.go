package main

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	_ "image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"consigne/cards"
	"consigne/kiosk/home"
)

// background runs a program until the test ends.
func background(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
}

// screen starts an X server without a screen and gives its name.
func screen(t *testing.T, size string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", size+"x24", "-nolisten", "tcp", "-noreset")
	cmd.ExtraFiles = []*os.File{w}
	background(t, cmd)
	w.Close()
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb: %v", err)
	}
	return ":" + strings.TrimSpace(number)
}

// sound starts a sound server that nobody hears and gives its address.
func sound(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	socket := filepath.Join(dir, "native")
	cmd := exec.Command("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes",
		"--load=module-null-sink", "--load=module-native-protocol-unix auth-anonymous=1 socket="+socket)
	cmd.Env = []string{"HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "PATH=" + os.Getenv("PATH")}
	background(t, cmd)
	return "unix:" + socket
}

// picture takes what is on the screen.
func picture(t *testing.T, display string) image.Image {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "import", "-display", display, "-window", "root", "png:-")
	png, err := cmd.Output()
	if err != nil {
		t.Fatalf("picture of the screen: %v", err)
	}
	img, _, err := image.Decode(bytes.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// covered tells whether the page's red edge stands at all four edges of the
// screen, and its paper within.
func covered(img image.Image) bool {
	b := img.Bounds()
	red := func(x, y int) bool {
		r, g, b, _ := img.At(x, y).RGBA()
		return r>>8 == 0x9C && g>>8 == 0x14 && b>>8 == 0x20
	}
	r, g, _, _ := img.At(b.Dx()/2, b.Dy()/2).RGBA()
	return red(2, 2) && red(b.Dx()-3, 2) && red(2, b.Dy()-3) && red(b.Dx()-3, b.Dy()-3) &&
		red(b.Dx()/2, b.Dy()-3) && r>>8 == 0xFA && g>>8 == 0xF6
}

// until looks again until what is on the screen fits.
func until(t *testing.T, display, what string, fits func(image.Image) bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		if fits(picture(t, display)) {
			return
		}
	}
	t.Fatalf("not on the screen: %s", what)
}

// changed lists the files under dir that are newer than the mark.
func changed(t *testing.T, mark, dir string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "find", dir, "-newer", mark, "-type", "f").Output()
	if err != nil {
		t.Fatalf("find: %v", err)
	}
	return strings.Fields(string(out))
}

// homes lists the homes in a kiosk's root.
func homes(t *testing.T, root string) []string {
	t.Helper()
	found, err := filepath.Glob(root + "/home-*")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func isWarm(number int) func(entry) bool {
	return func(e entry) bool { return e.Msg == "session warm" && e.Child == number }
}

func TestWindow(t *testing.T) {
	for _, test := range []struct {
		name, size    string
		manager       bool
		width, height int // of the page
	}{
		{"managed", "1280x800", true, 1280, 800},
		{"no manager", "1280x800", false, 1280, 800},
		{"full HD", "1920x1080", true, 1280, 720},
	} {
		t.Run(test.name, func(t *testing.T) {
			display := screen(t, test.size)
			if test.manager {
				manager := exec.Command("openbox", "--config-file", "/dev/null")
				manager.Env = []string{"DISPLAY=" + display, "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
				background(t, manager)
			}
			portal := newStandIn(t)
			dir := enrolled(t, portal)
			k := start(t, dir, []string{"DISPLAY=" + display, "PULSE_SERVER=" + sound(t)}, "--demo")
			got := portal.wait("the clip's end", func(r report) bool { return r.Ended })
			if got.Width != test.width || got.Height != test.height {
				t.Errorf("the page is %d x %d, want %d x %d", got.Width, got.Height, test.width, test.height)
			}
			until(t, display, "the rest page at all edges", covered)
			k.wait("a warm spare", isWarm(2))
			until(t, display, "the rest page over the spare", covered)
		})
	}
}

func TestWindow_Session(t *testing.T) {
	display := screen(t, "1280x800")
	portal := newStandIn(t)
	dir := enrolled(t, portal)
	mark := filepath.Join(t.TempDir(), "mark")
	os.WriteFile(mark, nil, 0o600)
	k := start(t, dir, []string{"DISPLAY=" + display, "PULSE_SERVER=" + sound(t)}, "--demo")
	root := k.waitFor("supervising").Homes
	k.wait("a warm spare", isWarm(2))
	before := homes(t, root)
	if len(before) != 2 || !strings.HasPrefix(root, home.Memory+"/") {
		t.Fatalf("%d homes in %s, want two in memory", len(before), root)
	}

	card := cards.New()
	if status, _, errs := program(t, dir, card.Text(), nil, "show", "-"); status != 0 {
		t.Fatalf("show: %s", errs)
	}
	code := portal.wait("the code page", func(r report) bool { return r.Page == "code" })
	if code.Cookie != "" {
		t.Error("the window has a cookie")
	}
	portal.mu.Lock()
	if len(portal.cards) != 1 || portal.cards[0] != card.Text() {
		t.Error("the portal did not get the card")
	}
	portal.mu.Unlock()

	// A click leads elsewhere, which the window refuses.
	click := exec.CommandContext(t.Context(), "xdotool", "mousemove", "640", "400", "click", "1")
	click.Env = []string{"DISPLAY=" + display}
	if out, err := click.CombinedOutput(); err != nil {
		t.Fatalf("click: %v %s", err, out)
	}
	until(t, display, "the page after a link elsewhere", covered)

	// On a page that asks for no card the scanner is deaf.
	if status, _, errs := program(t, dir, card.Text(), nil, "show", "-"); status != 0 {
		t.Fatalf("show: %s", errs)
	}
	k.wait("a scan that is not used", func(e entry) bool { return e.Msg == "scan" })
	portal.mu.Lock()
	if len(portal.cards) != 1 {
		t.Error("a card went to a page that asks for none")
	}
	portal.mu.Unlock()

	killFront(t, k, 1)
	k.wait("the home's removal", func(e entry) bool { return e.Msg == "session wiped" && e.Child == 1 })
	gone := 0
	for _, path := range before {
		if _, err := os.Stat(path); os.IsNotExist(err) {
			gone++
		}
	}
	if gone != 1 {
		t.Errorf("%d homes are gone after one session, want 1", gone)
	}
	k.stop()
	if _, err := os.Stat(root); !os.IsNotExist(err) {
		t.Errorf("the stopped kiosk's root: %v", err)
	}
	for _, path := range changed(t, mark, dir) {
		t.Errorf("changed: %s", path)
	}
	for _, secret := range []string{card.Text(), "/k/", "secret"} {
		if strings.Contains(k.all.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

// The view's process can crash while the child's own goes on.
func TestWindow_ViewCrashes(t *testing.T) {
	display := screen(t, "1280x800")
	portal := newStandIn(t)
	k := start(t, enrolled(t, portal), []string{"DISPLAY=" + display, "PULSE_SERVER=" + sound(t)})
	k.wait("a warm spare", isWarm(2))
	child := childOf(t, k.cmd.Process.Pid, 1)
	killed := 0
	for _, pid := range childrenOf(t, child) {
		line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		if n, err := strconv.Atoi(pid); err == nil && strings.Contains(string(line), "WebKitWebProcess") {
			killed++
			syscall.Kill(n, syscall.SIGKILL)
		}
	}
	if killed == 0 {
		t.Fatal("the window has no view's process")
	}
	k.wait("the session's end", func(e entry) bool { return e.Msg == "session ended" && e.Why == "window" })
	k.wait("the spare in front", func(e entry) bool { return e.Msg == "session in front" && e.Child == 2 })
	k.wait("another spare", isWarm(3))
	until(t, display, "the rest page of the spare", covered)
	k.stop()
	if log := k.all.String(); strings.Contains(log, "WebKit") || strings.Contains(log, "127.0.0.1") {
		t.Errorf("the log has the words of libraries:\n%s", log)
	}
}

// killFront kills the child in front as nobody could be prepared for, and
// measures how long the next one takes to be there.
func killFront(t *testing.T, k *running, number int) {
	t.Helper()
	pid := childOf(t, k.cmd.Process.Pid, number)
	at := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	k.wait("the spare in front", func(e entry) bool { return e.Msg == "session in front" && e.Child == number+1 })
	took := time.Since(at)
	t.Logf("the spare was in front after %s", took)
	if took > 300*time.Millisecond {
		t.Errorf("the spare was in front after %s, want at most 300ms", took)
	}
}

// childrenOf lists the processes that a process made.
func childrenOf(t *testing.T, parent int) []string {
	t.Helper()
	out, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

// childOf finds the session child that was started first, second, ….
func childOf(t *testing.T, parent, number int) int {
	t.Helper()
	pids := childrenOf(t, parent)
	for _, pid := range pids {
		line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		if strings.Contains(string(line), sessionWord) {
			number--
		}
		if n, err := strconv.Atoi(pid); number == 0 && err == nil {
			return n
		}
	}
	t.Fatalf("no session child among %v", pids)
	return 0
}
