package seal

import (
	"container/list"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"sync"

	"golang.org/x/crypto/argon2"
)

// Params are the costs of Argon2id (RFC 9106). They are kept in the row they
// protect, so that they can rise with the years.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultParams are the least that OWASP's password storage cheat sheet allows:
// 19 MiB and two passes, about 18 ms. A try is also counted, and needs the
// pepper, so time is spent on the queue instead.
var DefaultParams = Params{Memory: 19 * 1024, Time: 2, Threads: 1}

// ErrParams is returned for costs below [DefaultParams] or beyond reason: a row
// that asks for them was tampered with.
var ErrParams = errors.New("unlock parameters out of range")

const maxMemory = 256 * 1024

// Check returns [ErrParams] for costs outside the range.
func (p Params) Check() error {
	if p.Memory < DefaultParams.Memory || p.Memory > maxMemory || p.Time < DefaultParams.Time || p.Time > 16 || p.Threads != 1 {
		return ErrParams
	}
	return nil
}

// UnlockKey makes the key that a carried secret and a known answer give
// together. Without the pepper, which is kept apart from every row, neither
// helps. context names what is unlocked.
func UnlockKey(secret, answer, salt []byte, pepper Key, p Params, context string) (Key, error) {
	if err := p.Check(); err != nil {
		return Key{}, err
	}
	in := binary.BigEndian.AppendUint32(nil, uint32(len(secret)))
	in = append(append(in, secret...), answer...)
	slow := argon2.IDKey(in, salt, p.Time, p.Memory, p.Threads, 32)
	sub := pepper.Derive("pepper")
	out, err := hkdf.Key(sha256.New, slow, sub[:], info("unlock", []string{context}), 32)
	return keyFrom(out, err)
}

// A Class says who waits at a [Gate].
type Class int

// Kiosks are let in before log-ins: a person stands there.
const (
	Kiosk Class = iota
	LogIn
)

// A Gate lets a fixed number in at a time, so that unlocks do not take the
// memory and time of all others. Within a class it is first come, first served.
type Gate struct {
	mu      sync.Mutex
	free    int
	waiting [2]list.List // of chan struct{}
}

// NewGate makes a gate for n at a time.
func NewGate(n int) *Gate { return &Gate{free: n} }

// Enter waits for a place and gives the function that leaves it. It returns the
// context's error when that ends first.
func (g *Gate) Enter(ctx context.Context, c Class) (leave func(), err error) {
	g.mu.Lock()
	if g.free > 0 {
		g.free--
		g.mu.Unlock()
		return sync.OnceFunc(g.leave), nil
	}
	turn := make(chan struct{})
	e := g.waiting[c].PushBack(turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return sync.OnceFunc(g.leave), nil
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		select {
		case <-turn: // the place came in the same moment: pass it on
			g.pass()
		default:
			g.waiting[c].Remove(e)
		}
		return nil, ctx.Err()
	}
}

// Waiting counts those who wait; a metric.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting[Kiosk].Len() + g.waiting[LogIn].Len()
}

func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass()
}

func (g *Gate) pass() {
	for c := range g.waiting {
		if e := g.waiting[c].Front(); e != nil {
			close(g.waiting[c].Remove(e).(chan struct{}))
			return
		}
	}
	g.free++
}
