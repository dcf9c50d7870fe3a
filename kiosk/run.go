package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"

	"consigne/internal/service"
	"consigne/kiosk/control"
	"consigne/kiosk/device"
	"consigne/kiosk/home"
	"consigne/kiosk/session"
	"consigne/kiosk/supervisor"
	"consigne/kiosk/window"
)

// ownProgram is this very program, even after an upgrade put another in its place.
const ownProgram = "/proc/self/exe"

// runFlags are the flags of run.
type runFlags struct {
	data, keys, portal, scanner, reader, listen *string
	noWindow, demo                              *bool
}

func setupRun(f *service.Flags) service.Run {
	flags := runFlags{
		data:     f.String("data", "data", "`DIR` of the store; a demo's pipe lies there"),
		keys:     keysFlag(f),
		portal:   f.String("portal", "", "`URL` of the portal (default: the one it was enrolled with)"),
		scanner:  f.String("scanner", "", "`PATH` of the scanner, an input device or a pipe that speaks input_event"),
		reader:   f.String("reader", "right", "`SIDE` of the screen where the scanner is: right, left or below"),
		listen:   f.String("listen", "127.0.0.1:8100", "`ADDR` for an ordinary browser, with --no-window"),
		noWindow: f.Bool("no-window", false, "serve the pages to an ordinary browser on this machine"),
		demo:     f.Bool("demo", false, "show the cursor, and let kiosk show play the scanner"),
	}
	return func(ctx context.Context, env *service.Env) error {
		if err := flags.run(ctx, env); err != nil {
			return fmt.Errorf("run: %w", err)
		}
		return nil
	}
}

func keysFlag(f *service.Flags) *string {
	return f.String("keys", "", "`DIR` of the key files (default: the data folder's name and .keys)")
}

func (f runFlags) run(ctx context.Context, env *service.Env) error {
	if err := service.Harden(); err != nil {
		return err
	}
	config, err := f.config()
	if err != nil {
		return err
	}
	options := supervisor.Options{
		Program: ownProgram, Args: []string{"kiosk", sessionWord}, Environ: os.Environ(),
		Config: config, Scanner: *f.scanner, Noise: *f.demo, Log: env.Log,
	}
	if *f.noWindow {
		if options.Listener, err = listen(*f.listen); err != nil {
			return err
		}
		options.Config.Host = options.Listener.Addr().String()
		env.Log.Info("listening", "listener", "kiosk", "addr", options.Config.Host)
	}
	if *f.demo {
		demo, err := openDemo(*f.data, *f.scanner)
		if err != nil {
			return err
		}
		options.Scanner = demo.Scanner
		return errors.Join(supervise(ctx, options), demo.Close())
	}
	return supervise(ctx, options)
}

// supervise runs with homes that go when it is over. The port is given back with
// the process.
func supervise(ctx context.Context, o supervisor.Options) (err error) {
	if o.Root, err = home.Open(home.Memory); err != nil {
		return err
	}
	return errors.Join(supervisor.Run(ctx, o), o.Root.Close())
}

// config is what every child is told.
func (f runFlags) config() (control.Config, error) {
	if !*f.noWindow && os.Getenv("DISPLAY") == "" {
		return control.Config{}, fmt.Errorf("%w: set DISPLAY, or say --no-window", window.ErrNoDisplay)
	}
	if !slices.Contains([]string{"right", "left", "below"}, *f.reader) {
		return control.Config{}, service.Usagef("--reader: want right, left or below, not %q", *f.reader)
	}
	dev, info, err := device.Load(keysDir(*f.data, *f.keys))
	if err != nil {
		return control.Config{}, err
	}
	portal := *f.portal
	if portal == "" {
		portal = info.Portal
	}
	address, err := device.ParsePortal(portal)
	if err != nil {
		return control.Config{}, service.Usagef("--portal: %v", err)
	}
	return control.Config{
		Portal: address.String(), Device: dev.ID, Key: dev.Key.Bytes(), Window: !*f.noWindow, Cursor: *f.demo,
		Reader: *f.reader,
	}, nil
}

// listen opens the port for an ordinary browser. It is for this machine only:
// who reaches it stands, for the portal, in front of the kiosk.
func listen(addr string) (*net.TCPListener, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil || !to.Addr().IsLoopback() {
		return nil, service.Usagef("--listen: want an address of this machine, such as 127.0.0.1:8100")
	}
	return net.ListenTCP("tcp", net.TCPAddrFromAddrPort(to))
}

// runSession is the other end of supervisor: one session's child.
func runSession() int {
	logs := os.NewFile(control.LogFD, "log")
	l := slog.New(slog.NewJSONHandler(logs, nil)).With("program", "kiosk", "pid", os.Getpid())
	if err := service.Harden(); err != nil {
		l.Error("session", "error", err)
		return service.StatusFailed
	}
	conn, err := control.Inherited()
	if err == nil {
		err = session.RunChild(conn, openWindow(l), l)
	}
	if err != nil {
		l.Error("session", "error", err)
		return service.StatusFailed
	}
	return service.StatusDone
}

func openWindow(l *slog.Logger) func(session.WindowOptions) (session.Window, error) {
	return func(o session.WindowOptions) (session.Window, error) {
		w, err := window.Open(window.Options(o))
		if err != nil {
			return nil, err
		}
		m := w.Monitor()
		l.Info("window", "width", m.Width, "height", m.Height, "zoom", m.Zoom, "mm", m.WidthMM)
		if m.Small() {
			l.Warn("the monitor is small: what is to be touched is under 20 mm on it")
		}
		return w, nil
	}
}
