package queue_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"consigne/internal/database"
	"consigne/smsd/queue"

	"github.com/google/go-cmp/cmp"
)

func TestAnswered_YesAndNo(t *testing.T) {
	for text, c := range map[string]struct {
		heard   queue.Heard
		meaning queue.Meaning
		confirm string
	}{
		"1":         {queue.HeardYes, queue.Yes, "C'est noté. A jeudi 13:00."},
		" Oui ! 👍":  {queue.HeardYes, queue.Yes, "C'est noté. A jeudi 13:00."},
		"نعم":       {queue.HeardYes, queue.Yes, "C'est noté. A jeudi 13:00."},
		"٢":         {queue.HeardNo, queue.No, "C'est noté : vous ne venez pas jeudi à 13:00."},
		"non merci": {queue.HeardNo, queue.No, "C'est noté : vous ne venez pas jeudi à 13:00."},
	} {
		t.Run(text, func(t *testing.T) {
			onBoth(t, func(b *bench) {
				d := newDesk("relay")
				b.twoWay()
				b.reminded("m", number, d.facts(b, "p"))
				b.says(number, text, c.heard)
				d.told(b, queue.Answer{Meaning: c.meaning, Person: "p", Item: "i-p"})
				b.leaves(c.confirm)
			})
		})
	}
}

// Letters as a sender cannot be answered in the first place; should an answer
// come nevertheless it counts, and nothing is sent back.
func TestAnswered_OneWayIsNotConfirmed(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := newDesk("relay")
		b.must(b.queue.SetCapability(b.Context(), queue.OneWay))
		b.reminded("m", number, d.facts(b, "p"))
		b.says(number, "1", queue.HeardYes)
		b.says(number, "STOP", queue.HeardStop)
		b.says(number, "START", queue.HeardStart)
		d.told(b, queue.Answer{Meaning: queue.Yes, Person: "p", Item: "i-p"},
			queue.Answer{Meaning: queue.Stop, Person: "p", Item: "i-p"}, queue.Answer{Meaning: queue.Start, Person: "p", Item: "i-p"})
		b.confirmations(0)
	})
}

func TestAnswered_InTheirLanguageAndTime(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := newDesk("relay")
		b.twoWay()
		f := d.facts(b, "p")
		f.Language, f.Zone = "ar", "Indian/Reunion"
		b.reminded("m", number, f)
		b.says(number, "1", queue.HeardYes)
		b.leaves("تم التسجيل. موعدنا الخميس 16:00.")
		f.Zone, f.Language = "Nowhere/Land", "xx"
		b.reminded("m2", "+33639980002", f)
		b.says("+33639980002", "1", queue.HeardYes)
		b.leaves("C'est noté. A jeudi 12:00.")
	})
}

// The latest reminder whose hour has not passed is the one that is answered.
func TestAnswered_TheLatest(t *testing.T) {
	onBoth(t, func(b *bench) {
		d, e := newDesk("relay"), newDesk("other")
		first := d.facts(b, "p")
		b.reminded("first", number, first)
		b.clock.forward(time.Minute)
		second := e.facts(b, "p")
		second.Item, second.Start = "second", b.clock.at.Add(time.Hour)
		b.reminded("second", number, second)
		b.clock.forward(time.Minute)
		third := d.facts(b, "p")
		third.Item = "third"
		b.remind("third", number, third) // has not left
		b.says(number, "1", queue.HeardYes)
		e.told(b, queue.Answer{Meaning: queue.Yes, Person: "p", Item: "second"})
		d.told(b)
		b.clock.forward(time.Hour) // the second's hour has come
		b.says(number, "2", queue.HeardNo)
		d.told(b, queue.Answer{Meaning: queue.No, Person: "p", Item: "i-p"})
		b.clock.forward(4 * time.Hour)
		b.says(number, "1", queue.HeardUnasked)
	})
}

