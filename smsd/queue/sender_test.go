package queue_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/smsd/queue"
)

var errBack = errors.New("rolled back by the test")

func TestEnqueue_IsThereWithTheCallersCommit(t *testing.T) {
	onBoth(t, func(b *bench) {
		err := b.write(func(tx database.Handle) error {
			if _, err := b.sender.EnqueueTo(b.Context(), tx, number, b.message("gone")); err != nil {
				return err
			}
			return errBack
		})
		if !errors.Is(err, errBack) {
			b.Fatal(err)
		}
		b.claim(0)
		// The sender key went with the rolled back transaction and must be written again.
		b.enqueue("there")
		got := b.claim(1)[0]
		if got.ID != "there" || got.To != number || got.Text != text || got.Attempt != 1 || got.Kind != queue.Reminder {
			b.Errorf("claimed %v with other contents than were queued", got)
		}
	})
}

func TestEnqueue_KnownChangesNothing(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		other := b.message("m")
		other.Text, other.Due, other.Kind = "something else", other.Due.Add(-time.Minute), queue.Link
		for range 2 {
			b.must(b.write(func(tx database.Handle) error {
				out, err := b.sender.EnqueueTo(b.Context(), tx, "+33639980002", other)
				if err == nil && out != queue.Known {
					err = fmt.Errorf("outcome %v, want Known", out)
				}
				return err
			}))
		}
		if n := b.count(`SELECT COUNT(*) FROM number`); n != 1 {
			b.Errorf("%d number rows, want 1", n)
		}
		got := b.claim(1)[0]
		if got.Text != text || got.To != number || got.Kind != queue.Reminder {
			b.Error("the second message replaced the first")
		}
		b.answer(got, "SM1", nil)
		b.report("m", 1, "SM1", queue.Delivered, true)
		b.must(b.write(func(tx database.Handle) error {
			out, err := b.sender.EnqueueTo(b.Context(), tx, number, b.message("m"))
			if err == nil && out != queue.Known {
				err = fmt.Errorf("outcome %v for a final message, want Known", out)
			}
			return err
		}))
		b.want("m", queue.Delivered)
		b.claim(0)
	})
}

// What would be refused today is known all the same if its id was taken before:
// it may be a line of last week, repeated under another rule.
func TestEnqueue_KnownBeforeRefused(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("m")
		for name, c := range map[string]struct {
			to     string
			change func(m *queue.Message)
		}{
			"bad number":     {"0639", func(*queue.Message) {}},
			"premium number": {"+33899123456", func(*queue.Message) {}},
			"no text":        {number, func(m *queue.Message) { m.Text = "" }},
			"kind":           {number, func(m *queue.Message) { m.Kind = "advert" }},
			"due at the end": {number, func(m *queue.Message) { m.Due = m.Expires }},
			"all at once":    {"", func(m *queue.Message) { *m = queue.Message{ID: m.ID} }},
		} {
			m := b.message("m")
			c.change(&m)
			b.must(b.write(func(tx database.Handle) error {
				for _, enqueue := range []func() (queue.Outcome, error){
					func() (queue.Outcome, error) { return b.sender.EnqueueTo(b.Context(), tx, c.to, m) },
					func() (queue.Outcome, error) {
						m.Text = "" // refused here, whatever the number is
						return b.sender.Enqueue(b.Context(), tx, m)
					},
				} {
					if out, err := enqueue(); err != nil || out != queue.Known {
						b.Errorf("%s: outcome %v, %v, want Known", name, out, err)
					}
				}
				m.ID = "new"
				if out, err := b.sender.EnqueueTo(b.Context(), tx, c.to, m); refusedFor(err) == "" || out != 0 {
					b.Errorf("%s: a new id: outcome %v, %v, want a refusal", name, out, err)
				}
				return nil
			}))
		}
		if got := b.claim(1)[0]; got.Text != text || got.To != number {
			b.Error("a known message was replaced")
		}
		if n := b.count(`SELECT COUNT(*) FROM number`); n != 1 {
			b.Errorf("%d number rows, want 1", n)
		}
	})
}

