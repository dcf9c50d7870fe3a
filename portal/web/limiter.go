package web

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// LimiterKeys is how many keys a [Limiter] remembers at most: some 500 KB.
const LimiterKeys = 5000

// A Limiter slows down who tries too often: each key has a number of tries, and
// gets one back at a time. It forgets at a restart, and under a flood of keys it
// forgets all of them: it slows down, and never keeps anybody out. It is safe for
// concurrent use.
type Limiter[K comparable] struct {
	now   func() time.Time
	tries int
	every time.Duration
	mu    sync.Mutex
	used  map[K]bucket
}

type bucket struct {
	tries float64
	at    time.Time
}

// NewLimiter makes a limiter that gives each key tries at once, and then one
// every so often.
func NewLimiter[K comparable](now func() time.Time, tries int, every time.Duration) *Limiter[K] {
	return &Limiter[K]{now: now, tries: tries, every: every, used: map[K]bucket{}}
}

// Wait tells how long the key has to wait for its next try; zero when it has one.
func (l *Limiter[K]) Wait(key K) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wait(l.fill(key))
}

// Take takes one of the key's tries, or tells how long to wait for one.
func (l *Limiter[K]) Take(key K) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.fill(key)
	if wait := l.wait(b); wait > 0 {
		return wait
	}
	b.tries--
	l.keep(key, b)
	return 0
}

// Give gives back a try that did not count.
func (l *Limiter[K]) Give(key K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.fill(key)
	b.tries++
	l.keep(key, b)
}

// Forget lets the key begin anew.
func (l *Limiter[K]) Forget(key K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.used, key)
}

func (l *Limiter[K]) wait(b bucket) time.Duration {
	if b.tries >= 1 {
		return 0
	}
	return max(1, time.Duration((1-b.tries)*float64(l.every)))
}

func (l *Limiter[K]) fill(key K) bucket {
	now := l.now()
	b, ok := l.used[key]
	if !ok {
		return bucket{float64(l.tries), now}
	}
	// A clock that was set back takes nothing away.
	b.tries = min(float64(l.tries), b.tries+max(0, float64(now.Sub(b.at))/float64(l.every)))
	b.at = now
	return b
}

func (l *Limiter[K]) keep(key K, b bucket) {
	if len(l.used) >= LimiterKeys {
		l.sweep()
	}
	l.used[key] = b
}

// sweep forgets the keys whose tries are all there again, and all of them where
// that makes no room: under a flood nobody is worth remembering.
func (l *Limiter[K]) sweep() {
	for key := range l.used {
		if l.fill(key).tries >= float64(l.tries) {
			delete(l.used, key)
		}
	}
	if len(l.used) >= LimiterKeys {
		clear(l.used)
	}
}

// ClientNetwork is who asks: an IPv4 address, or the first 56 bits of an IPv6 one,
// which is what a single household is given (RIPE-690), with addresses and networks
// as many as it likes. It reads RemoteAddr, where the router has put what
// [ClientAddress] found; without an address all are one.
func ClientNetwork(r *http.Request) netip.Prefix {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr, bits := peer.Addr().Unmap(), 32
	if addr.Is6() {
		bits = 56
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