// Only what may have arrived can be answered.
func TestAnswered_OnlyWhatMayHaveArrived(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := newDesk("relay")
		cases := []struct {
			name, to string
			end      func(queue.Delivery)
			heard    queue.Heard
		}{
			{"flying", "+33639980011", func(queue.Delivery) {}, queue.HeardYes},
			{"doubt", "+33639980012", func(d queue.Delivery) { b.answer(d, "", errDoubt) }, queue.HeardYes},
			{"accepted", "+33639980013", func(d queue.Delivery) { b.answer(d, "SM1", nil) }, queue.HeardYes},
			{"refused", "+33639980014", func(d queue.Delivery) { b.answer(d, "", refusal(queue.ClassContent)) }, queue.HeardUnasked},
			{"busy", "+33639980015", func(d queue.Delivery) { b.answer(d, "", refusal(queue.ClassBusy)) }, queue.HeardUnasked},
			{"undelivered", "+33639980016", func(d queue.Delivery) {
				b.answer(d, "SM2", nil)
				b.report("undelivered", 1, "SM2", queue.Undelivered, true)
			}, queue.HeardUnasked},
		}
		for _, c := range cases {
			b.remind(c.name, c.to, d.facts(b, c.name))
			c.end(b.claim(1)[0])
		}
		for _, c := range cases {
			b.says(c.to, "1", c.heard)
		}
	})
}

// Of two people with one phone nobody knows who answered.
func TestAnswered_SharedPhone(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.twoWay()
		d, e := newDesk("relay"), newDesk("other")
		b.reminded("m1", number, d.facts(b, "p"))
		b.reminded("m2", number, d.facts(b, "q"))
		b.reminded("m3", number, e.facts(b, "q"))
		b.says(number, "1", queue.HeardShared)
		b.says(number, "je serai en retard", queue.HeardWords)
		b.says(number, "pas moi", queue.HeardNotMe)
		for _, one := range []desk{d, e} {
			one.told(b, queue.Answer{Meaning: queue.Yes}, queue.Answer{Meaning: queue.Words, Text: "je serai en retard"}, queue.Answer{Meaning: queue.WrongOne})
		}
		b.confirmations(0)
	})
}

// Two reminders of one person are no shared phone.
func TestAnswered_TwoRemindersOfOnePerson(t *testing.T) {
	onBoth(t, func(b *bench) {
		d, e := newDesk("relay"), newDesk("other")
		b.reminded("m1", number, d.facts(b, "p"))
		b.clock.forward(time.Minute)
		b.reminded("m2", number, e.facts(b, "p"))
		b.says(number, "oui", queue.HeardYes)
		d.told(b)
		e.told(b, queue.Answer{Meaning: queue.Yes, Person: "p", Item: "i-p"})
		b.says(number, "où est-ce ?", queue.HeardWords)
		d.told(b, queue.Answer{Meaning: queue.Words, Text: "où est-ce ?", Person: "p", Item: "i-p"})
	})
}

func TestAnswered_Stop(t *testing.T) {
	onBoth(t, func(b *bench) {
		var log []string
		b.queue.Revoked = func(kind, _ string) error { log = append(log, kind); return nil }
		b.twoWay()
		d := newDesk("relay")
		b.reminded("m", number, d.facts(b, "p"))
		b.enqueueTo(number, b.message("later"))
		b.must(b.queue.MarkNumbers(b.Context()))
		b.says(number, "Arrêt.", queue.HeardStop)
		b.want("later", queue.Suppressed)
		b.confirmations(1)
		b.says(number, "STOP", queue.HeardStopAgain)
		b.must(b.queue.MarkNumbers(b.Context()))
		b.confirmations(1) // the one confirmation passes the opt-out, and only once
		if n := b.count(`SELECT COUNT(*) FROM message WHERE despite = 1`); n != 1 {
			b.Errorf("%d messages go despite an opt-out", n)
		}
		b.enqueueTo(number, b.message("after"))
		b.must(b.queue.MarkNumbers(b.Context()))
		b.want("after", queue.Suppressed)
		d.told(b, queue.Answer{Meaning: queue.Stop, Person: "p", Item: "i-p"})
		b.says(number, "Start", queue.HeardStart)
		b.says(number, "Start", queue.HeardStartAgain)
		b.confirmations(2)
		if want := []string{"opt-out", "opt-in"}; !slices.Equal(log, want) {
			b.Errorf("logged %q, want %q", log, want)
		}
		b.leaves("C'est noté : plus aucun message. Pour en recevoir de nouveau, répondez START.",
			"C'est noté : vous recevrez de nouveau des messages. Pour ne plus en recevoir, répondez STOP.")
	})
}

