package vault

import (
	"context"
	"errors"
	"time"

	"consigne/internal/database"
	"consigne/smsd/queue"
)

// A LinkAnswer is what was said by a link, as its one browser may see it.
type LinkAnswer struct {
	Said  queue.Meaning
	Start time.Time // of the appointment, in its zone
	Until time.Time // until when this browser may change it
	Phone string    // of the relay; empty unless one said yes or no
}

// AnswerLink says by an appointment's link that one comes (queue.Yes) or does not
// (queue.No), that one is somebody else (queue.WrongOne), or that no more messages
// are wanted (queue.Stop). The relay is told, and the link burnt, in one
// transaction. Within ten minutes the same browser may say something else, though
// not after the last two; saying the same again changes nothing. browser is as for [Vault.OpenLink]. It returns
// [ErrLinkDead], [ErrLinkOther] and an *[Invalid] of "answer".
func (v *Vault) AnswerLink(ctx context.Context, letters, browser string, said queue.Meaning) (string, LinkAnswer, error) {
	switch said {
	case queue.Yes, queue.No, queue.WrongOne, queue.Stop:
	default:
		return "", LinkAnswer{}, &Invalid{"answer", "unknown"}
	}
	r, err := v.appointmentLink(ctx, letters)
	if err != nil {
		return "", LinkAnswer{}, err
	}
	fresh := r.opened == 0
	if fresh {
		if state, err := v.linkState(ctx, r); err != nil || state != LinkFresh {
			return "", LinkAnswer{}, errors.Join(ErrLinkDead, err)
		}
		browser = browserOr(browser)
		r.opened, r.browser = v.millis(), v.browserMAC(r.lookup, browser)
	}
	if err := v.ownLink(r, browser); err != nil {
		return "", LinkAnswer{}, err
	}
	err = v.DB.Write(ctx, func(tx database.Handle) error { return v.sayByLink(ctx, tx, r, letters, said, fresh) })
	if errors.Is(err, errTwice) { // both touches of a double one have the same browser
		if r, err = v.appointmentLink(ctx, letters); err == nil {
			err = v.ownLink(r, browser)
		}
		if err == nil {
			err = v.DB.Write(ctx, func(tx database.Handle) error { return v.sayByLink(ctx, tx, r, letters, said, false) })
		}
	}
	if err != nil {
		return "", LinkAnswer{}, err
	}
	answer, err := v.AnsweredLink(ctx, letters, browser)
	return browser, answer, err
}

// AnsweredLink gives what was said by a link to the browser that said it, for ten
// minutes. It returns [ErrLinkDead] and [ErrLinkOther].
func (v *Vault) AnsweredLink(ctx context.Context, letters, browser string) (LinkAnswer, error) {
	r, err := v.appointmentLink(ctx, letters)
	if err != nil {
		return LinkAnswer{}, err
	}
	it, err := v.linkItem(ctx, r, letters, browser)
	if err != nil {
		return LinkAnswer{}, err
	}
	said, err := linkSaid(r, letters)
	out := LinkAnswer{Said: said, Start: it.appointment().Start, Until: time.UnixMilli(r.opened).Add(linkOpen)}
	if err == nil && (said == queue.Yes || said == queue.No) {
		var relay Relay
		relay, err = v.Relay(ctx, it.record.Appointment.Relay)
		out.Phone = relay.Phone
	}
	return out, err
}

func (v *Vault) appointmentLink(ctx context.Context, letters string) (linkRow, error) {
	r, err := readLink(ctx, v.DB.Read(), letters)
	if errors.Is(err, ErrNotFound) || err == nil && (r.purpose != ToAppointment || r.itemKey == nil) {
		return r, ErrLinkDead
	}
	return r, err
}

// linkStart is the hour of a link's appointment.
func (v *Vault) linkStart(ctx context.Context, r linkRow, letters string) (time.Time, error) {
	it, err := behind(ctx, v.DB.Read(), r, letters)
	if err != nil {
		return time.Time{}, err
	}
	return it.appointment().Start, nil
}

func linkSaid(r linkRow, letters string) (queue.Meaning, error) {
	if r.answer == nil {
		return "", nil
	}
	plain, err := lettersKey(letters, "key").Open(placeLink(r.lookup, "answer", r.item), r.answer)
	return queue.Meaning(plain), err
}

