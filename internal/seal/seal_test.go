package seal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"consigne/internal/seal"
)

var place = seal.Place{Table: "item", Row: "A", Column: "record", Reader: "P"}

// elsewhere are all the places that differ from place in one field, and two
// whose fields run together to the same letters.
var elsewhere = []seal.Place{
	{Table: "link", Row: "A", Column: "record", Reader: "P"},
	{Table: "item", Row: "B", Column: "record", Reader: "P"},
	{Table: "item", Row: "A", Column: "item_key", Reader: "P"},
	{Table: "item", Row: "A", Column: "record", Reader: "Q"},
	{Table: "itemA", Row: "", Column: "record", Reader: "P"},
	{Table: "item", Row: "Ar", Column: "ecord", Reader: "P"},
}

type sealer struct {
	name string
	seal func([]byte) []byte
	open func(seal.Place, []byte) ([]byte, error)
	// wrong opens with another key.
	wrong func(seal.Place, []byte) ([]byte, error)
}

func sealers(t *testing.T) []sealer {
	t.Helper()
	key, id := seal.NewKey(), seal.NewKey().Identity()
	return []sealer{
		{"box", func(b []byte) []byte { return key.Box(place, b) }, key.Open, seal.NewKey().Open},
		{"seal-to", func(b []byte) []byte {
			out, err := id.Public().Seal(place, b)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}, id.Open, seal.NewKey().Identity().Open},
	}
}

func TestSealed(t *testing.T) {
	for _, s := range sealers(t) {
		t.Run(s.name, func(t *testing.T) {
			for _, n := range []int{0, 1, 32, 255, 256, 257, 5000} {
				plain := make([]byte, n)
				rand.Read(plain)
				sealed := s.seal(plain)
				if got, err := s.open(place, sealed); err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("%d bytes: opened %d, %v", n, len(got), err)
				}
				if err := seal.Check(sealed); err != nil {
					t.Errorf("%d bytes: %v", n, err)
				}
				if _, err := s.wrong(place, sealed); !errors.Is(err, seal.ErrSealed) {
					t.Errorf("another key: %v", err)
				}
				for _, p := range elsewhere {
					if _, err := s.open(p, sealed); !errors.Is(err, seal.ErrSealed) {
						t.Errorf("moved to %+v: %v", p, err)
					}
				}
			}
		})
	}
}

func TestSealed_length_hidden_in_steps(t *testing.T) {
	for _, s := range sealers(t) {
		if a, b := len(s.seal(nil)), len(s.seal(make([]byte, 255))); a != b {
			t.Errorf("%s: 0 and 255 bytes give %d and %d", s.name, a, b)
		}
		if a, b := len(s.seal(nil)), len(s.seal(make([]byte, 256))); b != a+256 {
			t.Errorf("%s: 256 bytes give %d, not %d", s.name, b, a+256)
		}
	}
}

func TestSealed_every_change_is_refused_and_found_without_key(t *testing.T) {
	for _, s := range sealers(t) {
		sealed := s.seal([]byte("domiciliation"))
		for i := range sealed {
			changed := bytes.Clone(sealed)
			changed[i] ^= 0x40
			if _, err := s.open(place, changed); !errors.Is(err, seal.ErrSealed) {
				t.Fatalf("%s: byte %d changed: %v", s.name, i, err)
			}
			if err := seal.Check(changed); !errors.Is(err, seal.ErrDamaged) {
				t.Fatalf("%s: byte %d changed: Check %v", s.name, i, err)
			}
			if _, err := s.open(place, sealed[:i]); !errors.Is(err, seal.ErrSealed) {
				t.Fatalf("%s: cut at %d: %v", s.name, i, err)
			}
		}
	}
}

func TestPublicKey_refuses_junk(t *testing.T) {
	if _, err := seal.PublicKey("short").Seal(place, nil); !errors.Is(err, seal.ErrSealed) {
		t.Errorf("sealed to junk: %v", err)
	}
}