// A STOP counts from numbers that are long forgotten, and is not answered there.
func TestAnswered_StopFromNobody(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.twoWay()
		b.says(number, "STOP", queue.HeardStop)
		b.confirmations(0)
		b.enqueue("m")
		b.claim(0)
		b.want("m", queue.Suppressed)
		b.says(number, "START", queue.HeardStart)
		b.enqueue("m2")
		b.must(b.queue.MarkNumbers(b.Context()))
		b.want("m2", queue.Planned)
	})
}

// What cannot be logged for a restore is not done, and nothing of it stays.
func TestAnswered_AllOrNothing(t *testing.T) {
	onBoth(t, func(b *bench) {
		full := errors.New("disk full")
		b.twoWay()
		d := newDesk("relay")
		b.reminded("m", number, d.facts(b, "p"))
		b.queue.Revoked = func(string, string) error { return full }
		_, err := b.queue.Answered(b.Context(), queue.Inbound{CarrierID: "MO-x", From: number, Text: "STOP"})
		if !errors.Is(err, full) || strings.Contains(err.Error(), "63998") {
			b.Fatalf("error %v", err)
		}
		for _, table := range []string{"inbound", "answer", "opt_out"} {
			if n := b.count(`SELECT COUNT(*) FROM ` + table); n != 0 {
				b.Errorf("%s keeps %d rows of what was not done", table, n)
			}
		}
		b.confirmations(0)
		b.queue.Revoked = nil
		b.saysAgain("MO-x", number, "STOP", queue.HeardStop) // the carrier may call again
	})
}

func TestAnswered_NotMe(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.twoWay()
		d := newDesk("relay")
		b.reminded("m", number, d.facts(b, "p"))
		b.says(number, "Ce n'est pas moi", queue.HeardNotMe)
		d.told(b, queue.Answer{Meaning: queue.WrongOne, Person: "p", Item: "i-p"})
		b.confirmations(0)
		sick, err := queue.Sick(b.Context(), b.db.Read(), []string{"m", "gone"})
		b.must(err)
		if diff := cmp.Diff(map[string]queue.Health{"m": queue.NotMe}, sick); diff != "" {
			b.Error(diff)
		}
	})
}

// A carrier that calls twice is answered twice and heard once, for a week.
func TestAnswered_Repeated(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.twoWay()
		d := newDesk("relay")
		f := d.facts(b, "p")
		f.Start = b.clock.at.Add(9 * 24 * time.Hour)
		b.reminded("m", number, f)
		b.saysAgain("MO-r", number, "1", queue.HeardYes)
		b.saysAgain("MO-r", number, "1", queue.HeardRepeated)
		b.saysAgain("MO-r", number, "2", queue.HeardRepeated)
		d.told(b, queue.Answer{Meaning: queue.Yes, Person: "p", Item: "i-p"})
		b.confirmations(1)
		b.clock.forward(7*24*time.Hour - time.Minute)
		b.must(b.queue.Forget(b.Context()))
		b.saysAgain("MO-r", number, "1", queue.HeardRepeated)
		b.clock.forward(time.Hour)
		b.must(b.queue.Forget(b.Context()))
		if n := b.count(`SELECT COUNT(*) FROM inbound`); n != 0 {
			b.Error("what was taken in is known for longer than a week")
		}
	})
}

// Nobody we write to, or nothing that could be one.
func TestAnswered_KeepsNothing(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.twoWay()
		for _, from := range []string{"", "36179", "CAF", "INFO SMS", "+999", "٠٦٣٩٩٨٠٠٠١", "+33899123456", "\xff", strings.Repeat("3", 5000)} {
			b.says(from, "STOP", queue.HeardOdd)
		}
		if n := b.count(`SELECT COUNT(*) FROM carrier_copy`); n != 9 {
			b.Errorf("the carrier is asked to delete %d odd texts, want 9", n)
		}
		b.saysAgain("", number, "STOP", queue.HeardOdd)
		b.saysAgain(strings.Repeat("M", 65), number, "STOP", queue.HeardOdd)
		b.saysAgain("M\x00", number, "STOP", queue.HeardOdd)
		for _, text := range []string{"1", "2", "START", "pas moi", "bonjour", "", strings.Repeat("é", 1600)} {
			b.says(number, text, queue.HeardNobody)
		}
		for _, table := range []string{"inbound", "answer", "opt_out", "number_health", "message", "number"} {
			if n := b.count(`SELECT COUNT(*) FROM ` + table); n != 0 {
				b.Errorf("%s keeps %d rows", table, n)
			}
		}
	})
}

