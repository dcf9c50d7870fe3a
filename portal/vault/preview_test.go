package vault_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"consigne/portal/plan"
	"consigne/portal/vault"
)

func TestPreview(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		told := func(n vault.NewAppointment) (lines []string) {
			t.Helper()
			previews, err := w.member().Preview(ctx, s.id, n)
			must(t, err)
			for _, p := range previews {
				if (p.Why == "") != (p.Text != "") || p.Why == "" && (p.Segments != 1 || p.Encoding != "GSM-7") {
					t.Errorf("preview %+v", p)
				}
				if p.Why != "" {
					lines = append(lines, p.Kind+" "+string(p.Why))
					continue
				}
				lines = append(lines, p.Kind+" "+p.Due.In(paris(t)).Format("02 15:04"))
			}
			return lines
		}
		early, soon := thursday, thursday
		early.Hour, early.Minute = 9, 0
		soon.Day.Day, soon.Hour = 23, 11
		for name, c := range map[string]struct {
			n    vault.NewAppointment
			want []string
		}{
			"thursday afternoon": {thursday, []string{"evening 25 18:00", "hours 26 12:30"}},
			"early":              {early, []string{"evening 25 18:00", "hours quiet"}},
			"in an hour":         {soon, []string{"evening late", "hours late"}},
		} {
			if diff := cmp.Diff(c.want, told(c.n)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		must(t, w.member().SetQuiet(ctx, plan.Quiet{From: 17 * 60, Until: 6 * 60}))
		if diff := cmp.Diff([]string{"evening 25 16:00", "hours 26 07:00"}, told(early)); diff != "" {
			t.Errorf("other quiet hours (-want +got):\n%s", diff)
		}
		if n := w.count("SELECT count(*) FROM message") + w.count("SELECT count(*) FROM link"); n != 0 {
			t.Errorf("looking at it left %d rows", n)
		}
		must(t, w.member().SetPhone(ctx, s.id, "", false, "1"))
		if diff := cmp.Diff([]string{"evening phone", "hours phone"}, told(thursday)); diff != "" {
			t.Errorf("without a phone (-want +got):\n%s", diff)
		}
	})
}

func TestPreview_refusals(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		s := w.enrol(andrei)
		past := thursday
		past.Day.Day = 20
		_, err := w.member().Preview(ctx, s.id, past)
		wantErr(t, "the past", err, vault.ErrPast)
		_, err = w.stranger().Preview(ctx, s.id, thursday)
		wantErr(t, "another relay", err, vault.ErrNotFound)
		nowhere := thursday
		nowhere.Place = ""
		var invalid *vault.Invalid
		if _, err = w.member().Preview(ctx, s.id, nowhere); !errors.As(err, &invalid) {
			t.Errorf("nowhere: %v", err)
		}
	})
}

// What the desk shows is what the phone gets, but for the letters of a link.
func TestWordings_are_what_leaves(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := andrei
		p.Language = "ar"
		s := w.enrol(p)
		a := w.plan(s)
		rows, err := w.member().Messages(t.Context())
		must(t, err)
		said, err := w.member().Wordings(t.Context(), rows)
		must(t, err)
		w.now = time.Date(2026, 11, 25, 18, 0, 0, 0, paris(t))
		left, err := w.queue.Claim(t.Context(), 10, "test")
		must(t, err)
		if len(left) != 1 || left[0].ID != a.Messages[0].MessageID {
			t.Fatalf("%d messages leave", len(left))
		}
		shown, sent := said[left[0].ID], left[0].Text
		if shown.Encoding != "UCS-2" {
			t.Errorf("shown as %s", shown.Encoding)
		}
		before, after, linked := strings.Cut(shown.Text, "/l/"+strings.Repeat("•", 16))
		if linked && (!strings.HasPrefix(sent, before) || !strings.HasSuffix(sent, after) || len([]rune(sent)) != len([]rune(shown.Text))) || !linked && sent != shown.Text {
			t.Errorf("shown %q\nsent  %q", shown.Text, sent)
		}
	})
}
