package control

import (
	"errors"
	"io"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// pair opens both ends in this process.
func pair(t *testing.T) (ours, theirs *Conn) {
	t.Helper()
	ours, f, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := duplicate(f)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if theirs, err = open(fd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return ours, theirs
}

func TestConn_MessagesKeepTheirBounds(t *testing.T) {
	ours, theirs := pair(t)
	sent := []Message{
		{Is: Configure, Config: &Config{Portal: "https://portal.example", Device: "D", Key: make([]byte, 32), Window: true}},
		{Is: Activate},
		{Is: End, Why: "stopping"},
	}
	for _, m := range sent {
		if err := ours.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range sent {
		got, files, err := theirs.Receive()
		if err != nil || len(files) > 0 {
			t.Fatal(files, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestConn_PassesFiles(t *testing.T) {
	ours, theirs := pair(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := ours.Send(Message{Is: Activate}, r); err != nil {
		t.Fatal(err)
	}
	r.Close()
	_, files, err := theirs.Receive()
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	defer files[0].Close()
	w.WriteString("typed")
	b := make([]byte, 5)
	if _, err := io.ReadFull(files[0], b); err != nil || string(b) != "typed" {
		t.Errorf("read %q, %v", b, err)
	}
}

func TestConn_OtherEndGone(t *testing.T) {
	ours, theirs := pair(t)
	theirs.Close()
	if _, _, err := ours.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("receive: %v, want EOF", err)
	}
	if err := ours.Send(Message{Is: Ping}); !errors.Is(err, unix.EPIPE) {
		t.Errorf("send: %v, want EPIPE", err)
	}
}

func TestConn_RefusesWhatIsNoMessage(t *testing.T) {
	ours, theirs := pair(t)
	for _, b := range []string{"x", "{", "[]", `{"is":5}`} {
		if _, err := ours.c.Write([]byte(b)); err != nil {
			t.Fatal(err)
		}
		if m, _, err := theirs.Receive(); !errors.Is(err, ErrMessage) {
			t.Errorf("%q: %v, %v", b, m, err)
		}
	}
}