func TestEnqueue_Refused(t *testing.T) {
	onBoth(t, func(b *bench) {
		for name, c := range map[string]struct {
			change func(m *queue.Message)
			reason queue.Reason
		}{
			"no id":           {func(m *queue.Message) { m.ID = "" }, queue.ReasonID},
			"id with a space": {func(m *queue.Message) { m.ID = "a b" }, queue.ReasonID},
			"id too long":     {func(m *queue.Message) { m.ID = strings.Repeat("a", 65) }, queue.ReasonID},
			"id with a line":  {func(m *queue.Message) { m.ID = "a\nb" }, queue.ReasonID},
			"kind":            {func(m *queue.Message) { m.Kind = "advert" }, queue.ReasonKind},
			"no text":         {func(m *queue.Message) { m.Text = "" }, queue.ReasonText},
			"text not UTF-8":  {func(m *queue.Message) { m.Text = "a\xff" }, queue.ReasonUTF8},
			"text too long":   {func(m *queue.Message) { m.Text = strings.Repeat("a", 10*153+1) }, queue.ReasonLong},
			"due at the end":  {func(m *queue.Message) { m.Due = m.Expires }, queue.ReasonExpires},
			"due after it":    {func(m *queue.Message) { m.Due = m.Expires.Add(time.Second) }, queue.ReasonExpires},
		} {
			m := b.message("refused")
			c.change(&m)
			err := b.write(func(tx database.Handle) error {
				_, err := b.sender.EnqueueTo(b.Context(), tx, number, m)
				return err
			})
			if got := refusedFor(err); got != c.reason {
				b.Errorf("%s: refused for %q, want %q", name, got, c.reason)
			}
		}
		if n := b.count(`SELECT COUNT(*) FROM message`) + b.count(`SELECT COUNT(*) FROM number`); n != 0 {
			b.Errorf("%d rows of refused messages", n)
		}
		long := b.message("long")
		long.Text = strings.Repeat("a", 10*153)
		b.enqueueTo(number, long)
		if s := b.status("long"); s.Segments != 10 {
			b.Errorf("%d segments, want 10", s.Segments)
		}
	})
}

func TestEnqueue_ToANumberRow(t *testing.T) {
	onBoth(t, func(b *bench) {
		var id string
		b.must(b.write(func(tx database.Handle) (err error) {
			if id, err = b.sender.Number(b.Context(), tx, "06 39 98 00 01"); err != nil {
				return err
			}
			for _, name := range []string{"first", "second"} {
				m := b.message(name)
				m.NumberID = id
				if _, err := b.sender.Enqueue(b.Context(), tx, m); err != nil {
					return err
				}
			}
			return nil
		}))
		for i, d := range b.claim(2) {
			if d.To != number {
				b.Error("the number is not the one that was given")
			}
			if n := b.count(`SELECT COUNT(*) FROM number WHERE id = ?`, id); n != 1 {
				b.Fatal("the number went before its last message")
			}
			b.answer(d, fmt.Sprint("SM", i), nil)
			b.report(d.ID, 1, fmt.Sprint("SM", i), queue.Delivered, true)
			b.erased(d.ID)
		}
		if n := b.count(`SELECT COUNT(*) FROM number`); n != 0 {
			b.Error("the number outlived its last message")
		}
		err := b.write(func(tx database.Handle) error {
			m := b.message("late")
			m.NumberID = id
			_, err := b.sender.Enqueue(b.Context(), tx, m)
			return err
		})
		if !errors.Is(err, queue.ErrNoNumber) {
			b.Errorf("a message to a number that is gone: %v", err)
		}
	})
}

