package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEnvironment_NothingLeadsOut(t *testing.T) {
	real := t.TempDir()
	ours := []string{"HOME=" + real, "XDG_CONFIG_HOME=" + real, "XDG_RUNTIME_DIR=" + real, "TMPDIR=" + real, "PATH=/bin", "DISPLAY=:1",
		"DBUS_SESSION_BUS_ADDRESS=unix:path=/run/bus", "CONSIGNE_DATA=/data", "WAYLAND_DISPLAY=wayland-0", "PULSE_SERVER=unix:/run/pulse"}
	got := environment(ours, []string{"HOME=/home-1", "TMPDIR=/home-1/tmp"}, "/shared")
	for name, want := range map[string]string{
		"HOME": "/home-1", "TMPDIR": "/home-1/tmp", "PATH": "/bin", "DISPLAY": ":1", "PULSE_SERVER": "unix:/run/pulse",
		"DBUS_SESSION_BUS_ADDRESS": "disabled:", "XDG_CONFIG_HOME": "", "WAYLAND_DISPLAY": "", "CONSIGNE_DATA": "",
		"GST_REGISTRY": "/shared/gstreamer",
	} {
		if v := value(got, name); v != want {
			t.Errorf("%s=%s, want %q", name, v, want)
		}
	}
	if all := strings.Join(got, "\n"); strings.Contains(all, real) {
		t.Errorf("the real home is still named:\n%s", all)
	}
	names := map[string]bool{}
	for _, setting := range got {
		name, _, _ := strings.Cut(setting, "=")
		if names[name] {
			t.Errorf("%s stands twice", name)
		}
		names[name] = true
	}
}

func TestEnvironment_FindsSoundAndDisplay(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".config/pulse/cookie", ".Xauthority", "pulse/native"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ours := []string{"HOME=" + dir, "XDG_RUNTIME_DIR=" + dir}
	want := []string{"XAUTHORITY=" + dir + "/.Xauthority", "PULSE_COOKIE=" + dir + "/.config/pulse/cookie", "PULSE_SERVER=unix:" + dir + "/pulse/native"}
	if diff := cmp.Diff(want, found(ours)); diff != "" {
		t.Error(diff)
	}
	if got := found(append(ours, "XAUTHORITY=/x", "PULSE_COOKIE=/c", "PULSE_SERVER=s")); len(got) > 0 {
		t.Errorf("what is set already: %v", got)
	}
	if got := found([]string{"HOME=" + t.TempDir()}); len(got) > 0 {
		t.Errorf("where nothing is: %v", got)
	}
}
