// Package screen is a monitor, a touch panel and a loudspeaker for the real
// window: Xvfb with a window manager, xdotool, a sound server whose sink can be
// recorded, and the accessibility tree, in which a test sees what a person who
// cannot see would be told.
package screen

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"consigne/e2e/stage"
)

// A Screen is one monitor with what belongs to it.
type Screen struct {
	Width, Height int
	display       string
	dir           string
	bus           string // of the session
	access        string // of the accessibility tree
	tree          *dbus.Conn
	parts         []*stage.Process
}

// Open starts a monitor of that size. dir is an empty folder for its sockets.
func Open(ctx context.Context, dir string, width, height int) (*Screen, error) {
	s := &Screen{Width: width, Height: height, dir: dir}
	for _, start := range []func(context.Context) error{s.startDisplay, s.startManager, s.startBus, s.startAccess, s.startSound} {
		if err := start(ctx); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// startDisplay lets Xvfb choose a free number and tell it.
func (s *Screen) startDisplay(ctx context.Context) error {
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		return err
	}
	file := filepath.Join(s.dir, "display")
	p, err := stage.Start(ctx, "Xvfb", "/bin/sh", os.Environ(), "-c",
		`exec "$0" -displayfd 3 -screen 0 "$1" -nolisten tcp -dpi 96 3>"$2"`, path, fmt.Sprintf("%dx%dx24", s.Width, s.Height), file)
	if err != nil {
		return err
	}
	s.parts = append(s.parts, p)
	return s.until(ctx, "display", func() (bool, error) {
		b, err := os.ReadFile(file)
		s.display = ":" + strings.TrimSpace(string(b))
		return err == nil && strings.HasSuffix(string(b), "\n"), nil
	})
}

func (s *Screen) startManager(ctx context.Context) error {
	return s.start(ctx, "openbox", "openbox", "--sm-disable")
}

func (s *Screen) startBus(ctx context.Context) error {
	socket := "unix:path=" + filepath.Join(s.dir, "bus")
	if err := s.start(ctx, "dbus", "dbus-daemon", "--session", "--nofork", "--nopidfile", "--address="+socket); err != nil {
		return err
	}
	s.bus = socket
	return s.until(ctx, "bus", func() (bool, error) {
		_, err := os.Stat(filepath.Join(s.dir, "bus"))
		return err == nil, nil
	})
}

func (s *Screen) startAccess(ctx context.Context) error {
	if err := s.start(ctx, "at-spi", "/usr/libexec/at-spi-bus-launcher", "--launch-immediately"); err != nil {
		return err
	}
	session, err := dbus.Connect(s.bus, dbus.WithContext(ctx))
	if err != nil {
		return err
	}
	defer session.Close()
	if err := s.until(ctx, "accessibility bus", func() (bool, error) {
		err := session.Object("org.a11y.Bus", "/org/a11y/bus").CallWithContext(ctx, "org.a11y.Bus.GetAddress", 0).Store(&s.access)
		return err == nil && s.access != "", nil
	}); err != nil {
		return err
	}
	s.tree, err = dbus.Connect(s.access)
	return err
}

// startSound starts a sound server with one sink that nobody hears.
func (s *Screen) startSound(ctx context.Context) error {
	err := s.start(ctx, "pulseaudio", "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit", "--use-pid-file=no",
		"--load=module-native-protocol-unix auth-anonymous=1 socket="+s.soundSocket(), "--load=module-null-sink sink_name=ear rate=44100 channels=1")
	if err != nil {
		return err
	}
	return s.until(ctx, "sound", func() (bool, error) {
		return exec.CommandContext(ctx, "pactl", "-s", s.soundServer(), "info").Run() == nil, nil
	})
}

func (s *Screen) soundSocket() string { return filepath.Join(s.dir, "sound") }
func (s *Screen) soundServer() string { return "unix:" + s.soundSocket() }

func (s *Screen) start(ctx context.Context, name, program string, args ...string) error {
	path, err := exec.LookPath(program)
	if err != nil {
		return err
	}
	p, err := stage.Start(ctx, name, path, append(os.Environ(), s.own()...), args...)
	if err == nil {
		s.parts = append(s.parts, p)
	}
	return err
}

func (s *Screen) until(ctx context.Context, what string, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := stage.Until(ctx, ask); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (s *Screen) own() []string {
	return []string{"DISPLAY=" + s.display, "HOME=" + s.dir, "XDG_RUNTIME_DIR=" + s.dir, "DBUS_SESSION_BUS_ADDRESS=" + s.bus}
}

// Env is what a program needs to be on this screen and heard.
func (s *Screen) Env() []string {
	return []string{"DISPLAY=" + s.display, "PULSE_SERVER=" + s.soundServer(), "AT_SPI_BUS_ADDRESS=" + s.access}
}

// Close takes the screen down.
func (s *Screen) Close() error {
	var errs []error
	if s.tree != nil {
		errs = append(errs, s.tree.Close())
	}
	for i := len(s.parts) - 1; i >= 0; i-- {
		errs = append(errs, s.parts[i].Stop())
	}
	return errors.Join(errs...)
}

func (s *Screen) tool(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "xdotool", args...)
	cmd.Env = append(os.Environ(), s.own()...)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("xdotool %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Touch puts a finger on the middle of a thing.
func (s *Screen) Touch(ctx context.Context, n Node) error {
	x, y := n.Min.X+n.Dx()/2, n.Min.Y+n.Dy()/2
	_, err := s.tool(ctx, "mousemove", strconv.Itoa(x), strconv.Itoa(y), "click", "1")
	return err
}

// Shot takes a picture of the whole screen.
func (s *Screen) Shot(ctx context.Context) (image.Image, error) {
	cmd := exec.CommandContext(ctx, "import", "-silent", "-window", "root", "png:-")
	cmd.Env = append(os.Environ(), s.own()...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	img, err := png.Decode(out)
	_, rest := io.Copy(io.Discard, out)
	return img, errors.Join(err, rest, cmd.Wait())
}

// Save takes a picture of the whole screen into a file.
func (s *Screen) Save(ctx context.Context, path string) error {
	img, err := s.Shot(ctx)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(png.Encode(f, img), f.Close())
}