// sayByLink burns a fresh link, or renews what was said by it, and does what was
// said. It returns [errTwice] where another touch was quicker.
func (v *Vault) sayByLink(ctx context.Context, tx database.Handle, r linkRow, letters string, said queue.Meaning, fresh bool) error {
	before, err := linkSaid(r, letters)
	if err != nil || before == said || before == queue.WrongOne || before == queue.Stop {
		return err // what ends everything is not taken back from a link
	}
	boxed := lettersKey(letters, "key").Box(placeLink(r.lookup, "answer", r.item), []byte(said))
	query, args := "UPDATE link SET answer = ? WHERE lookup = ?", []any{boxed, r.lookup}
	if fresh {
		query = "UPDATE link SET answer = ?, opened = ?, browser = ? WHERE lookup = ? AND opened = 0"
		args = []any{boxed, r.opened, r.browser, r.lookup}
	}
	n, err := tx.Exec(ctx, query, args...)
	if err != nil {
		return err
	}
	if n == 0 {
		return errTwice
	}
	it, err := behind(ctx, tx, r, letters)
	if err != nil {
		return err
	}
	switch said {
	case queue.WrongOne:
		err = v.SMS.NotMeAfter(ctx, tx, r.message)
	case queue.Stop:
		err = v.SMS.StopAfter(ctx, tx, r.message, v.Revoked)
	}
	if err != nil {
		return err
	}
	return v.say(ctx, tx, it, Answer{Said: said, At: v.Now(), By: "link"})
}

// say tells the relay of an appointment what was said of it, and notes in record
// and journal that the holder, or whoever has their phone, said it.
func (v *Vault) say(ctx context.Context, tx database.Handle, it item, a Answer) error {
	start := it.record.Appointment.Start
	if err := noteAnswer(ctx, tx, it, start, a); err != nil {
		return err
	}
	relay := it.record.Appointment.Relay
	desk, err := v.relayKey(ctx, tx, relay)
	if err != nil {
		return err
	}
	told := queue.Answer{Meaning: a.Said, Person: it.person, Item: it.id, Start: start, By: a.By}
	if err := queue.Tell(ctx, tx, relay, desk, told, a.At); err != nil {
		return err
	}
	verb := VerbAnswered
	if a.By == "link" {
		verb = VerbLinkAnswered
	}
	return v.journal(ctx, tx, it.person, Entry{Verb: verb})
}

// noteAnswer writes into an appointment's record what was said last of coming: who
// holds the item's key may, be it the holder, a link or the relay that planned it
// and was answered by SMS. start is the hour that was answered, zero where it is not
// known. What is no yes or no, what is older than what stands there, and what answers
// an hour that the appointment no longer has, changes nothing.
func noteAnswer(ctx context.Context, tx database.Handle, it item, start time.Time, a Answer) error {
	if a.Said != queue.Yes && a.Said != queue.No {
		return nil
	}
	now, err := lockItem(ctx, tx, it)
	if err != nil {
		return err
	}
	r := now.record.Appointment
	if r == nil || otherHour(start, r.Start) || r.Answer != nil && r.Answer.At.After(a.At) {
		return nil
	}
	r.Answer = &a
	return updateRecord(ctx, tx, now)
}

// otherHour tells whether an answer was given to another hour than the
// appointment's.
func otherHour(answered, start time.Time) bool { return !answered.IsZero() && !answered.Equal(start) }

// Answer says at a kiosk whether the holder comes: queue.Yes or queue.No. Saying
// the same again changes nothing. It returns [ErrNotFound] for what is no coming
// appointment of theirs, and an *[Invalid] of "answer".
func (h *Holder) Answer(ctx context.Context, appointmentID string, said queue.Meaning) error {
	if said != queue.Yes && said != queue.No {
		return &Invalid{"answer", "unknown"}
	}
	it, ok := h.find(func(it item) bool {
		return it.id == appointmentID && it.record.Appointment != nil && it.record.Appointment.Start.After(h.v.Now())
	})
	if !ok {
		return ErrNotFound
	}
	if r := it.record.Appointment; r.Answer != nil && r.Answer.Said == said {
		return nil
	}
	return h.v.DB.Write(ctx, func(tx database.Handle) error {
		return h.v.say(ctx, tx, it, Answer{Said: said, At: h.v.Now(), By: "kiosk"})
	})
}
