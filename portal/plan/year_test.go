package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"consigne/portal/plan"
)

// The oracle counts minutes since 1970 and has the zones' offsets from the law, not
// from any table of zones: it shares nothing with what it judges.
type oracle struct {
	offset  func(utc int) int
	offsets []int // all that there are, in minutes, the one of summer first
}

const (
	aDay     = 24 * 60
	night    = 18 * 60
	aQuarter = 15 // where every rule below begins and ends
)

// always is a zone that never changes its clocks.
func always(hours int) oracle {
	return oracle{func(int) int { return hours * 60 }, []int{hours * 60}}
}

// european is UTC+1, and UTC+2 from 01:00 UTC of the last Sunday of March until
// 01:00 UTC of the last Sunday of October (directive 2000/84/EC).
func european() oracle {
	var summers [][2]int
	for year := 2024; year < 2030; year++ {
		summers = append(summers, [2]int{lastSunday(year, 2) + 60, lastSunday(year, 9) + 60})
	}
	return oracle{func(utc int) int {
		for _, s := range summers {
			if utc >= s[0] && utc < s[1] {
				return 120
			}
		}
		return 60
	}, []int{120, 60}}
}

func leap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

func yearBegins(year int) int {
	days := 0
	for y := 1970; y < year; y++ {
		days += 365
		if leap(y) {
			days++
		}
	}
	return days * aDay
}

// lastSunday is the midnight of a month's last Sunday; January is month 0.
func lastSunday(year, month int) int {
	lengths := []int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	if leap(year) {
		lengths[1] = 29
	}
	day := yearBegins(year) / aDay
	for m := range month + 1 {
		day += lengths[m]
	}
	for day--; (day+4)%7 != 0; day-- { // 1 January 1970 was a Thursday
	}
	return day * aDay
}

func (o oracle) wall(utc int) int { return utc + o.offset(utc) }

// at finds the first minute at which the clock on the wall shows so much.
func (o oracle) at(wall int) int {
	for _, offset := range o.offsets {
		if utc := wall - offset; o.wall(utc) == wall {
			return utc
		}
	}
	panic("no clock shows that")
}

func quietAt(q plan.Quiet, wall int) bool {
	m := wall % aDay
	if q.From <= q.Until {
		return m >= q.From && m < q.Until
	}
	return m >= q.From || m < q.Until
}

// wants is what is to be planned for an appointment: kind, due, expires.
func (o oracle) wants(start int, q plan.Quiet, now int) []string {
	var out []string
	add := func(kind string, due, end int) {
		if due > now && due < end {
			for m := due; m < end; m = (m/aQuarter + 1) * aQuarter {
				if quietAt(q, o.wall(m)) {
					end = m
				}
			}
			out = append(out, fmt.Sprint(kind, " ", due, " ", end))
		}
	}
	midnight := o.wall(start) - o.wall(start)%aDay
	add("evening", o.evening(q, o.at(midnight-aDay), o.at(midnight-aDay+night), o.at(midnight)), o.at(midnight))
	if !quietAt(q, o.wall(start-120)) {
		add("hours", start-120, start)
	}
	return out
}

// evening is the last minute from nine until six that has an hour after it that is not
// quiet; or the first minute after six that is not; or the last before nine with an hour.
func (o oracle) evening(q plan.Quiet, morning, six, midnight int) int {
	free := func(utc int) bool { return utc < midnight && !quietAt(q, o.wall(utc)) }
	hour := func(utc int) bool {
		for m := utc; m < utc+60; m++ {
			if !free(m) {
				return false
			}
		}
		return true
	}
	nine := six - 9*60
	for m := six; m >= nine; m-- {
		if hour(m) {
			return m
		}
	}
	for m := six; m < midnight; m++ {
		if free(m) {
			return m
		}
	}
	for m := nine; m >= morning; m-- {
		if hour(m) {
			return m
		}
	}
	return midnight
}

var quiets = map[string]plan.Quiet{
	"the usual":            plan.DefaultQuiet,
	"none":                 {From: 600, Until: 600},
	"from five":            {From: 17 * 60, Until: 9*60 + 15},
	"from six":             {From: 18 * 60, Until: 8 * 60},
	"until six":            {From: 16 * 60, Until: 18 * 60},
	"at noon":              {From: 12*60 + 30, Until: 13*60 + 45},
	"after midnight":       {From: 0, Until: 6 * 60},
	"all but two hours":    {From: 20*60 + 30, Until: 18*60 + 30},
	"over a change, early": {From: 2*60 + 15, Until: 2*60 + 45},
	"all the daylight":     {From: 30, Until: 18*60 + 30},
}

// TestReminders_Year holds every hour of a year against the oracle, in three zones
// and under ten rules of quiet.
func TestReminders_Year(t *testing.T) {
	for name, o := range map[string]oracle{"Europe/Paris": european(), "Indian/Reunion": always(4), "America/Guadeloupe": always(-4)} {
		loc := zone(t, name)
		for rule, q := range quiets {
			if !q.Valid() {
				t.Fatalf("quiet %s is not one", rule)
			}
			t.Run(name+"/"+rule, func(t *testing.T) { wholeYear(t, o, loc, q) })
		}
	}
}

func wholeYear(t *testing.T, o oracle, loc *time.Location, q plan.Quiet) {
	planned := 0
	for at := yearBegins(2026); at < yearBegins(2027)+2*aDay; at += 60 {
		start := at + at/60%4*15 // a quarter later each time
		late := []int{36 * 60, 20 * 60, 180, 120, 119, 0, -60}
		for _, early := range []int{400 * aDay, late[at/60%len(late)]} {
			now := start - early
			want := o.wants(start, q, now)
			reminders := plan.Reminders(minute(start).In(loc), q, minute(now))
			got := shown(reminders)
			if !slices.Equal(want, got) {
				t.Fatalf("%s, planned %d minutes before (-want +got):\n%s", minute(start).In(loc), early, cmp.Diff(want, got))
			}
			for _, r := range reminders {
				for m := int(r.Due.Unix() / 60); m < int(r.Expires.Unix()/60); m++ {
					if quietAt(q, o.wall(m)) {
						t.Fatalf("%s: the %s's may leave when it is quiet, at %s", minute(start).In(loc), r.Kind, minute(m).In(loc))
					}
				}
			}
			planned += len(got)
		}
	}
	if planned < 8760 {
		t.Errorf("%d reminders in a year", planned)
	}
}

func minute(n int) time.Time { return time.Unix(int64(n)*60, 0) }

func shown(rs []plan.Reminder) (out []string) {
	for _, r := range rs {
		out = append(out, fmt.Sprint(r.Kind, " ", r.Due.Unix()/60, " ", r.Expires.Unix()/60))
	}
	return out
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
