package adversary

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"consigne/internal/seal"
	"consigne/locales"
)

// AllCodes is how many picture codes there are.
const AllCodes = 9 * 9 * 9 * 9 * 9

// Tries is what trying gave.
type Tries struct {
	Codes, Opened int // codes tried, and how many opened without the keys
	Control       int // how many of the few opened with them: one
}

// fewCodes is how many codes are tried with each further pepper and with the
// right one: time goes to Argon2, which is the same whatever the pepper.
const fewCodes = 200

// codes gives n codes with right among them, or all there are.
func codes(n int, right [5]string) [][5]string {
	var out [][5]string
	step, seen := AllCodes/n, false
	for i := 0; i < AllCodes && len(out) < n; i += step {
		var code [5]string
		for set, rest := 0, i; set < len(code); set, rest = set+1, rest/9 {
			code[set] = locales.CodeSets[set][rest%9]
		}
		seen = seen || code == right
		out = append(out, code)
	}
	if !seen {
		out[len(out)/2] = right
	}
	return out
}

// try tries n codes with peppers that a thief can have: none, which is zeros,
// and one of the thief's own. With the right pepper the same must open once.
func (c stolenCard) tryAll(ctx context.Context, n int, right [5]string, pepper seal.Key, progress func(done, of int)) (t Tries, err error) {
	all, few := codes(n, right), codes(min(n, fewCodes), right)
	total := len(all) + 2*len(few)
	var done int
	tick := func() { done++; progress(done, total) }
	if t.Opened, err = c.opened(ctx, all, seal.Key{}, tick); err != nil {
		return t, err
	}
	own, err := c.opened(ctx, few, seal.NewKey(), tick)
	if err != nil {
		return t, err
	}
	t.Codes, t.Opened = len(all), t.Opened+own
	t.Control, err = c.opened(ctx, few, pepper, tick)
	return t, err
}

// opened counts the codes that open the seed, on all processors.
func (c stolenCard) opened(ctx context.Context, codes [][5]string, pepper seal.Key, tick func()) (int, error) {
	var next, n atomic.Int64
	var mu sync.Mutex
	var first error
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(codes)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				_, err := c.try(codes[i], pepper)
				if err == nil {
					n.Add(1)
				}
				mu.Lock()
				if err != nil && !errors.Is(err, seal.ErrSealed) {
					first = fmt.Errorf("try: %w", err)
				}
				tick()
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return int(n.Load()), errors.Join(first, ctx.Err())
}