func TestAnswered_Words(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a question":           {" Où est-ce ? ", "Où est-ce ?"},
		"only emoji":           {"😭😭", "😭😭"},
		"1,600 letters":        {strings.Repeat("é", 1600), strings.Repeat("é", 1600)},
		"more letters":         {strings.Repeat("é", 5000), strings.Repeat("é", 1600)},
		"invalid UTF-8":        {"a\xff\xfeb", "a\ufffdb"},
		"a nought":             {"a\x00b", "a\x00b"},
		"markup":               {"<script>", "<script>"},
		"almost a keyword":     {"stop demain", "stop demain"},
		"a number of the list": {"3", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(b *bench) {
				b.twoWay()
				d := newDesk("relay")
				b.reminded("m", number, d.facts(b, "p"))
				b.says(number, c.text, queue.HeardWords)
				d.told(b, queue.Answer{Meaning: queue.Words, Text: c.want, Person: "p", Item: "i-p"})
				b.says(number, " \r\n\t", queue.HeardEmpty)
				b.confirmations(0)
			})
		})
	}
}

// A relay whose key is none cannot be told, and hinders nobody.
func TestAnswered_RelayWithoutKey(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.twoWay()
		broken, d := newDesk("broken"), newDesk("relay")
		f := broken.facts(b, "p")
		f.Desk = []byte("no key")
		b.reminded("m1", number, f)
		b.says(number, "1", queue.HeardUnasked)
		b.confirmations(0) // nobody was told: it is not noted
		b.reminded("m2", number, d.facts(b, "p"))
		b.says(number, "STOP", queue.HeardStop)
		d.told(b, queue.Answer{Meaning: queue.Stop, Person: "p", Item: "i-p"})
	})
}

// Facts that do not open are as if there were none.
func TestAnswered_FactsThatDoNotOpen(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := newDesk("relay")
		b.reminded("m", number, d.facts(b, "p"))
		b.exec(`UPDATE reply SET facts = ?`, []byte("spoilt"))
		b.says(number, "1", queue.HeardUnasked)
		b.says(number, "STOP", queue.HeardStop)
	})
}

func TestForget_WhatAnswersNeed(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := newDesk("relay")
		kept := func() int { return b.count(`SELECT COUNT(*) FROM reply`) }
		forget := func(want int) {
			b.Helper()
			b.must(b.queue.Forget(b.Context()))
			if got := kept(); got != want {
				b.Fatalf("%d replies are kept, want %d", got, want)
			}
		}
		late := d.facts(b, "late")
		late.Start = b.clock.at.Add(72 * time.Hour)
		b.reminded("late", "+33639980002", late)
		b.reminded("soon", "+33639980003", d.facts(b, "soon"))
		b.reminded("out", "+33639980004", late)
		b.remind("cancelled", "+33639980005", late)
		forget(4)
		b.must(b.write(func(tx database.Handle) error { return b.sender.Cancel(b.Context(), tx, "cancelled") }))
		forget(3)
		b.says("+33639980004", "STOP", queue.HeardStop)
		forget(2)
		b.clock.forward(3 * time.Hour)
		forget(1)
		b.clock.forward(68 * time.Hour) // older than any sender's key is kept for itself
		forget(1)
		b.says("+33639980002", "1", queue.HeardYes)
		b.clock.forward(time.Hour)
		forget(0)
		if n := b.count(`SELECT COUNT(*) FROM sender_key`); n != 0 {
			b.Errorf("%d sender keys outlive what lies under them", n)
		}
	})
}

