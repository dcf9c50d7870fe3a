package pages_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"consigne/portal/pages"
)

// readFunc is a reader that a test stands in.
type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestRender_FewAtOnce(t *testing.T) {
	if n := pages.Places(); n < 1 || n > 2 || n > runtime.GOMAXPROCS(0) {
		t.Fatalf("%d papers at once", n)
	}
	file := makePNG(t, corners(20, 10))
	var inside, most atomic.Int32
	var all sync.WaitGroup
	full := make(chan struct{}, 8) // one for each paper whose reading began
	goOn := make(chan struct{})
	for range 8 {
		all.Go(func() {
			in, began := bytes.NewReader(file), false
			_, err := pages.Render(t.Context(), readFunc(func(p []byte) (int, error) {
				if !began {
					began = true
					most.Store(max(most.Load(), inside.Add(1)))
					full <- struct{}{}
					<-goOn
				}
				return in.Read(p)
			}), func(int, []byte, int, int) error {
				inside.Add(-1)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for range pages.Places() {
		<-full
	}

	// All places are taken: who gives up is told so, and nothing of theirs is read.
	gone, giveUp := context.WithCancel(t.Context())
	giveUp()
	kind, err := pages.Render(gone, readFunc(func([]byte) (int, error) {
		t.Error("an upload was read that had no place")
		return 0, io.EOF
	}), nil)
	if !errors.Is(err, context.Canceled) || kind != "" {
		t.Errorf("%q, %v; want the context's error", kind, err)
	}

	close(goOn)
	all.Wait()
	if n := int(most.Load()); n > pages.Places() {
		t.Errorf("%d papers were drawn at once, want %d at most", n, pages.Places())
	}
}

// A refused or failed paper gives its place back.
func TestRender_PlacesReturn(t *testing.T) {
	for range 2*pages.Places() + 1 {
		if _, _, err := render(t, nil); !errors.Is(err, pages.ErrEmpty) {
			t.Fatalf("%v, want ErrEmpty", err)
		}
		broken := errors.New("broken")
		_, err := pages.Render(t.Context(), readFunc(func([]byte) (int, error) { return 0, broken }), nil)
		if !errors.Is(err, broken) {
			t.Fatalf("%v, want the reader's error", err)
		}
	}
}
