package carrier_test

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/internal/database/dbtest"
	"consigne/internal/seal"
	"consigne/smsd/carrier"
	"consigne/smsd/carrier/twiliotest"
	"consigne/smsd/queue"

	"github.com/google/go-cmp/cmp"
)

// drawn is the table of codes once more, by what is to be done, kept apart from
// the one that is tested.
var drawn = map[queue.Class][]int{
	queue.ClassNumber: {
		21211, 21214, 21217, 21265, 21266, 21401, 21407, 21421, 21604, 21614, 21635, 30005, 30006, 30011,
	},
	queue.ClassOptOut:  {21610},
	queue.ClassContent: {21602, 21605, 21617, 21618, 21619, 30007, 30019, 30038, 30044},
	queue.ClassOther: {
		21408, 21608, 21612, 30004, 30018, 30024, 30040, 30041, 30043, 30450, 30453, 30485,
	},
	queue.ClassTemporary: {
		21730, 30001, 30003, 30008, 30009, 30017, 30020, 30021, 30022, 30023, 30027, 30036, 30410, 30500,
	},
	queue.ClassBusy: {14107, 20429, 21611},
	queue.ClassSetup: {
		10001, 20001, 20003, 20005, 20006, 20008, 20403, 20404, 21212, 21267, 21601, 21603, 21606, 21607, 21609, 21616,
		21659, 21660, 21661, 21701, 21703, 21704, 21705, 21709, 21711, 21712, 21910, 30002, 30010, 30032, 30034, 30037, 30454, 63038,
	},
}

// unknownCodes stand for those that Twilio has or will have and we do not know.
var unknownCodes = []int{1, 11200, 20500, 21999, 30999, 39999, 63016, 99999}

func TestCodes_AsDrawn(t *testing.T) {
	want := map[int]queue.Class{}
	for class, list := range drawn {
		for _, code := range list {
			if _, twice := want[code]; twice {
				t.Errorf("%d is drawn twice", code)
			}
			want[code] = class
		}
	}
	if diff := cmp.Diff(want, carrier.Codes()); diff != "" {
		t.Errorf("(-drawn +table)\n%s", diff)
	}
	for _, code := range unknownCodes {
		if _, known := want[code]; known {
			t.Errorf("%d is known", code)
		}
	}
}

// after is how a message stands after a failure.
type after struct {
	State            queue.State
	Error            string
	Burnt            int // tries
	Later            bool
	OptOut, Unwell   bool
	OthersSuppressed bool // another message to the same number, when it would leave
}

// afterRefusal is what is done about a request that was refused.
var afterRefusal = map[queue.Class]after{
	queue.ClassNumber:    {State: queue.Failed, Unwell: true},
	queue.ClassOptOut:    {State: queue.Suppressed, OptOut: true, OthersSuppressed: true},
	queue.ClassContent:   {State: queue.Failed},
	queue.ClassOther:     {State: queue.Failed},
	queue.ClassTemporary: {State: queue.Planned, Burnt: 1, Later: true},
	queue.ClassBusy:      {State: queue.Planned, Later: true},
	queue.ClassSetup:     {State: queue.Planned, Later: true},
}

// afterStatus is what is done about a message that was taken and then failed.
var afterStatus = map[queue.Class]after{
	queue.ClassNumber:    {State: queue.Undelivered, Unwell: true},
	queue.ClassOptOut:    {State: queue.Undelivered, OptOut: true, OthersSuppressed: true},
	queue.ClassContent:   {State: queue.Undelivered},
	queue.ClassOther:     {State: queue.Undelivered},
	queue.ClassTemporary: {State: queue.Planned, Burnt: 1, Later: true},
	queue.ClassBusy:      {State: queue.Planned, Burnt: 1, Later: true},
	queue.ClassSetup:     {State: queue.Planned, Burnt: 1, Later: true},
}

// Every code of the table, and some that it has not, as the answer to a request
// and with a status: each with a number and a message of its own.
func TestCodes_EveryCodeBothWays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		c := newCoded(t, db)
		for _, code := range append(slices.Sorted(maps.Keys(carrier.Codes())), unknownCodes...) {
			class := carrier.Codes()[code]
			for way, fail := range map[string]func(queue.Delivery, int){"refused": c.refused, "status": c.status} {
				want := afterRefusal[class]
				if way == "status" {
					want = afterStatus[class]
				}
				want.Error = fmt.Sprint(code)
				name := fmt.Sprintf("%d_%s", code, way)
				if diff := cmp.Diff(want, c.one(name, code, fail)); diff != "" {
					t.Errorf("%s, %v (-want +got)\n%s", name, class, diff)
				}
			}
		}
	})
}

// coded is a queue between a stand-in for Twilio and the webhooks.
type coded struct {
	*testing.T
	db      *database.DB
	queue   *queue.Queue
	sender  *queue.Sender
	server  *twiliotest.Server
	carrier *carrier.Twilio
	hooks   *httptest.Server
	at      time.Time
	numbers int
	rows    map[string]int // of tables, when they were counted last
}

