package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"consigne/internal/seal"
	"consigne/kiosk/control"
	"consigne/kiosk/device"
	"consigne/kiosk/reader"
)

// limit is the longest that a session may be open; the portal's own limit is
// shorter, this one holds whatever the portal says.
const limit = 45 * time.Minute

// flushTime is how long the last answer may take to reach an ordinary browser.
const flushTime = time.Second

// Window is what a child shows its pages in.
type Window interface {
	Navigate(url string)
	Raise()
	Answer(back func()) // calls back from the window's own loop
	Run()               // until Close
	Close()
}

// WindowOptions are what a child asks of its window.
type WindowOptions struct {
	Prefix          string
	Beneath, Cursor bool
	Loaded          func()
	Crashed         func()
}

// Child is the process of one session.
type Child struct {
	conn   *control.Conn
	config control.Config
	proxy  *Proxy
	server *http.Server
	window Window // nil without one
	codes  chan reader.Code
	warm   sync.Once
	log    *slog.Logger

	done     chan struct{} // closed when a child without a window is over
	stopping sync.Once

	mu       sync.Mutex
	listener net.Listener
	scanner  *os.File
}

// RunChild is a child's whole life. It waits for its configuration at conn, and
// returns when the session is over or the supervisor is gone. It must be called
// on the main thread, where windows live.
func RunChild(conn *control.Conn, open func(WindowOptions) (Window, error), l *slog.Logger) error {
	m, files, err := conn.Receive()
	if err != nil {
		return err
	}
	if m.Is != control.Configure || m.Config == nil || len(files) > 0 {
		return control.ErrMessage
	}
	c := &Child{conn: conn, config: *m.Config, codes: make(chan reader.Code), done: make(chan struct{}), log: l}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := c.prepare(ctx); err != nil {
		return err
	}
	if c.config.Window {
		if err := c.openWindow(open); err != nil {
			return err
		}
	} else {
		c.report(control.Warm, "")
	}
	go c.proxy.Watch(ctx, limit)
	go c.work(ctx)
	go c.obey()
	if c.window == nil {
		<-c.done
		return nil
	}
	c.window.Navigate(c.proxy.Page(restPage))
	c.window.Run()
	return nil
}

// prepare makes the proxy and, for a window, the address that it answers on.
func (c *Child) prepare(ctx context.Context) error {
	portal, err := device.ParsePortal(c.config.Portal)
	if err != nil {
		return err
	}
	key, err := seal.KeyFrom(c.config.Key)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	clear(c.config.Key)
	host, alias := c.config.Host, ""
	if c.config.Window {
		if c.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return err
		}
		host = c.listener.Addr().String()
	} else if _, port, err := net.SplitHostPort(host); err == nil {
		alias = net.JoinHostPort("localhost", port)
	}
	c.proxy = New(Options{
		Portal: portal, Device: device.Device{ID: c.config.Device, Key: key},
		Host: host, Alias: alias, Window: c.config.Window, Reader: c.config.Reader,
		Close: c.closeListener, Ended: c.ended, Log: c.log,
	})
	c.server = &http.Server{
		Handler:           c.proxy,
		ReadHeaderTimeout: answerTimeout,
		IdleTimeout:       time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // its words hold addresses
	}
	if c.listener != nil {
		go c.answerOn(c.listener)
	}
	return nil
}

// answerOn answers until the listener is closed, which is the session's end.
func (c *Child) answerOn(l net.Listener) {
	err := c.server.Serve(l)
	if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		c.log.Error("session does not answer", "error", err)
	}
}

func (c *Child) openWindow(open func(WindowOptions) (Window, error)) (err error) {
	c.window, err = open(WindowOptions{
		Prefix:  c.proxy.Prefix(),
		Beneath: c.config.Beneath,
		Cursor:  c.config.Cursor,
		Loaded:  func() { c.warm.Do(func() { c.report(control.Warm, "") }) },
		Crashed: func() {
			c.log.Error("window crashed")
			c.proxy.finish(WhyWindow)
		},
	})
	return err
}

