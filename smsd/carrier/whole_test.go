package carrier_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/seal"
	"consigne/smsd/carrier"
	"consigne/smsd/carrier/twiliotest"
	"consigne/smsd/queue"
)

// whole is queue, daemon, Twilio's client, webhooks and a stand-in for Twilio,
// on a clock that runs a thousand times as fast.
type whole struct {
	*testing.T
	server *twiliotest.Server
	db     *database.DB
	queue  *queue.Queue
	sender *queue.Sender
	now    func() time.Time
}

func newWhole(t *testing.T, db *database.DB, plan func(n int, form url.Values) twiliotest.Fault) *whole {
	start := time.Now()
	w := &whole{T: t, db: db, server: twiliotest.New(t), now: func() time.Time {
		return start.Add(1000 * time.Since(start))
	}}
	w.server.Plan, w.server.Now = plan, w.now
	keys := queue.NewKeys(seal.NewKey())
	w.sender = queue.NewSender(keys.Public(), w.now)
	w.queue = queue.New(db, keys, w.now, 5*time.Minute)
	log := slog.New(slog.DiscardHandler)
	hooks := carrier.Webhooks{Token: w.server.Account.Token, Inbox: w.queue, Log: log, Watch: func(string, string) {}}
	outer := httptest.NewUnstartedServer(nil)
	hooks.Public = "http://" + outer.Listener.Addr().String()
	outer.Config.Handler = hooks.Routes()
	outer.Start()
	tw, err := carrier.NewTwilio(w.server.Account, w.server.URL, hooks.Public)
	if err != nil {
		t.Fatal(err)
	}
	d := queue.NewDaemon(w.queue, tw, queue.Options{
		Workers: 8, Poll: 10 * time.Millisecond, Timeout: 500 * time.Millisecond, Alone: db.Kind() == database.SQLite, Log: log,
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		outer.Close()
	})
	return w
}

func (w *whole) enqueue(id, to, text string) {
	w.Helper()
	err := w.db.Write(w.Context(), func(tx database.Handle) error {
		_, err := w.sender.EnqueueTo(w.Context(), tx, to, queue.Message{
			ID: id, Text: text, Kind: queue.Reminder, Due: w.now(), Expires: w.now().Add(300 * 24 * time.Hour),
		})
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
}

// await waits until the messages' states satisfy done.
func (w *whole) await(ids []string, done func(map[string]queue.Status) bool) map[string]queue.Status {
	w.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	late := time.After(time.Minute)
	for {
		all, err := queue.States(w.Context(), w.db.Read(), ids)
		if err != nil {
			w.Fatal(err)
		}
		if done(all) {
			return all
		}
		select {
		case <-look.C:
		case <-late:
			w.Fatalf("not there after a minute: %v", all)
		}
	}
}

// callBack reports on every message that Twilio takes: out of order and twice.
func (w *whole) callBack() {
	var calling sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	calling.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case m := <-w.server.Taken:
				for _, status := range []string{"delivered", "sent", "delivered", "queued", "sent"} {
					if code, err := w.server.CallBack(m, status, 0); err != nil || code != 204 {
						w.Errorf("call back: %d, %v", code, err)
					}
				}
			}
		}
	})
	w.Cleanup(func() {
		cancel()
		calling.Wait()
	})
}

// Every fourth request or so is at fault. Each phone has each message once.
func TestWhole_FaultsAndCallbacks(t *testing.T) {
	for _, callbacks := range []bool{true, false} {
		t.Run(fmt.Sprintf("callbacks_%v", callbacks), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *database.DB) { faults(t, db, callbacks) })
		})
	}
}

func faults(t *testing.T, db *database.DB, callbacks bool) {
	w := newWhole(t, db, func(n int, _ url.Values) twiliotest.Fault {
		switch n % 12 {
		case 1:
			return twiliotest.Hang
		case 3:
			return twiliotest.Close
		case 5:
			return twiliotest.BadGateway
		case 7:
			return twiliotest.Busy
		case 9:
			return twiliotest.CloseBefore
		case 11:
			return twiliotest.Unavailable
		}
		return twiliotest.None
	})
	end := queue.Accepted
	if callbacks {
		w.callBack()
		end = queue.Delivered
	}
	var ids []string
	for i := range 40 {
		ids = append(ids, fmt.Sprint("m", i))
		w.enqueue(ids[i], fmt.Sprintf("+336399800%02d", i%7), fmt.Sprint("Message ", i))
	}
	w.await(ids, func(all map[string]queue.Status) bool {
		for _, s := range all {
			if s.State != end {
				return false
			}
		}
		return true
	})
	got := map[string]int{}
	for _, m := range w.server.Messages() {
		got[m.Body]++
	}
	for i := range ids {
		if text := fmt.Sprint("Message ", i); got[text] != 1 {
			t.Errorf("%q was taken %d times", text, got[text])
		}
	}
	if !callbacks && w.server.Lists() == 0 {
		t.Error("the carrier was never asked")
	}
	if callbacks {
		w.forgotten()
	}
}

// forgotten waits until Twilio has been told to delete everything it took.
func (w *whole) forgotten() {
	w.Helper()
	w.await(nil, func(map[string]queue.Status) bool {
		for _, m := range w.server.Messages() {
			if !m.Deleted {
				return false
			}
		}
		return true
	})
}

func TestWhole_RefusedNumberEndsAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWhole(t, db, func(_ int, form url.Values) twiliotest.Fault {
			if form.Get("To") == "+33639980009" {
				return twiliotest.Refuse
			}
			return twiliotest.None
		})
		w.server.Refusal = 21211
		w.enqueue("bad", "+33639980009", "a")
		w.enqueue("good", "+33639980001", "b")
		all := w.await([]string{"bad", "good"}, func(all map[string]queue.Status) bool {
			return all["bad"].State == queue.Failed && all["good"].State == queue.Accepted
		})
		if all["bad"].Error != "21211" || all["bad"].Attempts != 1 {
			t.Errorf("status %+v", all["bad"])
		}
	})
}

// A carrier that has too much to do is asked again, and took nothing meanwhile.
func TestWhole_BusyForAWhile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWhole(t, db, func(n int, _ url.Values) twiliotest.Fault {
			if n == 1 {
				return twiliotest.Busy
			}
			return twiliotest.None
		})
		w.enqueue("m", "+33639980001", "a")
		all := w.await([]string{"m"}, func(all map[string]queue.Status) bool { return all["m"].State == queue.Accepted })
		if all["m"].Attempts != 2 || len(w.server.Messages()) != 1 {
			t.Errorf("status %+v, %d taken", all["m"], len(w.server.Messages()))
		}
	})
}