func TestKey_never_prints(t *testing.T) {
	k := seal.NewKey()
	raw := fmt.Sprintf("%x", k.Bytes())
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k, "pointer", &k)
	holder := struct{ K seal.Key }{k}
	all := fmt.Sprintf("%v %+v %#v %s %x %d %q %v %+v", k, k, k, k, k, k, k, holder, &holder) + log.String()
	for _, part := range []string{raw, raw[:8], fmt.Sprint(k.Bytes()[0], " ", k.Bytes()[1])} {
		if strings.Contains(all, part) {
			t.Errorf("a key printed itself: %s", all)
		}
	}
	if _, err := k.MarshalText(); err == nil {
		t.Error("a key marshalled itself")
	}
}

func TestKey_derive_and_mac(t *testing.T) {
	k := seal.NewKey()
	seen := map[seal.Key]string{}
	for _, args := range [][]string{{"a"}, {"b"}, {"a", ""}, {"a", "b"}, {"ab"}, {"a", "b", "c"}, {"a", "bc"}} {
		d := k.Derive(args[0], args[1:]...)
		if before, ok := seen[d]; ok {
			t.Errorf("%q and %s give the same key", args, before)
		}
		seen[d] = fmt.Sprint(args)
	}
	mac := k.MAC("x", []byte("ab"), []byte("c"))
	if k.VerifyMAC(mac, "x", []byte("a"), []byte("bc")) || k.VerifyMAC(mac, "y", []byte("ab"), []byte("c")) {
		t.Error("a MAC holds for other data")
	}
	if !k.VerifyMAC(mac, "x", []byte("ab"), []byte("c")) {
		t.Error("a MAC does not hold")
	}
}

func encrypt(t *testing.T, k seal.Key, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	s, err := k.Encrypt(&out, place)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s.Length() != int64(len(plain)) {
		t.Fatalf("length %d of %d", s.Length(), len(plain))
	}
	return out.Bytes()
}

func decrypt(k seal.Key, p seal.Place, sealed []byte, n int) ([]byte, error) {
	r, err := k.Decrypt(bytes.NewReader(sealed), p, int64(n))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestStream(t *testing.T) {
	k := seal.NewKey()
	for _, n := range []int{0, 1, 100, 65535, 65536, 65537, 300_000} {
		plain := make([]byte, n)
		rand.Read(plain)
		sealed := encrypt(t, k, plain)
		if got, err := decrypt(k, place, sealed, n); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%d bytes: got %d, %v", n, len(got), err)
		}
		if _, err := decrypt(seal.NewKey(), place, sealed, n); !errors.Is(err, seal.ErrSealed) {
			t.Errorf("another key: %v", err)
		}
		if _, err := decrypt(k, elsewhere[1], sealed, n); !errors.Is(err, seal.ErrSealed) {
			t.Errorf("another blob's place: %v", err)
		}
		for _, cut := range []int{0, 50, len(sealed) / 2, len(sealed) - 1} {
			if _, err := decrypt(k, place, sealed[:cut], n); !errors.Is(err, seal.ErrSealed) {
				t.Errorf("%d bytes cut at %d: %v", n, cut, err)
			}
		}
		if over := float64(len(sealed)-700) / float64(n+1); n > 1000 && over > 1.13 {
			t.Errorf("%d bytes grew to %d", n, len(sealed))
		}
	}
}

func TestStream_change_in_padding_is_found_before_EOF(t *testing.T) {
	k := seal.NewKey()
	sealed := encrypt(t, k, make([]byte, 70_001))
	sealed[len(sealed)-1] ^= 1
	if _, err := decrypt(k, place, sealed, 70_001); !errors.Is(err, seal.ErrSealed) {
		t.Errorf("changed padding: %v", err)
	}
}

