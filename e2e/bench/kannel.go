package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"consigne/e2e/stage"
)

var errNoKannel = errors.New("no Kannel here")

const (
	kannelMessages = 10_000
	kannelClients  = 32
)

// kannelConfig is a bearerbox with a spool store, one operator that it speaks
// HTTP to, and an smsbox; %[1]s is a folder, the rest ports and the operator.
const kannelConfig = `group = core
admin-port = %[2]d
admin-interface = 127.0.0.1
admin-password = bench
smsbox-port = %[3]d
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
store-type = spool
store-location = %[1]s/spool
log-file = %[1]s/bearerbox.log
log-level = 2

group = smsc
smsc = http
smsc-id = bench
system-type = kannel
smsc-username = bench
smsc-password = bench
port = %[5]d
send-url = "%[6]s/send"
max-pending-submits = 256

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = %[3]d
sendsms-port = %[4]d
sendsms-interface = 127.0.0.1
log-file = %[1]s/smsbox.log
log-level = 2

group = sendsms-user
username = bench
password = bench
max-messages = 1
concatenation = false

group = sms-service
keyword = default
text = unused
max-messages = 0
`

// kannel measures Kannel from its spool to the operator.
func kannel(ctx context.Context, dir string, carrier *instant) (f figure, err error) {
	f = figure{name: "Kannel, from its spool", unit: "messages/s"}
	bearerbox, err := exec.LookPath("bearerbox")
	smsbox, err2 := exec.LookPath("smsbox")
	if err != nil || err2 != nil {
		return f, errNoKannel
	}
	ports, err := freePorts(4)
	if err != nil {
		return f, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "spool"), 0o700); err != nil {
		return f, err
	}
	path := filepath.Join(dir, "kannel.conf")
	config := fmt.Sprintf(kannelConfig, dir, ports[0], ports[1], ports[2], ports[3], carrier.URL)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return f, err
	}
	for _, box := range []string{bearerbox, smsbox} {
		p, err := stage.Start(ctx, filepath.Base(box), box, []string{"HOME=" + dir}, "-v", "4", path)
		if err != nil {
			return f, err
		}
		defer p.Kill()
		if err := listening(ctx, map[string]int{bearerbox: ports[1], smsbox: ports[2]}[box]); err != nil {
			return f, fmt.Errorf("%s: %w: %s", filepath.Base(box), err, p.Said())
		}
	}
	carrier.expect(kannelMessages, 0)
	carrier.hold()
	err = fillKannel(ctx, ports[2])
	carrier.release()
	if err != nil {
		return f, err
	}
	rate, err := carrier.rate(ctx)
	f.values = append(f.values, rate)
	return f, err
}

// fillKannel hands over all messages through smsbox.
func fillKannel(ctx context.Context, port int) error {
	texts := make(chan int)
	failed := make(chan error, kannelClients)
	var handing sync.WaitGroup
	for range kannelClients {
		handing.Go(func() {
			for i := range texts {
				q := url.Values{"username": {"bench"}, "password": {"bench"}, "from": {"Consigne"}, "to": {fmt.Sprintf("+336%08d", 39980000+i)},
					"text": {"Rappel : rendez-vous demain jeudi 26 novembre a 14h30, Le Cedre. Repondre STOP pour ne plus rien recevoir."}}
				if err := fetch(ctx, fmt.Sprintf("http://127.0.0.1:%d/cgi-bin/sendsms?%s", port, q.Encode())); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var err error
	for i := 0; i < kannelMessages && err == nil; i++ {
		select {
		case texts <- i:
		case err = <-failed:
		}
	}
	close(texts)
	handing.Wait()
	return err
}

func fetch(ctx context.Context, address string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := wire.RoundTrip(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("kannel answers %s: %s", res.Status, body)
	}
	return err
}

func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // once all are found, so that none is found twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// listening waits until somebody listens on a port.
func listening(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return stage.Until(ctx, func() (bool, error) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false, nil
		}
		return true, c.Close()
	})
}

// program runs a command to its end with that input.
func program(ctx context.Context, in io.Reader, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin, cmd.Env = in, env
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	return string(out), err
}
