package queue_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/smsd/queue"
)

// doubts takes what is to be asked about and expects that many.
func (b *bench) doubts(want int) []queue.Delivery {
	b.Helper()
	got, err := b.queue.Doubts(b.Context(), 100)
	b.must(err)
	if len(got) != want {
		b.Fatalf("%d messages to ask about, want %d", len(got), want)
	}
	return got
}

// inDoubt queues a message whose request timed out a grace ago.
func (b *bench) inDoubt(id string) queue.Delivery {
	b.Helper()
	b.enqueue(id)
	b.answer(b.claim(1)[0], "", errDoubt)
	if s := b.want(id, queue.Unknown); s.Error != "timeout" {
		b.Errorf("error %q, want timeout", s.Error)
	}
	b.doubts(0) // the callback may still come
	b.clock.forward(grace)
	got := b.doubts(1)[0]
	if got.ID != id || got.Attempt != 1 || got.To != number || got.Text != text {
		b.Fatalf("asked about %v", got)
	}
	b.doubts(0) // not by two at once
	return got
}

func accepted(id string) queue.Receipt { return queue.Receipt{CarrierID: id, State: queue.Accepted} }

func TestResolve_Found(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := b.inDoubt("m")
		b.must(b.queue.Resolve(b.Context(), d, []queue.Receipt{{CarrierID: "SM1", State: queue.Delivered}}, nil))
		if s := b.want("m", queue.Delivered); s.Attempts != 1 || s.CarrierID != "SM1" {
			b.Errorf("status %+v", s)
		}
		b.claim(0)
	})
}

func TestResolve_CallbackComesFirst(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := b.inDoubt("m")
		b.report("m", 1, "SM1", queue.Sent, true)
		b.must(b.queue.Resolve(b.Context(), d, nil, nil)) // an older list
		b.want("m", queue.Sent)
		b.claim(0)
	})
}

func TestResolve_Absent(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := b.inDoubt("m")
		b.must(b.queue.Resolve(b.Context(), d, nil, nil))
		b.want("m", queue.Planned)
		second := b.claim(1)[0]
		if second.Attempt != 2 {
			b.Errorf("attempt %d, want 2", second.Attempt)
		}
		b.must(b.queue.Resolve(b.Context(), d, nil, nil)) // by a second process, too late
		b.want("m", queue.Claimed)
		b.answer(second, "SM2", nil)
		b.want("m", queue.Accepted)
	})
}

func TestResolve_NoAnswerIsHeldAtLast(t *testing.T) {
	onBoth(t, func(b *bench) {
		m := b.message("m")
		m.Expires = m.Due.Add(24 * time.Hour)
		b.enqueueTo(number, m)
		b.answer(b.claim(1)[0], "", errDoubt)
		asks := 0
		for b.status("m").State == queue.Unknown {
			b.clock.forward(grace)
			some, err := b.queue.Doubts(b.Context(), 10)
			b.must(err)
			for _, d := range some {
				asks++
				b.must(b.queue.Resolve(b.Context(), d, nil, errors.New("line cut")))
			}
			if b.clock.at.After(m.Expires) {
				b.Fatal("asked without end")
			}
		}
		if s := b.want("m", queue.Held); asks != 6 || s.Error != "carrier-cannot-tell" {
			b.Errorf("held after %d questions, %+v", asks, s)
		}
		b.claim(0)
		b.report("m", 1, "SM1", queue.Delivered, true) // the truth, late
		b.want("m", queue.Delivered)
	})
}

func TestResolve_CannotTell(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.must(b.queue.Resolve(b.Context(), b.inDoubt("m"), nil, queue.ErrCannotTell))
		b.want("m", queue.Held)
		b.clock.forward(time.Hour)
		b.sweep(1)
		b.want("m", queue.Expired)
		b.erased("m")
	})
}

