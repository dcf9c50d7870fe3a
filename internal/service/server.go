package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"
)

// Limits of every listener. The slowest honest request is a paper of 25 MB over a poor line: 1 Mbit/s takes 200 s.
const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 5 * time.Minute
	idleTimeout   = 2 * time.Minute
	stopTimeout   = 15 * time.Second
	headerBytes   = 32 << 10
)

// Server is an HTTP listener that has its port already.
type Server struct {
	name     string
	listener net.Listener
	http     *http.Server
	log      *slog.Logger
}

// Listen takes the port at addr ("host:port", port 0 for any) and logs the address it got, as {"msg":"listening",
// "listener":name,"addr":…}. Nothing is answered before [Server.Run].
func Listen(ctx context.Context, name, addr string, h http.Handler, l *slog.Logger) (*Server, error) {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.DefaultResolver.LookupPort(ctx, "tcp", port)
	}
	if err != nil {
		return nil, Usagef("listen for %s: %v", name, err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", name, err)
	}
	l.Info("listening", "listener", name, "addr", listener.Addr().String())
	return &Server{name: name, listener: listener, log: l, http: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       bodyTimeout,
		WriteTimeout:      bodyTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          log.New(faults{l, name}, "", 0),
	}}, nil
}

// Addr is the address it listens on, with the real port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Run answers until ctx ends, then lets running requests finish for a while and returns nil.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", s.name, err)
	case <-ctx.Done():
	}
	s.log.Info("stopping", "listener", s.name)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := s.http.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("requests cut off", "listener", s.name)
		err = s.http.Close()
	}
	if err != nil {
		return fmt.Errorf("stop %s: %w", s.name, err)
	}
	return nil
}

// Close gives the port back without serving: for a start that failed half-way.
func (s *Server) Close() error { return s.listener.Close() }

// faults takes what net/http says about broken connections and panics. Its words may hold an address, a path or the
// value of a panic, so only that there was something is logged.
type faults struct {
	log  *slog.Logger
	name string
}

var _ io.Writer = faults{}

func (f faults) Write(p []byte) (int, error) {
	f.log.Warn("connection fault", "listener", f.name)
	return len(p), nil
}

// RunAll runs all tasks until the first fails or ctx ends, tells the others to stop, waits for them and returns the
// first failure. A task that was told to stop returns nil or its context's error, and neither counts as one. What the
// start has used and nobody needs any more goes back to the system first.
func RunAll(ctx context.Context, tasks ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	debug.FreeOSMemory()
	ended := make(chan error, len(tasks))
	for _, task := range tasks {
		go func() { ended <- task(ctx) }()
	}
	var first error
	for range tasks {
		err := <-ended
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			err = nil
		}
		if err != nil && first == nil {
			first = err
			cancel(err)
		}
	}
	return first
}
