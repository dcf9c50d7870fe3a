package holder

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// An address may open five dead links, or try five wrong codes; then one a minute.
const (
	tokensEach = 5
	tokenEvery = time.Minute
	// addressesKept bounds the memory: 5,000 addresses are some 500 KB.
	addressesKept = 5000
)

// limiter slows down who tries what does not exist.
type limiter struct {
	now  func() time.Time
	mu   sync.Mutex
	used map[netip.Prefix]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, used: map[netip.Prefix]bucket{}}
}

// allow tells whether the address has not used its tries up.
func (l *limiter) allow(r *http.Request) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fill(addressOf(r)).tokens >= 1
}

// count takes one try from the address.
func (l *limiter) count(r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	address := addressOf(r)
	b := l.fill(address)
	b.tokens = max(0, b.tokens-1)
	if len(l.used) >= addressesKept {
		l.sweep()
	}
	l.used[address] = b
}

func (l *limiter) fill(address netip.Prefix) bucket {
	now := l.now()
	b, ok := l.used[address]
	if !ok {
		return bucket{tokensEach, now}
	}
	b.tokens = min(tokensEach, b.tokens+float64(now.Sub(b.at))/float64(tokenEvery))
	b.at = now
	return b
}

// sweep forgets the addresses whose tries are all there again, and all of them
// where that makes no room: under a flood nobody is worth remembering.
func (l *limiter) sweep() {
	for address := range l.used {
		if l.fill(address).tokens >= tokensEach {
			delete(l.used, address)
		}
	}
	if len(l.used) >= addressesKept {
		clear(l.used)
	}
}

// addressOf is who asks: an IPv4 address, or the network of an IPv6 one, of which
// a single household has as many as it likes.
func addressOf(r *http.Request) netip.Prefix {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr, bits := peer.Addr().Unmap(), 32
	if addr.Is6() {
		bits = 64
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