// The desk sees a number that is unwell until its holder confirms it, however
// long ago the message was.
func TestForget_KeepsMarksOfUnwellNumbers(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := newDesk("relay")
		b.reminded("m", number, d.facts(b, "p"))
		b.reminded("well", "+33639980002", d.facts(b, "q"))
		b.says(number, "pas moi", queue.HeardNotMe)
		b.clock.forward(60 * 24 * time.Hour)
		b.sweepAll()
		b.must(b.queue.Forget(b.Context()))
		sick, err := queue.Sick(b.Context(), b.db.Read(), []string{"m", "well"})
		b.must(err)
		if diff := cmp.Diff(map[string]queue.Health{"m": queue.NotMe}, sick); diff != "" {
			b.Fatal(diff)
		}
		if n := b.count(`SELECT COUNT(*) FROM message WHERE mark IS NOT NULL`); n != 1 {
			b.Errorf("%d marks are kept, want that of the number that is unwell", n)
		}
		b.must(b.write(func(tx database.Handle) error {
			_, err := tx.Exec(b.Context(), `DELETE FROM number_health`) // what a confirmation does
			return err
		}))
		b.must(b.queue.Forget(b.Context()))
		if n := b.count(`SELECT COUNT(*) FROM message WHERE mark IS NOT NULL`); n != 0 {
			b.Error("the mark outlives the confirmation")
		}
	})
}

func (b *bench) sweepAll() {
	b.Helper()
	if _, err := b.queue.Sweep(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// The page of a link says STOP and "not me" where a sender cannot be answered.
func TestStopAfterAndNotMeAfter(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := newDesk("relay")
		b.reminded("m", number, d.facts(b, "p"))
		b.enqueueTo(number, b.message("later"))
		b.must(b.queue.MarkNumbers(b.Context()))
		var log []string
		note := func(kind, id string) error { log = append(log, kind+" "+id); return nil }
		stop := func(id string, note func(string, string) error) error {
			return b.write(func(tx database.Handle) error { return b.sender.StopAfter(b.Context(), tx, id, note) })
		}
		full := errors.New("disk full")
		if err := stop("m", func(string, string) error { return full }); !errors.Is(err, full) || b.count(`SELECT COUNT(*) FROM opt_out`) != 0 {
			b.Fatalf("an opt-out that cannot be logged: %v", err)
		}
		b.must(stop("m", note))
		b.must(stop("m", note)) // a double tap
		b.want("later", queue.Suppressed)
		var mark []byte
		b.must(b.db.Read().QueryRow(b.Context(), `SELECT mark FROM opt_out`).Scan(&mark))
		if diff := cmp.Diff([]string{fmt.Sprintf("opt-out %x", mark)}, log); diff != "" {
			b.Error(diff)
		}
		for _, id := range []string{"later", "never-queued"} { // neither has left
			if err := stop(id, note); !errors.Is(err, queue.ErrNeverLeft) {
				b.Errorf("%s: %v", id, err)
			}
		}
		b.says(number, "STOP", queue.HeardStopAgain)
		b.must(b.write(func(tx database.Handle) error { return b.sender.NotMeAfter(b.Context(), tx, "m") }))
		if err := b.write(func(tx database.Handle) error { return b.sender.NotMeAfter(b.Context(), tx, "later") }); !errors.Is(err, queue.ErrNeverLeft) {
			b.Errorf("later: %v", err)
		}
		sick, err := queue.Sick(b.Context(), b.db.Read(), []string{"m"})
		b.must(err)
		if sick["m"] != queue.NotMe {
			b.Errorf("sick %v", sick)
		}
		b.says(number, "START", queue.HeardStart)
	})
}

func TestInbound_PrintsItsName(t *testing.T) {
	in := queue.Inbound{CarrierID: "MO1", From: number, Text: text}
	if printed := fmt.Sprintf("%v %+v %#v %s", in, in, in, in); printed != "inbound MO1 inbound MO1 inbound MO1 inbound MO1" {
		t.Errorf("prints %q", printed)
	}
}