// report tells the supervisor. One who cannot be told is gone, and obey sees that.
func (c *Child) report(is, why string) {
	if err := c.conn.Send(control.Message{Is: is, Why: why}); err != nil {
		c.log.Warn("supervisor does not listen", "error", err)
	}
}

// obey follows the supervisor's orders until there is none.
func (c *Child) obey() {
	for {
		m, files, err := c.conn.Receive()
		if err != nil {
			c.stop()
			return
		}
		switch m.Is {
		case control.Activate:
			c.take(m.Files, files)
			c.activate()
		case control.Scanner:
			c.take(m.Files, files)
		case control.Ping:
			c.answer()
		case control.End:
			c.proxy.finish(WhyAsked)
		}
	}
}

// take begins to use the files that came with an order.
func (c *Child) take(names []string, files []*os.File) {
	for i, f := range files {
		switch {
		case i < len(names) && names[i] == control.FileScanner:
			c.scan(f)
		case i < len(names) && names[i] == control.FileListener:
			c.serve(f)
		default:
			f.Close()
		}
	}
}

func (c *Child) serve(f *os.File) {
	defer f.Close()
	listener, err := net.FileListener(f)
	if err != nil {
		c.log.Error("listener not taken", "error", err)
		return
	}
	c.mu.Lock()
	c.listener = listener
	c.mu.Unlock()
	go c.answerOn(listener)
}

func (c *Child) scan(f *os.File) {
	c.mu.Lock()
	c.scanner = f
	c.mu.Unlock()
	go func() {
		err := reader.Scan(f, reader.Silence, c.found)
		f.Close()
		if !errors.Is(err, os.ErrClosed) {
			c.report(control.Lost, "")
		}
	}()
}

// found hands a code to work. While that is busy with another one, which takes
// as long as the portal takes, further codes are not kept.
func (c *Child) found(code reader.Code) {
	select {
	case c.codes <- code:
	default:
	}
}

func (c *Child) work(ctx context.Context) {
	for {
		select {
		case code := <-c.codes:
			to := c.proxy.Scan(ctx, code)
			c.log.Info("scan", "kind", int(code.Kind), "used", to != "")
			c.lead(to)
		case <-ctx.Done():
			return
		}
	}
}

// lead sends the person's screen to a page.
func (c *Child) lead(to string) {
	switch {
	case to == "":
	case c.window != nil:
		c.window.Navigate(c.proxy.Page(to))
	default:
		c.proxy.Offer(to)
	}
}

func (c *Child) activate() {
	c.proxy.Activate()
	if c.window != nil {
		c.window.Raise()
	}
	c.report(control.Active, "")
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
		defer cancel()
		if err := c.proxy.Learn(ctx); err != nil {
			c.log.Warn("portal says nothing about this kiosk", "code", codeOf(err))
		}
	}()
}

func (c *Child) answer() {
	back := func() { c.report(control.Pong, "") }
	if c.window == nil {
		back()
		return
	}
	c.window.Answer(back)
}

func (c *Child) closeListener() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.listener != nil {
		_ = c.listener.Close() // closed already, the second time
	}
}

// ended lets the last answer out and tells the supervisor, who ends this process
// and removes its home.
func (c *Child) ended(why string) {
	c.mu.Lock()
	if c.scanner != nil {
		c.scanner.Close()
	}
	c.mu.Unlock()
	go func() {
		if c.window == nil {
			ctx, cancel := context.WithTimeout(context.Background(), flushTime)
			defer cancel()
			if err := c.server.Shutdown(ctx); err != nil {
				c.log.Warn("last answer cut off")
			}
		}
		c.report(control.Ended, why)
		c.stop()
	}()
}

func (c *Child) stop() {
	if c.window != nil {
		c.window.Close()
		return
	}
	c.stopping.Do(func() { close(c.done) })
}
