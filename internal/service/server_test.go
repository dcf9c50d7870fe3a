package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"consigne/internal/service"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func get(t *testing.T, url string) (status int, body string, err error) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// TestServer_FinishesWhatRuns stops the server in the middle of a request: its answer still arrives whole.
func TestServer_FinishesWhatRuns(t *testing.T) {
	inside, goOn := make(chan struct{}), make(chan struct{})
	var logged bytes.Buffer
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(inside)
		<-goOn
		io.WriteString(w, "whole")
	})
	ctx, stop := context.WithCancel(t.Context())
	s, err := service.Listen(ctx, "public", "127.0.0.1:0", h, slog.New(slog.NewJSONHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	var line struct{ Msg, Listener, Addr string }
	if err := json.Unmarshal(logged.Bytes(), &line); err != nil || line.Msg != "listening" || line.Listener != "public" || line.Addr != s.Addr() {
		t.Errorf("logged %s, %v; want the listener and its address", logged.Bytes(), err)
	}
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	answer := make(chan string)
	go func() {
		_, body, err := get(t, "http://"+s.Addr())
		if err != nil {
			body = err.Error()
		}
		answer <- body
	}()
	<-inside
	stop()
	close(goOn)
	if body := <-answer; body != "whole" {
		t.Errorf("the request in flight got %q", body)
	}
	if err := <-ended; err != nil {
		t.Errorf("a server that was asked to stop returned %v", err)
	}
	if _, _, err := get(t, "http://"+s.Addr()); err == nil {
		t.Error("it still answers")
	}
}

func TestListen_Taken(t *testing.T) {
	first, err := service.Listen(t.Context(), "first", "127.0.0.1:0", http.NotFoundHandler(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.Listen(t.Context(), "second", first.Addr(), http.NotFoundHandler(), quiet()); err == nil {
		t.Error("two listeners got one port")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := service.Listen(t.Context(), "third", first.Addr(), http.NotFoundHandler(), quiet())
	if err != nil {
		t.Fatalf("a port that was given back: %v", err)
	}
	again.Close()
}

func TestServer_Fails(t *testing.T) {
	s, err := service.Listen(t.Context(), "public", "127.0.0.1:0", http.NotFoundHandler(), quiet())
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := s.Run(t.Context()); err == nil {
		t.Error("a server without its port ran")
	}
}

// TestServer_LogsNoWords makes a handler panic over a secret: the log says that, and no more.
func TestServer_LogsNoWords(t *testing.T) {
	logged := make(lines, 10)
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("BCDEFGHIJKLNOPRS") })
	ctx, stop := context.WithCancel(t.Context())
	s, err := service.Listen(ctx, "public", "127.0.0.1:0", h, slog.New(slog.NewJSONHandler(logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	if _, _, err := get(t, "http://"+s.Addr()); err == nil {
		t.Error("a panic was answered")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	close(logged)
	var all string
	for line := range logged {
		all += line
	}
	if !strings.Contains(all, "connection fault") || strings.Contains(all, "BCDE") {
		t.Errorf("the log says:\n%s", all)
	}
}

// lines is a writer that can be read while others write.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestRunAll(t *testing.T) {
	mine := errors.New("mine")
	waits := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	fails := func(context.Context) error { return mine }
	done := func(context.Context) error { return nil }
	late := func(ctx context.Context) error {
		<-ctx.Done()
		return errors.New("second")
	}
	if err := service.RunAll(t.Context(), waits, late, fails); !errors.Is(err, mine) {
		t.Errorf("one fails: got %v, want the first failure", err)
	}
	if err := service.RunAll(t.Context(), done, done); err != nil {
		t.Errorf("all end by themselves: got %v", err)
	}
	if err := service.RunAll(t.Context()); err != nil {
		t.Errorf("no task: got %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := service.RunAll(ctx, waits, waits); err != nil {
		t.Errorf("asked to stop: got %v", err)
	}
	if err := service.RunAll(ctx, waits, late); err == nil {
		t.Error("a failure while stopping was swallowed")
	}
}

func TestInternal(t *testing.T) {
	var ready error
	s := httptest.NewServer(service.Internal(service.NewMetrics(), func(context.Context) error { return ready }))
	defer s.Close()
	if status, body, err := get(t, s.URL+"/metrics"); err != nil || status != http.StatusOK || !strings.Contains(body, "process_resident_memory_bytes") {
		t.Errorf("metrics: %d, %v\n%s", status, err, body)
	}
	if status, body, err := get(t, s.URL+"/healthz"); err != nil || status != http.StatusOK || body != "ok\n" {
		t.Errorf("ready: %d %q, %v", status, body, err)
	}
	ready = errors.New("store: secret place")
	if status, body, err := get(t, s.URL+"/healthz"); err != nil || status != http.StatusServiceUnavailable || strings.Contains(body, "secret") {
		t.Errorf("not ready: %d %q, %v", status, body, err)
	}
}

func TestListen_WrongAddress(t *testing.T) {
	for _, addr := range []string{"8080", "localhost", "127.0.0.1:99999"} {
		refuse := service.Program{Name: "portal", Commands: []service.Command{{Name: "serve", Setup: func(*service.Flags) service.Run {
			return func(ctx context.Context, _ *service.Env) error {
				_, err := service.Listen(ctx, "public", addr, http.NotFoundHandler(), quiet())
				return err
			}
		}}}}
		env := &service.Env{Stdout: io.Discard, Stderr: io.Discard}
		if status := refuse.Run(t.Context(), []string{"serve"}, nil, env); status != service.StatusUsage {
			t.Errorf("%s: status %d, want %d", addr, status, service.StatusUsage)
		}
	}
}
