package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// Log writes one line a request: method, route pattern, status, milliseconds.
// Paths and queries hold link letters and ids, so they are never written. Use it
// with chi's Use: the pattern is known only inside a router.
func Log(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(ww, r)
		status := ww.Status()
		if status == 0 {
			status = http.StatusOK
		}
		slog.LogAttrs(r.Context(), slog.LevelInfo, "request",
			slog.String("method", method(r)), slog.String("route", route(r)),
			slog.Int("status", status), slog.Int64("ms", time.Since(start).Milliseconds()))
	})
}

// route is the pattern that matched, or "-": what did not match is a visitor's
// own text.
func route(r *http.Request) string {
	if ctx := chi.RouteContext(r.Context()); ctx != nil {
		if p := ctx.RoutePattern(); p != "" {
			return p
		}
	}
	return "-"
}

func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return r.Method
	}
	return "other"
}

// Recover turns a panic into a 500. It logs where the panic came from and the
// type of its value; the value itself may quote what a visitor sent.
func Recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			slog.LogAttrs(r.Context(), slog.LevelError, "panic",
				slog.String("route", route(r)), slog.String("type", fmt.Sprintf("%T", p)), slog.Any("at", frames()))
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}

// frames names the functions and lines under the panic, without arguments.
func frames() []string {
	pcs := make([]uintptr, 24)
	pcs = pcs[:runtime.Callers(4, pcs)]
	var out []string
	for it := runtime.CallersFrames(pcs); ; {
		f, more := it.Next()
		out = append(out, fmt.Sprintf("%s:%d", f.Function, f.Line))
		if !more {
			return out
		}
	}
}