// Another key each day: whoever takes one out of memory has a day.
func TestSender_KeyOfTheDay(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("today")
		b.enqueue("too")
		b.clock.forward(24 * time.Hour)
		b.enqueue("tomorrow")
		if n := b.count(`SELECT COUNT(*) FROM sender_key`); n != 2 {
			b.Errorf("%d sender keys, want 2", n)
		}
		b.must(b.queue.Forget(b.Context()))
		if n := b.count(`SELECT COUNT(*) FROM sender_key`); n != 2 {
			b.Error("a key in use was forgotten")
		}
		b.clock.forward(49 * time.Hour)
		if _, err := b.queue.Sweep(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.must(b.queue.Forget(b.Context()))
		if n := b.count(`SELECT COUNT(*) FROM sender_key`); n != 0 {
			b.Errorf("%d sender keys under which nothing lies", n)
		}
	})
}

func TestCancel(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.enqueue("planned")
		b.cancel("planned")
		b.want("planned", queue.Cancelled)
		b.erased("planned")
		b.cancel("planned")
		b.cancel("never-queued")

		b.enqueue("arrives")
		b.enqueue("returns")
		for _, d := range b.claim(2) {
			b.cancel(d.ID)
			b.want(d.ID, queue.Claimed)
			if d.ID == "arrives" {
				b.answer(d, "SM1", nil)
			} else {
				b.answer(d, "", refusal(queue.ClassBusy))
			}
		}
		b.want("arrives", queue.Accepted)
		b.want("returns", queue.Cancelled)
		b.erased("returns")
		b.cancel("arrives")
		b.want("arrives", queue.Accepted)
	})
}

func (b *bench) cancel(id string) {
	b.Helper()
	b.must(b.write(func(tx database.Handle) error { return b.sender.Cancel(b.Context(), tx, id) }))
}

func TestDropNumber(t *testing.T) {
	onBoth(t, func(b *bench) {
		var id string
		b.must(b.write(func(tx database.Handle) (err error) {
			id, err = b.sender.Number(b.Context(), tx, number)
			return err
		}))
		put := func(name string, due time.Duration) {
			b.must(b.write(func(tx database.Handle) error {
				m := b.message(name)
				m.NumberID, m.Due = id, m.Due.Add(due)
				_, err := b.sender.Enqueue(b.Context(), tx, m)
				return err
			}))
		}
		put("flying", 0)
		put("planned", time.Minute)
		flying := b.claim(1)[0]
		b.must(b.write(func(tx database.Handle) error { return b.sender.DropNumber(b.Context(), tx, id) }))
		b.want("planned", queue.Suppressed)
		b.want("flying", queue.Claimed)
		b.answer(flying, "", refusal(queue.ClassBusy))
		b.want("flying", queue.Cancelled)
		if n := b.count(`SELECT COUNT(*) FROM number`); n != 0 {
			b.Error("the dropped number is still there")
		}
	})
}

func TestNumber_WithoutMessagesIsForgotten(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.must(b.write(func(tx database.Handle) error {
			_, err := b.sender.Number(b.Context(), tx, number)
			return err
		}))
		b.must(b.queue.Forget(b.Context()))
		if n := b.count(`SELECT COUNT(*) FROM number`); n != 1 {
			b.Fatal("a number was forgotten at once")
		}
		b.clock.forward(25 * time.Hour)
		b.must(b.queue.Forget(b.Context()))
		if n := b.count(`SELECT COUNT(*) FROM number`); n != 0 {
			b.Error("a number without messages stays")
		}
	})
}

func TestMessage_PrintsNoSecret(t *testing.T) {
	m := queue.Message{ID: "m1", NumberID: "n1", Text: "secret"}
	d := queue.Delivery{ID: "m1", To: number, Text: "secret"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, v := range []any{m, &m, d, &d} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, "secret") || strings.Contains(got, number) || strings.Contains(got, "736563726574") {
				t.Errorf("%s of %T prints what is secret: %s", verb, v, got)
			}
		}
	}
}