// The same text twice to one number: each of the carrier's entries is one of
// them, whichever, and what is missing leaves once more.
func TestResolve_Twins(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("sure")
		b.answer(b.claim(1)[0], "SM0", nil)
		b.enqueue("one")
		b.enqueue("two")
		for _, d := range b.claim(2) {
			b.answer(d, "", errDoubt)
		}
		b.clock.forward(2 * grace)
		list := []queue.Receipt{accepted("SM0"), accepted("SM1")}
		for _, d := range b.doubts(2) {
			b.must(b.queue.Resolve(b.Context(), d, list, nil))
		}
		states := map[queue.State]int{b.status("one").State: 1}
		states[b.status("two").State]++
		if states[queue.Accepted] != 1 || states[queue.Planned] != 1 {
			b.Errorf("states of the twins: %v", states)
		}
		b.want("sure", queue.Accepted)
	})
}

// While another message to the number is in flight, its entry in the list could
// be taken for the one in doubt.
// Of two twins about which the carrier is asked at the same moment only one takes the request that it holds.
func TestResolve_TwinsAtOnce(t *testing.T) {
	onBoth(t, func(b *bench) {
		for round := range 20 {
			ids := []string{fmt.Sprint("a", round), fmt.Sprint("b", round)}
			for _, id := range ids {
				b.enqueue(id)
				b.answer(b.claim(1)[0], "", errDoubt)
			}
			b.clock.forward(grace)
			twins := b.doubts(2)
			b.clock.forward(2 * time.Second)
			found := []queue.Receipt{accepted(fmt.Sprint("SM", round))}
			var both sync.WaitGroup
			for _, d := range twins {
				both.Go(func() {
					if err := b.queue.Resolve(b.Context(), d, found, nil); err != nil {
						b.Error(err)
					}
				})
			}
			both.Wait()
			first, second := b.status(ids[0]).State, b.status(ids[1]).State
			if first == second || first != queue.Planned && second != queue.Planned {
				b.Fatalf("the twins are %s and %s, want one planned again and one accepted", first, second)
			}
			b.answer(b.claim(1)[0], fmt.Sprint("again", round), nil)
		}
	})
}

func TestResolve_WaitsForOthersInFlight(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := b.inDoubt("m")
		b.enqueue("twin")
		flying := b.claim(1)[0]
		list := []queue.Receipt{accepted("SM-twin")}
		b.must(b.queue.Resolve(b.Context(), d, list, nil))
		b.want("m", queue.Unknown)
		b.answer(flying, "SM-twin", nil)
		b.must(b.queue.Resolve(b.Context(), d, list, nil)) // asked before the twin left: still not safe
		b.want("m", queue.Unknown)
		b.clock.forward(grace)
		b.must(b.queue.Resolve(b.Context(), b.doubts(1)[0], list, nil))
		b.want("m", queue.Planned)
	})
}

func TestResolve_CancelledMeanwhile(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := b.inDoubt("m")
		b.cancel("m")
		b.must(b.queue.Resolve(b.Context(), d, nil, nil))
		b.want("m", queue.Cancelled)
	})
}

// What was taken back while its request was out is nobody's to decide about.
func TestResolve_UnwantedIsNotHeld(t *testing.T) {
	for name, failure := range map[string]error{"cannot tell": queue.ErrCannotTell, "restored": nil} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(b *bench) {
				d := b.inDoubt("m")
				b.must(b.write(func(tx database.Handle) error {
					if _, err := tx.Exec(b.Context(), "UPDATE attempt SET error = 'restored'"); err != nil {
						return err
					}
					return b.sender.Cancel(b.Context(), tx, "m")
				}))
				b.want("m", queue.Unknown)
				b.must(b.queue.Resolve(b.Context(), d, nil, failure))
				b.want("m", queue.Cancelled)
				b.erased("m")
			})
		})
	}
}

func TestDoubts_UnwantedThatDoesNotOpenIsNotHeld(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		b.answer(b.claim(1)[0], "", errDoubt)
		b.must(b.write(func(tx database.Handle) error {
			if _, err := tx.Exec(b.Context(), "UPDATE message SET text = ?", []byte("damaged")); err != nil {
				return err
			}
			return b.sender.Cancel(b.Context(), tx, "m")
		}))
		b.clock.forward(grace)
		b.doubts(0)
		b.want("m", queue.Cancelled)
	})
}