func newCoded(t *testing.T, db *database.DB) *coded {
	keys := queue.NewKeys(seal.NewKey())
	c := &coded{T: t, db: db, rows: map[string]int{}, server: twiliotest.New(t), at: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)}
	now := func() time.Time { return c.at }
	c.queue, c.sender = queue.New(db, keys, now, time.Minute), queue.NewSender(keys.Public(), now)
	var routes http.Handler
	c.hooks = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { routes.ServeHTTP(w, r) }))
	t.Cleanup(c.hooks.Close)
	routes = carrier.Webhooks{
		Token: c.server.Account.Token, Public: c.hooks.URL, Inbox: c.queue,
		Log: slog.New(slog.DiscardHandler), Watch: func(string, string) {},
	}.Routes()
	var err error
	if c.carrier, err = carrier.NewTwilio(c.server.Account, c.server.URL, c.hooks.URL); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *coded) enqueue(id, to string) {
	c.Helper()
	err := c.db.Write(c.Context(), func(tx database.Handle) error {
		_, err := c.sender.EnqueueTo(c.Context(), tx, to, queue.Message{
			ID: id, Text: "Message " + id, Kind: queue.Reminder, Due: c.at, Expires: c.at.Add(time.Hour),
		})
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
}

// claim takes what is due, which must be these messages.
func (c *coded) claim(want ...string) []queue.Delivery {
	c.Helper()
	all, err := c.queue.Claim(c.Context(), 10, "twilio")
	if err != nil {
		c.Fatal(err)
	}
	var got []string
	for _, d := range all {
		got = append(got, d.ID)
	}
	if !slices.Equal(got, want) {
		c.Fatalf("claimed %q, want %q", got, want)
	}
	return all
}

func (c *coded) deliver(d queue.Delivery) queue.Receipt {
	c.Helper()
	receipt, err := c.carrier.Deliver(c.Context(), d)
	if err := c.queue.Settle(c.Context(), []queue.Result{{Delivery: d, Receipt: receipt, Err: err}}); err != nil {
		c.Fatal(err)
	}
	return receipt
}

// refused has the request for a message refused with a code.
func (c *coded) refused(d queue.Delivery, code int) {
	c.Helper()
	c.server.Refusal = code
	c.server.SetPlan(func(int, url.Values) twiliotest.Fault { return twiliotest.Refuse })
	c.deliver(d)
}

// status has the message taken, and then told to be undelivered with a code, the
// word coming twice.
func (c *coded) status(d queue.Delivery, code int) {
	c.Helper()
	c.server.SetPlan(nil)
	c.deliver(d)
	sent := c.server.Messages()
	for range 2 {
		if answer, err := c.server.CallBack(sent[len(sent)-1], "undelivered", code); err != nil || answer != http.StatusNoContent {
			c.Fatalf("callback answers %d, %v", answer, err)
		}
	}
}

// one lets one message fail and tells what became of it and of its number.
func (c *coded) one(name string, code int, fail func(queue.Delivery, int)) after {
	c.Helper()
	c.numbers++
	to := fmt.Sprintf("+336399%05d", 80000+c.numbers)
	c.at = c.at.Add(time.Hour) // what was put off before has expired
	if _, err := c.queue.Sweep(c.Context()); err != nil {
		c.Fatal(err)
	}
	c.enqueue(name, to)
	fail(c.claim(name)[0], code)
	all, err := queue.States(c.Context(), c.db.Read(), []string{name})
	if err != nil {
		c.Fatal(err)
	}
	a := after{State: all[name].State, Error: all[name].Error}
	var next int64
	c.scan(&next, `SELECT next FROM message WHERE id = ?`, name)
	c.scan(&a.Burnt, `SELECT failures FROM message WHERE id = ?`, name)
	a.Later = next > c.at.UnixMilli()
	a.OptOut = c.counts("opt_out")
	a.Unwell = c.counts("number_health")
	c.enqueue(name+".other", to)
	other := []string{name + ".other"}
	if a.OptOut {
		other = nil
	}
	for _, d := range c.claim(other...) {
		c.server.SetPlan(nil)
		c.deliver(d)
	}
	if all, err = queue.States(c.Context(), c.db.Read(), []string{name + ".other"}); err != nil {
		c.Fatal(err)
	}
	a.OthersSuppressed = all[name+".other"].State == queue.Suppressed
	return a
}

func (c *coded) scan(into any, query string, args ...any) {
	c.Helper()
	if err := c.db.Read().QueryRow(c.Context(), query, args...).Scan(into); err != nil {
		c.Fatal(err)
	}
}

// counts tells whether a table has one row more than when it was asked last.
func (c *coded) counts(table string) bool {
	c.Helper()
	var n int
	c.scan(&n, `SELECT COUNT(*) FROM `+table)
	more := n - c.rows[table]
	c.rows[table] = n
	if more < 0 || more > 1 {
		c.Fatalf("%s has %d rows more", table, more)
	}
	return more == 1
}

// The table's classes are those that this program acts on, and no code bears a
// recipient's fault into a rest of the whole channel.
func TestCodes_WhatRestsTheChannel(t *testing.T) {
	for code, class := range carrier.Codes() {
		recipient := []int{21211, 21214, 21408, 21608, 21610, 21612, 21614, 21635, 30003, 30004, 30005, 30006, 30040}
		if rests := class == queue.ClassBusy || class == queue.ClassSetup; rests && slices.Contains(recipient, code) {
			t.Errorf("%d hangs on the recipient and rests the channel", code)
		}
		if strings.HasPrefix(class.String(), "Class(") {
			t.Errorf("%d has no class that is known", code)
		}
	}
}