func TestUnlockKey(t *testing.T) {
	pepper, salt := seal.NewKey(), []byte("0123456789abcdef")
	key := func(secret, answer string, pepper seal.Key, context string) seal.Key {
		k, err := seal.UnlockKey([]byte(secret), []byte(answer), salt, pepper, seal.DefaultParams, context)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	base := key("secret", "a/b", pepper, "card")
	if base != key("secret", "a/b", pepper, "card") {
		t.Error("the same gives another key")
	}
	for name, other := range map[string]seal.Key{
		"answer": key("secret", "a/c", pepper, "card"), "secret": key("secreta", "/b", pepper, "card"),
		"pepper": key("secret", "a/b", seal.NewKey(), "card"), "context": key("secret", "a/b", pepper, "password"),
	} {
		if other == base {
			t.Errorf("another %s gives the same key", name)
		}
	}
	for _, p := range []seal.Params{{}, {Memory: 8, Time: 2, Threads: 1}, {Memory: 1 << 30, Time: 2, Threads: 1}, {Memory: 19 * 1024, Time: 1, Threads: 1}} {
		if _, err := seal.UnlockKey(nil, nil, salt, pepper, p, ""); !errors.Is(err, seal.ErrParams) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestGate_kiosks_first_then_in_order(t *testing.T) {
	g := seal.NewGate(1)
	leave, err := g.Enter(t.Context(), seal.Kiosk)
	if err != nil {
		t.Fatal(err)
	}
	order := make(chan string, 2)
	for i, who := range []seal.Class{seal.LogIn, seal.Kiosk} {
		go func() {
			out, err := g.Enter(context.Background(), who)
			if err != nil {
				t.Error(err)
				return
			}
			order <- map[seal.Class]string{seal.LogIn: "log-in", seal.Kiosk: "kiosk"}[who]
			out()
		}()
		for g.Waiting() <= i {
			runtime.Gosched()
		}
	}
	leave()
	if a, b := <-order, <-order; a != "kiosk" || b != "log-in" {
		t.Errorf("order: %s, %s", a, b)
	}
}

func TestGate_gives_up_with_its_context(t *testing.T) {
	g := seal.NewGate(1)
	leave, err := g.Enter(t.Context(), seal.Kiosk)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Enter(ctx, seal.Kiosk); !errors.Is(err, context.Canceled) {
		t.Errorf("entered: %v", err)
	}
	leave()
	leave() // leaving twice gives no second place
	one, err := g.Enter(t.Context(), seal.LogIn)
	if err != nil {
		t.Fatal(err)
	}
	defer one()
	if _, err := g.Enter(ctx, seal.LogIn); !errors.Is(err, context.Canceled) {
		t.Errorf("a second place: %v", err)
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "portal.key")
	k, err := seal.MakeKeyFile(path, "portal")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := seal.LoadKeyFile(path, "portal"); err != nil || got != k {
		t.Fatalf("loaded another key: %v", err)
	}
	if _, err := seal.MakeKeyFile(path, "portal"); !errors.Is(err, os.ErrExist) {
		t.Errorf("overwrote a key: %v", err)
	}
	if _, err := seal.LoadKeyFile(path, "smsd"); !errors.Is(err, seal.ErrKeyFile) {
		t.Errorf("took a key of another kind: %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := seal.LoadKeyFile(path, "portal"); !errors.Is(err, seal.ErrKeyFile) {
		t.Errorf("took a key that others can read: %v", err)
	}
	if _, err := seal.LoadKeyFile(path+"x", "portal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	k := seal.Key{1}
	id := k.Identity()
	f.Add(k.Box(place, []byte("x")))
	sealed, err := id.Public().Seal(place, []byte("x"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, open := range []func(seal.Place, []byte) ([]byte, error){k.Open, id.Open} {
			if plain, err := open(place, b); err == nil && string(plain) != "x" {
				t.Errorf("a forgery opened: %q", plain)
			}
		}
	})
}

func BenchmarkBox(b *testing.B) {
	k, plain := seal.NewKey(), make([]byte, 200)
	for b.Loop() {
		k.Box(place, plain)
	}
}

func BenchmarkSealTo(b *testing.B) {
	public := seal.NewKey().Identity().Public()
	for b.Loop() {
		if _, err := public.Seal(place, make([]byte, 32)); err != nil {
			b.Fatal(err)
		}
	}
}
