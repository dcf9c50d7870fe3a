package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"sync"
	"time"

	"consigne/internal/seal"
)

// How often, and how many people at once.
const (
	alone  = 30
	crowd  = 20
	rounds = 5
)

// unlocks measures POST /k/unlock: one after the other, then twenty at once.
func (b *bench) unlocks(ctx context.Context) ([]figure, []string, error) {
	single := figure{name: "unlock on the server, alone", unit: "ms", limit: 100}
	for i := range alone {
		took, err := b.unlockAll(ctx, b.wide[i%crowd:i%crowd+1])
		if err != nil {
			return nil, nil, err
		}
		single.values = append(single.values, took...)
	}
	many := figure{name: fmt.Sprintf("unlock on the server, %d at once", crowd), unit: "ms", limit: 600}
	for range rounds {
		took, err := b.unlockAll(ctx, b.wide)
		if err != nil {
			return nil, nil, err
		}
		many.values = append(many.values, took...)
	}
	slow, err := argon()
	if err != nil {
		return nil, nil, err
	}
	least := slow.median() * crowd / float64(runtime.NumCPU())
	return []figure{single, many, slow}, []string{
		fmt.Sprintf("Unlock: POST /k/unlock with the right pictures over a kept connection, from the request's first byte to the answer's last; the card was shown before. "+
			"%d people with a card each, %d rounds. The queue lets one in per core (%d here), so that Argon2id alone makes the last of %d wait %d × %s / %d = %s ms.",
			crowd, rounds, runtime.NumCPU(), crowd, crowd, number(slow.median()), runtime.NumCPU(), number(least)),
	}, nil
}

// unlockAll lets these people unlock at the same moment, and gives how many
// milliseconds each took.
func (b *bench) unlockAll(ctx context.Context, people []holder) ([]float64, error) {
	at := make([]*visitor, len(people))
	for i, h := range people {
		var err error
		if at[i], err = b.kiosk(); err != nil {
			return nil, err
		}
		if err := h.show(ctx, at[i]); err != nil {
			return nil, err
		}
	}
	took, errs := make([]float64, len(people)), make([]error, len(people))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, h := range people {
		all.Go(func() {
			form := h.picks()
			<-start
			began := time.Now()
			errs[i] = at[i].post(ctx, "/k/unlock", form, "/k/home")
			took[i] = milliseconds(time.Since(began))
		})
	}
	close(start)
	all.Wait()
	for _, v := range at {
		errs = append(errs, v.post(ctx, "/k/leave", url.Values{}, "/k/goodbye"))
	}
	return took, errors.Join(errs...)
}

// argon measures the slow key by itself, in this process.
func argon() (figure, error) {
	f := figure{name: "  of it Argon2id (19 MiB, t=2), here", unit: "ms"}
	secret, salt := make([]byte, 17), make([]byte, 16)
	rand.Read(secret)
	rand.Read(salt)
	pepper := seal.NewKey()
	for range alone {
		began := time.Now()
		if _, err := seal.UnlockKey(secret, []byte("a/b/c/d/e"), salt, pepper, seal.DefaultParams, "card"); err != nil {
			return f, err
		}
		f.values = append(f.values, milliseconds(time.Since(began)))
	}
	return f, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
