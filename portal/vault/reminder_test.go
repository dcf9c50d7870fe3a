package vault_test

import (
	"errors"
	"testing"
	"time"

	"consigne/portal/plan"
	"consigne/portal/vault"
)

// appoint plans an appointment for somebody in the middle of November.
func (w *world) appoint(s someone, day, hour int, once string) vault.Appointment {
	w.t.Helper()
	a, err := w.member().Plan(w.t.Context(), s.id, vault.NewAppointment{Day: vault.Date{Year: 2026, Month: 11, Day: day}, Hour: hour, Minute: 30,
		Place: "CCAS du quartier Gare", Picture: "locomotive", Once: once})
	must(w.t, err)
	return a
}

func dues(a vault.Appointment, loc *time.Location) (out []string) {
	for _, r := range a.Messages {
		out = append(out, r.Kind+" "+r.Due.In(loc).Format("02 15:04"))
	}
	return out
}

func TestQuiet(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		q, err := w.member().Quiet(ctx)
		must(t, err)
		if q != plan.DefaultQuiet {
			t.Errorf("at first it is quiet %+v", q)
		}
		if got := dues(w.appoint(s, 26, 9, "1"), paris(t)); len(got) != 1 || got[0] != "evening 25 18:00" {
			t.Errorf("two hours before 9:30 is quiet, but: %v", got)
		}
		for _, q := range []plan.Quiet{{From: 17 * 60, Until: 7 * 60}, {From: 12 * 60, Until: 12 * 60}, {From: 17 * 60, Until: 7 * 60}} {
			must(t, w.member().SetQuiet(ctx, q))
			if got, err := w.member().Quiet(ctx); err != nil || got != q {
				t.Errorf("quiet is %+v, %v; want %+v", got, err, q)
			}
		}
		if got := dues(w.appoint(s, 26, 9, "2"), paris(t)); len(got) != 2 || got[0] != "evening 25 16:00" || got[1] != "hours 26 07:30" {
			t.Errorf("quiet from 17 to 7: %v", got)
		}
		var invalid *vault.Invalid
		if err := w.member().SetQuiet(ctx, plan.Quiet{From: 0, Until: 1430}); !errors.As(err, &invalid) || invalid.Field != "quiet" {
			t.Errorf("a day without an awake hour: %v", err)
		}
	})
}

func TestQuiet_is_each_relays_own(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		must(t, w.member().SetQuiet(t.Context(), plan.Quiet{From: 60, Until: 120}))
		other := w.addRelay("CCAS")
		w.cookie, w.secret = w.hire(other, "other@example.org")
		if q, err := w.member().Quiet(t.Context()); err != nil || q != plan.DefaultQuiet {
			t.Errorf("another relay's quiet is %+v, %v", q, err)
		}
	})
}
