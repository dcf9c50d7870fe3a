package supervisor

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// passed are the variables that a child gets from ours: where the screen, the
// sound and the programs are, how text is to be shown. All others stay out, so
// that nothing leads to a folder that outlives the session.
var passed = []string{"DISPLAY", "XAUTHORITY", "PULSE_SERVER", "PULSE_COOKIE", "PATH", "LANG", "LC_ALL", "TZ",
	"LD_LIBRARY_PATH", "LIBGL_ALWAYS_SOFTWARE", "AT_SPI_BUS_ADDRESS", "GDK_SCALE", "GDK_DPI_SCALE", "CONSIGNE_TESTCLOCK"}

// fixed keep libraries from looking elsewhere. A bus that is switched off is not
// started: the one that GLib would start lives longer than the session and
// outside its process group. Pages are painted without a graphics card's language:
// on a box without such a card each new session would build its shaders anew, a
// second of processor time before the first picture.
var fixed = []string{"DBUS_SESSION_BUS_ADDRESS=disabled:", "GDK_BACKEND=x11", "GIO_USE_VFS=local", "GSETTINGS_BACKEND=memory", "MESA_SHADER_CACHE_DISABLE=true", "GST_REGISTRY_FORK=no", "WEBKIT_DISABLE_COMPOSITING_MODE=1"}

// environment is that of a child: from ours, with the home's folders and shared
// for what all children of a run may share.
func environment(ours, home []string, shared string) []string {
	var env []string
	for _, setting := range ours {
		name, _, _ := strings.Cut(setting, "=")
		if slices.Contains(passed, name) {
			env = append(env, setting)
		}
	}
	env = append(env, found(ours)...)
	env = append(env, fixed...)
	// GStreamer lists its parts once for a run and not for each person: a second
	// of waiting, and nothing of theirs.
	env = append(env, "GST_REGISTRY="+filepath.Join(shared, "gstreamer"))
	if value(ours, "AT_SPI_BUS_ADDRESS") == "" {
		env = append(env, "NO_AT_BRIDGE=1")
	}
	return append(env, home...)
}

// found names what our own home would have led to: the display's cookie and the
// sound's socket, which the throw-away home hides.
func found(ours []string) []string {
	home, run := value(ours, "HOME"), value(ours, "XDG_RUNTIME_DIR")
	var env []string
	look := func(name, folder, file, prefix string) {
		path := filepath.Join(folder, file)
		if value(ours, name) != "" || folder == "" {
			return
		}
		if _, err := os.Stat(path); err == nil {
			env = append(env, name+"="+prefix+path)
		}
	}
	look("XAUTHORITY", home, ".Xauthority", "")
	look("PULSE_COOKIE", home, ".config/pulse/cookie", "")
	look("PULSE_SERVER", run, "pulse/native", "unix:")
	return env
}

// value looks a variable up; the last of several counts.
func value(env []string, name string) string {
	for _, setting := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(setting, name+"="); ok {
			return v
		}
	}
	return ""
}
