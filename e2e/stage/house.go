package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pquerna/otp/totp"
)

// Options say how a house is set up.
type Options struct {
	Bin      string   // folder of the built programs
	Dir      string   // folder for data, keys and clock
	Database string   // address of an empty store; SQLite in the data folder when empty
	Env      []string // more for all programs, such as a display
	Empty    bool     // without the demo's people
	Release  bool     // the programs go by the machine's clock: they know no other
}

// A House is portal and smsd running on a store of their own, and a kiosk once
// one is started.
type House struct {
	Options
	Demo   Demo
	Portal *Process
	SMS    *Process
	Kiosk  *Process

	PortalURL string // for desks, phones and kiosks
	PhoneURL  string // the simulated phone's page
	kioskAddr string
	smsAddr   string
	offset    time.Duration
}

// Demo is what `portal demo` printed.
type Demo struct {
	Staff []struct {
		Relay, Email, Password string
		TOTPSecret             string `json:"totp_secret"`
	}
	People []Person
}

// A Person of the demo.
type Person struct {
	ID, Name, Lang, Phone, Card string
	Pictures                    [5]string
	Documents                   []Document
}

// A Document of a person, with the relays that it is shared with.
type Document struct {
	ID, Kind, Title, Type string
	SharedWith            []string `json:"shared_with"`
}

// Open fills a store with the demo and starts portal and smsd.
func Open(ctx context.Context, o Options) (*House, error) {
	h := &House{Options: o}
	if err := os.WriteFile(h.clockFile(), []byte("0s"), 0o600); err != nil {
		return nil, err
	}
	if !o.Empty {
		out, err := h.Run(ctx, nil, "portal", "demo")
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(out, &h.Demo); err != nil {
			return nil, fmt.Errorf("read the demo: %w", err)
		}
	}
	if err := h.start(ctx); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *House) start(ctx context.Context) error {
	addrs, err := freeAddrs(5)
	if err != nil {
		return err
	}
	h.PortalURL, h.PhoneURL, h.smsAddr, h.kioskAddr = "http://"+addrs[0], "http://"+addrs[3], addrs[2], addrs[4]
	if h.Portal, err = h.begin(ctx, "portal", "serve", "--listen", addrs[0], "--internal", addrs[1]); err != nil {
		return err
	}
	if h.SMS, err = h.begin(ctx, "smsd", "run", "--listen", addrs[2], "--internal", addrs[3]); err != nil {
		return err
	}
	return errors.Join(h.ready(ctx, h.Portal, h.PortalURL), h.ready(ctx, h.SMS, h.PhoneURL))
}

// freeAddrs finds ports that nobody listens on.
func freeAddrs(n int) ([]string, error) {
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

// StartKiosk enrols a kiosk with the first relay and starts it as a demo one,
// whose scanner [House.ShowCard] plays.
func (h *House) StartKiosk(ctx context.Context, args ...string) error {
	if err := h.EnrolKiosk(ctx); err != nil {
		return err
	}
	var err error
	h.Kiosk, err = h.begin(ctx, "kiosk", append([]string{"run", "--portal", h.PortalURL, "--listen", h.kioskAddr, "--demo"}, args...)...)
	if err != nil {
		return err
	}
	return h.Kiosk.Hear(ctx, func(line map[string]any) bool { return line["msg"] == "session in front" })
}

// EnrolKiosk makes the kiosk's keys and enrols it.
func (h *House) EnrolKiosk(ctx context.Context) error {
	code, err := h.Run(ctx, nil, "portal", "device", "code", "--relay", h.Demo.Staff[0].Relay)
	if err != nil {
		return err
	}
	_, err = h.Run(ctx, code, "kiosk", "enrol", "--portal", h.PortalURL, "--name", "Borne du hall")
	return err
}

// ShowCard holds a card before the demo kiosk's scanner.
func (h *House) ShowCard(ctx context.Context, text string) error {
	_, err := h.Run(ctx, nil, "kiosk", "show", text)
	return err
}

// Run runs one command to its end and gives what it printed.
func (h *House) Run(ctx context.Context, stdin []byte, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(h.Bin, program), args...)
	cmd.Env, cmd.Stdin = h.env(), bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("%s %s: %w: %s", program, args[0], err, stderr.Bytes())
	}
	return out, nil
}

func (h *House) begin(ctx context.Context, program string, args ...string) (*Process, error) {
	return Start(ctx, program, filepath.Join(h.Bin, program), h.env(), args...)
}

// env is ours without any setting of Consigne's, and with the house's own.
func (h *House) env() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "CONSIGNE_") && !strings.HasPrefix(e, "TWILIO_") {
			env = append(env, e)
		}
	}
	env = append(env, "CONSIGNE_DATA="+h.Data(), "CONSIGNE_KEYS="+h.Keys())
	if _, err := os.Stat(h.clockFile()); err == nil && !h.Release { // a folder that was never opened has no clock
		env = append(env, "CONSIGNE_TESTCLOCK="+h.clockFile())
	}
	if h.Database != "" {
		env = append(env, "CONSIGNE_DATABASE="+h.Database)
	}
	if h.smsAddr != "" {
		env = append(env, "CONSIGNE_SMSD_PUBLIC_URL=http://"+h.smsAddr)
	}
	return append(env, h.Env...)
}

// Data is the folder that a thief or a backup would take.
func (h *House) Data() string { return filepath.Join(h.Dir, "data") }

// Keys is the folder that they would not.
func (h *House) Keys() string { return filepath.Join(h.Dir, "data.keys") }

func (h *House) clockFile() string { return filepath.Join(h.Dir, "clock") }

// Now is the time that the programs see.
func (h *House) Now() time.Time { return time.Now().Add(h.offset) }

// Advance moves the programs' clock.
func (h *House) Advance(d time.Duration) error {
	h.offset += d
	next := h.clockFile() + ".next"
	if err := os.WriteFile(next, []byte(h.offset.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(next, h.clockFile())
}

// Code is what the authenticator of a member of staff shows now.
func (h *House) Code(member int) (string, error) {
	return totp.GenerateCode(h.Demo.Staff[member].TOTPSecret, h.Now())
}

// ready waits until a listener answers that its program is ready.
func (h *House) ready(ctx context.Context, p *Process, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return Until(ctx, func() (bool, error) {
		select {
		case <-p.done:
			return false, fmt.Errorf("%s ended: %v\n%s", p.Name, p.err, p.Said())
		default:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/healthz", nil)
		if err != nil {
			return false, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false, nil // not listening yet
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK, nil
	})
}

// Until asks again and again, twenty times a second, until the answer is yes.
func Until(ctx context.Context, ask func() (bool, error)) error {
	return Every(ctx, 50*time.Millisecond, ask)
}

// Every asks again and again, at that interval, until the answer is yes.
func Every(ctx context.Context, interval time.Duration, ask func() (bool, error)) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if ok, err := ask(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close stops everything, the kiosk first.
func (h *House) Close() error {
	return errors.Join(h.Kiosk.Stop(), h.SMS.Stop(), h.Portal.Stop())
}
