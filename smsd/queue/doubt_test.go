package queue_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
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

// twins queues two messages of one text whose requests both timed out.
func (b *bench) twins() {
	b.Helper()
	b.enqueue("one")
	b.enqueue("two")
	for _, d := range b.claim(2) {
		b.answer(d, "", errDoubt)
	}
	b.clock.forward(2 * grace)
}

// whileHeld runs fn beside a transaction that has written that the carrier's
// entry is twin "two" and that has not been committed, until fn waits for it.
func (b *bench) whileHeld(entry string, fn func() error) {
	b.Helper()
	failed := make(chan error, 1)
	b.must(b.write(func(tx database.Handle) error {
		half := queue.Report{ID: "two", Attempt: 1, Receipt: queue.Receipt{CarrierID: entry, State: queue.Sent}}
		if err := b.queue.ReportHalf(b.Context(), tx, half); err != nil {
			return err
		}
		go func() { failed <- fn() }()
		if b.db.Kind() == database.SQLite { // one writer: it waits in any case
			return nil
		}
		for b.Context().Err() == nil {
			var waiting int
			err := b.db.Read().QueryRow(b.Context(), `SELECT COUNT(*) FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
			if err != nil || waiting > 0 {
				return err
			}
			runtime.Gosched()
		}
		return b.Context().Err()
	}))
	b.must(<-failed)
	if n := b.count(`SELECT COUNT(*) FROM attempt WHERE carrier_id = ?`, entry); n != 1 {
		b.Fatalf("%d requests are entry %s of the carrier, want one", n, entry)
	}
}

// A callback for one twin is written and not yet committed while the other's
// question finds the same entry: only one of them has it.
func TestResolve_WhileACallbackIsWritten(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.twins()
		twins := b.doubts(2)
		one := twins[slices.IndexFunc(twins, func(d queue.Delivery) bool { return d.ID == "one" })]
		b.whileHeld("SM2", func() error {
			return b.queue.Resolve(b.Context(), one, []queue.Receipt{accepted("SM2")}, nil)
		})
		b.want("one", queue.Planned)
	})
}

// The same with a late answer, with a callback that names the other twin, and
// with the same entry for two answers at once.
func TestSettle_WhileACallbackIsWritten(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.twins()
		d := queue.Delivery{ID: "one", Attempt: 1}
		b.whileHeld("SM2", func() error {
			return b.queue.Settle(b.Context(), []queue.Result{{Delivery: d, Receipt: accepted("SM2")}})
		})
		b.want("one", queue.Unknown)
		b.must(b.queue.Settle(b.Context(), []queue.Result{
			{Delivery: d, Receipt: accepted("SM1")}, {Delivery: queue.Delivery{ID: "two", Attempt: 1}, Receipt: accepted("SM1")},
		}))
		b.want("one", queue.Accepted)
	})
	onBoth(t, func(b *bench) {
		b.twins()
		b.whileHeld("SM2", func() error {
			_, err := b.queue.Report(b.Context(), queue.Report{ID: "one", Attempt: 1, Receipt: accepted("SM2")})
			return err
		})
		b.want("one", queue.Unknown)
	})
}

// A carrier that says again and again that it has nothing, while nobody died, has it
// most likely: a message that arrives five times is worse than one that is held.
func TestResolve_AbsentTooOften(t *testing.T) {
	onBoth(t, func(b *bench) {
		for _, id := range []string{"doubts", "dies"} {
			b.enqueue(id)
			sent := 0
			for range 10 {
				d := b.claim(1)[0]
				sent++
				if id == "dies" {
					_, err := b.queue.Recover(b.Context(), 0)
					b.must(err)
				} else {
					b.answer(d, "", errDoubt)
				}
				b.clock.forward(grace)
				b.must(b.queue.Resolve(b.Context(), b.doubts(1)[0], nil, nil))
				if b.status(id).State == queue.Held {
					break
				}
			}
			switch {
			case id == "dies" && sent != 10:
				b.Errorf("held after %d processes died", sent)
			case id != "dies" && sent != 5:
				b.Errorf("held after %d requests, want 5", sent)
			}
		}
	})
}

// A doubt about which nobody could be asked ends a day after the message's expiry.
func TestSweep_DoubtEnds(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		b.answer(b.claim(1)[0], "", errDoubt)
		b.clock.forward(24 * time.Hour)
		b.sweep(0)
		b.want("m", queue.Unknown)
		b.clock.forward(time.Hour)
		b.sweep(0)
		if s := b.want("m", queue.Held); s.Error != "carrier-cannot-tell" {
			b.Errorf("held as %q", s.Error)
		}
		b.sweep(1)
		b.want("m", queue.Expired)
		b.erased("m")
	})
}

// The process died while a request was out whose message had moved on already, by
// a late word about the attempt before: twins are asked about all the same.
func TestRecover_OrphanedRequest(t *testing.T) {
	onBoth(t, func(b *bench) {
		orphan := b.inDoubt("orphan")
		b.must(b.queue.Resolve(b.Context(), orphan, nil, nil))
		b.claim(1)
		b.report("orphan", 1, "SM1", queue.Delivered, true)
		b.want("orphan", queue.Delivered)
		twin := b.inDoubt("twin")
		b.clock.forward(grace)
		b.must(b.queue.Resolve(b.Context(), twin, nil, nil))
		b.want("twin", queue.Unknown)
		for _, want := range []int{1, 0} {
			if n, err := b.queue.Recover(b.Context(), time.Minute); n != want || err != nil {
				b.Fatalf("recovered %d, %v", n, err)
			}
		}
		b.want("orphan", queue.Delivered)
		b.must(b.queue.Resolve(b.Context(), b.doubts(1)[0], nil, nil))
		b.want("twin", queue.Planned)
	})
}
