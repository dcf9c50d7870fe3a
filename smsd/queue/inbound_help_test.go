package queue_test

import (
	"fmt"
	"slices"
	"time"

	"consigne/internal/database"
	"consigne/internal/seal"
	"consigne/smsd/queue"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// desk is a relay that reads what was answered to it.
type desk struct {
	relay string
	key   *seal.Identity
}

func newDesk(relay string) desk { return desk{relay, seal.NewKey().Identity()} }

// facts are those of a reminder that this desk sends, three hours ahead, of
// appointment "i-PERSON".
func (d desk) facts(b *bench, person string) queue.Facts {
	return queue.Facts{
		Start: b.clock.at.Add(3 * time.Hour), Zone: "Europe/Paris", Place: "CCAS", Language: "fr",
		Person: person, Item: "i-" + person, Relay: d.relay, Desk: d.key.Public(),
	}
}

// remind queues a reminder that can be answered until its hour.
func (b *bench) remind(id, to string, f queue.Facts) {
	b.Helper()
	b.must(b.write(func(tx database.Handle) error {
		m := b.message(id)
		m.Expires = f.Start
		if _, err := b.sender.EnqueueTo(b.Context(), tx, to, m); err != nil {
			return err
		}
		return b.sender.ExpectAnswer(b.Context(), tx, id, f, f.Start)
	}))
}

// reminded is a reminder that has left and arrived.
func (b *bench) reminded(id, to string, f queue.Facts) {
	b.Helper()
	b.remind(id, to, f)
	b.answer(b.claim(1)[0], "SM-"+id, nil)
	b.report(id, 1, "SM-"+id, queue.Delivered, true)
}

var texts int

// says takes in a text from a number and expects what is done about it.
func (b *bench) says(from, text string, want queue.Heard) {
	b.Helper()
	texts++
	b.saysAgain(fmt.Sprint("MO", texts), from, text, want)
}

func (b *bench) saysAgain(id, from, text string, want queue.Heard) {
	b.Helper()
	got, err := b.queue.Answered(b.Context(), queue.Inbound{CarrierID: id, From: from, Text: text})
	b.must(err)
	if got != want {
		b.Fatalf("%q from %s is taken as %q, want %q", text, from, got, want)
	}
}

// told expects what the desk has been told so far, in any order: the test's clock
// stands.
func (d desk) told(b *bench, want ...queue.Answer) {
	b.Helper()
	got, err := queue.Answers(b.Context(), b.db.Read(), d.relay, d.key)
	b.must(err)
	for i := range want {
		want[i].By = "sms"
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(queue.Answer{}, "ID", "At", "Start"), cmpopts.EquateEmpty(),
		cmpopts.SortSlices(func(x, y queue.Answer) bool { return x.Meaning+queue.Meaning(x.Item) < y.Meaning+queue.Meaning(y.Item) })); diff != "" {
		b.Errorf("%s is told (-want +got)\n%s", d.relay, diff)
	}
	for _, a := range got {
		if (a.Item == "") != a.Start.IsZero() {
			b.Errorf("%s is told of %q at %v", d.relay, a.Item, a.Start)
		}
	}
}

func (b *bench) twoWay() {
	b.Helper()
	b.must(b.queue.SetCapability(b.Context(), queue.TwoWay))
}

// leaves expects exactly these texts to be due, in any order, to any number.
func (b *bench) leaves(want ...string) {
	b.Helper()
	var got []string
	for _, d := range b.claim(len(want)) {
		got = append(got, d.Text)
		b.answer(d, "SM-"+d.ID, nil)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("leaves (-want +got)\n%s", diff)
	}
}

// confirmations expects the texts that are planned as answers, without sending
// them: what may pass an opt-out is the claim's to know.
func (b *bench) confirmations(want int) {
	b.Helper()
	if n := b.count(`SELECT COUNT(*) FROM message WHERE id LIKE 'answer:%' AND state = 'planned'`); n != want {
		b.Fatalf("%d confirmations are planned, want %d", n, want)
	}
}