// What is watched: how long somebody at a desk has let a message wait, how many
// want nothing, how many are unwell.
func TestQueue_Watched(t *testing.T) {
	onBoth(t, func(b *bench) {
		held, err := b.queue.HeldFor(b.Context())
		b.must(err)
		if held != 0 {
			b.Errorf("held for %v with nothing held", held)
		}
		b.enqueue("m")
		d := b.claim(1)[0]
		b.answer(d, "", errDoubt)
		b.clock.forward(grace)
		b.must(b.queue.Resolve(b.Context(), d, nil, queue.ErrCannotTell))
		b.want("m", queue.Held)
		b.clock.forward(10 * time.Minute)
		if held, err = b.queue.HeldFor(b.Context()); held != 10*time.Minute || err != nil {
			b.Errorf("held for %v, %v", held, err)
		}
		b.says(number, "pas moi", queue.HeardNotMe)
		b.says("+33639980002", "STOP", queue.HeardStop)
		b.says("+33639980003", "STOP", queue.HeardStop)
		optOuts, err := b.queue.OptOuts(b.Context())
		b.must(err)
		unwell, err := b.queue.Unwell(b.Context())
		b.must(err)
		if optOuts != 2 || unwell[queue.NotMe] != 1 || unwell[queue.Dead] != 0 {
			b.Errorf("%d opt-outs, unwell %v", optOuts, unwell)
		}
	})
}

// One number cannot fill the desk's day; its STOP is heard all the same.
func TestAnswered_TooMany(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := newDesk("relay")
		f := d.facts(b, "p")
		f.Start = b.clock.at.Add(48 * time.Hour)
		b.reminded("m", number, f)
		for range 20 {
			b.says(number, "bonjour", queue.HeardWords)
		}
		b.says(number, "bonjour", queue.HeardTooMany)
		b.saysAgain("MO-many", number, "1", queue.HeardTooMany)
		if n := b.count(`SELECT COUNT(*) FROM answer`); n != 20 {
			b.Errorf("%d answers wait, want 20", n)
		}
		b.clock.forward(24 * time.Hour)
		b.saysAgain("MO-many", number, "1", queue.HeardYes)
		for range 19 {
			b.says(number, "bonjour", queue.HeardWords)
		}
		b.says(number, "START", queue.HeardTooMany)
		b.says(number, "STOP", queue.HeardStop)
	})
}

func TestAnswered_ConfirmedOnce(t *testing.T) {
	onBoth(t, func(b *bench) {
		b.twoWay()
		d := newDesk("relay")
		b.reminded("m1", number, d.facts(b, "p"))
		b.says(number, "1", queue.HeardYes)
		b.says(number, "oui", queue.HeardYes)
		b.confirmations(1)
		b.clock.forward(time.Minute)
		b.remind("m2", number, d.facts(b, "p"))
		for _, one := range b.claim(2) {
			b.answer(one, "SM-"+one.ID, nil)
		}
		b.says(number, "oui", queue.HeardYes) // of the same appointment
		b.confirmations(0)
		b.says(number, "2", queue.HeardNo)
		b.says(number, "2", queue.HeardNo)
		b.confirmations(1)
		b.says(number, "1", queue.HeardYes)
		b.confirmations(2)
	})
}

// What nobody at the desk sees to goes after a month; until then the newest are
// shown.
func TestAnswers_NewestAndForgotten(t *testing.T) {
	onBoth(t, func(b *bench) {
		d := newDesk("relay")
		b.must(b.write(func(tx database.Handle) error {
			for i := range 203 {
				a := queue.Answer{Meaning: queue.Words, Text: fmt.Sprint(i), By: "sms"}
				if err := queue.Tell(b.Context(), tx, d.relay, d.key.Public(), a, b.clock.at.Add(time.Duration(i)*time.Second)); err != nil {
					return err
				}
			}
			return nil
		}))
		got, err := queue.Answers(b.Context(), b.db.Read(), d.relay, d.key)
		b.must(err)
		if len(got) != 200 || got[0].Text != "3" || got[199].Text != "202" {
			b.Fatalf("%d answers, want the newest 200, the oldest of them first", len(got))
		}
		b.clock.forward(30*24*time.Hour + 100*time.Second)
		b.must(b.queue.Forget(b.Context()))
		if n := b.count(`SELECT COUNT(*) FROM answer`); n != 102 {
			b.Errorf("%d answers stay, want 102", n)
		}
	})
}
