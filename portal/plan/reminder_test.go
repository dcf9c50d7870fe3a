package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"consigne/portal/plan"
)

// overseas are the zones of all departments, and of Saint-Pierre.
var overseas = map[string]string{ // with the offset of a winter's day
	"Europe/Paris": "+0100", "America/Guadeloupe": "-0400", "America/Martinique": "-0400", "America/Cayenne": "-0300",
	"Indian/Reunion": "+0400", "Indian/Mayotte": "+0300", "America/Miquelon": "-0300",
}

func TestReminders_Zones(t *testing.T) {
	for name, offset := range overseas {
		start := time.Date(2026, time.November, 26, 14, 30, 0, 0, zone(t, name))
		if got := start.Format("-0700"); got != offset {
			t.Errorf("%s is %s, want %s", name, got, offset)
		}
		var got []string
		for _, r := range plan.Reminders(start, plan.DefaultQuiet, start.AddDate(-1, 0, 0)) {
			got = append(got, string(r.Kind)+" "+r.Due.Format("01-02 15:04")+" "+r.Expires.Format("01-02 15:04"))
		}
		want := []string{"evening 11-25 18:00 11-25 21:00", "hours 11-26 12:30 11-26 14:30"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// On the days of clock change two hours are two hours, and six o'clock is what the
// clock on the wall shows.
func TestReminders_ClockChange(t *testing.T) {
	paris, miquelon := zone(t, "Europe/Paris"), zone(t, "America/Miquelon")
	none := plan.Quiet{}
	for name, c := range map[string]struct {
		start time.Time
		want  []string
	}{
		"the morning after, spring": {time.Date(2026, 3, 29, 10, 0, 0, 0, paris), []string{"evening 17:00", "hours 06:00"}},
		"the morning after, autumn": {time.Date(2026, 10, 25, 10, 0, 0, 0, paris), []string{"evening 16:00", "hours 07:00"}},
		"over the missing hour":     {time.Date(2026, 3, 29, 3, 30, 0, 0, paris), []string{"evening 17:00", "hours 23:30"}},
		"over the doubled hour":     {time.Date(2026, 10, 25, 3, 30, 0, 0, paris), []string{"evening 16:00", "hours 00:30"}},
		"Saint-Pierre, spring":      {time.Date(2026, 3, 8, 10, 0, 0, 0, miquelon), []string{"evening 21:00", "hours 10:00"}},
		"Saint-Pierre, autumn":      {time.Date(2026, 11, 1, 10, 0, 0, 0, miquelon), []string{"evening 20:00", "hours 11:00"}},
	} {
		var got []string
		for _, r := range plan.Reminders(c.start, none, c.start.AddDate(-1, 0, 0)) {
			got = append(got, string(r.Kind)+" "+r.Due.UTC().Format("15:04"))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got in UTC):\n%s", name, d)
		}
	}
}

// The evening's reminder, when quiet lies over the evening: by hand, rule by rule.
func TestReminders_QuietEvenings(t *testing.T) {
	for _, c := range []struct{ from, until, want string }{
		{"21:00", "08:30", "18:00 21:00"},
		{"19:00", "08:00", "18:00 19:00"},
		{"18:59", "08:00", "17:59 18:59"},
		{"18:00", "08:00", "17:00 18:00"},
		{"17:30", "07:00", "16:30 17:30"},
		{"16:00", "18:30", "15:00 16:00"},
		{"12:30", "23:30", "11:30 12:30"},
		{"10:00", "20:30", "09:00 10:00"},
		{"09:30", "20:30", "20:30 00:00"}, // nine has half an hour
		{"00:30", "18:30", "18:30 00:00"},
		{"02:00", "20:30", "20:30 00:00"},
		{"00:45", "22:30", "22:30 00:00"},
		{"09:30", "07:00", "08:30 09:30"},
		{"10:00", "08:00", "09:00 10:00"},
		{"08:00", "00:00", "07:00 08:00"},
	} {
		q := plan.Quiet{From: clock(t, c.from), Until: clock(t, c.until)}
		start := time.Date(2026, 11, 26, 14, 30, 0, 0, zone(t, "Europe/Paris"))
		rs := plan.Reminders(start, q, start.AddDate(-1, 0, 0))
		if got := rs[0].Due.Format("15:04 ") + rs[0].Expires.Format("15:04"); rs[0].Kind != plan.Evening || rs[0].Due.Day() != 25 || got != c.want {
			t.Errorf("quiet from %s until %s: %s %s, want %s", c.from, c.until, rs[0].Due.Format("01-02"), got, c.want)
		}
	}
}

func clock(t *testing.T, text string) int {
	t.Helper()
	at, err := time.Parse("15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return at.Hour()*60 + at.Minute()
}

func TestQuiet_Valid(t *testing.T) {
	for q, want := range map[plan.Quiet]bool{
		plan.DefaultQuiet: true, {}: true, {From: 1439, Until: 0}: true, {From: 0, Until: 1320}: true,
		{From: 0, Until: 1321}: false, {From: -1, Until: 60}: false, {From: 60, Until: 1440}: false, {From: 60, Until: 59}: false,
	} {
		if q.Valid() != want {
			t.Errorf("%+v: %t", q, !want)
		}
	}
}

// What is not valid must not hang: all of the day quiet leaves nothing.
func TestReminders_NeverAwake(t *testing.T) {
	start := time.Date(2026, 11, 26, 14, 30, 0, 0, zone(t, "Europe/Paris"))
	if got := plan.Reminders(start, plan.Quiet{From: 0, Until: 1439}, start.AddDate(-1, 0, 0)); len(got) != 1 || got[0].Due.Format("15:04") != "23:59" {
		t.Errorf("awake for one minute: %v", got)
	}
	if got := plan.Reminders(start, plan.Quiet{From: 0, Until: 2000}, start.AddDate(-1, 0, 0)); len(got) > 2 {
		t.Errorf("%d reminders", len(got))
	}
}
