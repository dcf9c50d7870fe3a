package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// instant is an operator that takes everything and says so, at once or after a
// while. It speaks as Twilio does to smsd, and as simply as can be to Kannel.
type instant struct {
	*http.Server
	URL string

	mu          sync.Mutex
	wait        time.Duration
	wanted, n   int
	first, last time.Time
	done        chan struct{}
	gate        chan struct{} // while it is there and open, requests wait
}

func newInstant() (*instant, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &instant{URL: "http://" + l.Addr().String()}
	s.Server = &http.Server{Handler: http.HandlerFunc(s.take), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }() // ends with Close
	return s, nil
}

func (s *instant) take(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	s.mu.Lock()
	if s.n++; s.n == 1 {
		s.first = time.Now()
	}
	n, wait, gate := s.n, s.wait, s.gate
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
	if wait > 0 {
		<-time.After(wait)
	}
	if strings.HasSuffix(r.URL.Path, "/Messages.json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"sid":"SM%032x","status":"queued"}`, n)
	} else {
		fmt.Fprint(w, "0: Accepted for delivery")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted--; s.wanted == 0 {
		s.last = time.Now()
		close(s.done)
	}
}

// expect starts counting anew.
func (s *instant) expect(n int, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wanted, s.n, s.wait, s.done = n, 0, wait, make(chan struct{})
}

// hold lets requests wait from now on; release lets them go, and counts from then.
func (s *instant) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = make(chan struct{})
}

func (s *instant) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first = time.Now()
	close(s.gate)
	s.gate = nil
}

// rate waits for all that are expected, and gives how many came a second, from
// the first request to the last answer.
func (s *instant) rate(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	select {
	case <-s.done:
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		return 0, fmt.Errorf("%d messages are missing: %w", s.wanted, ctx.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return float64(s.n) / s.last.Sub(s.first).Seconds(), nil
}
