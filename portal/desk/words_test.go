package desk

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"consigne/locales"
	"consigne/portal/vault"
	"consigne/smsd/queue"

	"github.com/google/go-cmp/cmp"
)

func TestParseDay(t *testing.T) {
	for text, want := range map[string]string{
		"14/03/1951": "1951-03-14", " 14/3/1951 ": "1951-03-14", "1.9.2026": "2026-09-01", "14 03 1951": "1951-03-14", "1951-03-14": "1951-03-14",
		"29/02/2028": "2028-02-29", "29/02/2027": "", "31/04/2026": "", "14/03/51": "", "14/03": "", "": "", "mars 1951": "", "14/03/1951/2": "", "03/14/1951": "",
	} {
		day, ok := parseDay(text)
		if ok != (want != "") || day.String() != want {
			t.Errorf("%q: %v %v, want %q", text, day, ok, want)
		}
	}
}

func FuzzParseDay(f *testing.F) {
	for _, seed := range []string{"14/03/1951", "1951-03-14", "1.9.2026", "////", "٣/٣/٢٠٢٦", "9999/99/99"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		read, ok := parseDay(text)
		if !ok {
			return
		}
		if again, ok := parseDay(day(read)); !ok || again != read {
			t.Errorf("%q reads as %v, which is written %q and reads as %v", text, read, day(read), again)
		}
	})
}

func TestParseHour(t *testing.T) {
	for text, want := range map[string]string{
		"14:30": "14:30", "14h30": "14:30", "14 h 30": "14:30", "9h": "9:00", "9": "9:00", "0930": "9:30", "00:00": "0:00", "23:59": "23:59", "14.30": "14:30",
		"24:00": "", "12:60": "", "": "", "h": "", "midi": "", "1:2:3": "", "14:3": "", "-1:00": "", "930": "",
	} {
		hour, minute, ok := parseHour(text)
		got := ""
		if ok {
			got = fmt.Sprintf("%d:%02d", hour, minute)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzParseHour(f *testing.F) {
	for _, seed := range []string{"14:30", "9h", "0930", "+1:00", "٩:٣٠", ":::"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if hour, minute, ok := parseHour(text); ok && (hour < 0 || hour > 23 || minute < 0 || minute > 59) {
			t.Errorf("%q reads as %d:%d", text, hour, minute)
		}
	})
}

func TestMaskedPhone(t *testing.T) {
	for e164, want := range map[string]string{"+33639981042": "06 •• •• 10 42", "+262692123456": "+26 •• •• 34 56", "+123": "••", "": ""} {
		if got := maskedPhone(e164); got != want {
			t.Errorf("%s: %q, want %q", e164, got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		name, query string
		want        bool
	}{
		{"Andrei Munteanu", "mun", true},
		{"Andrei Munteanu", "MUN and", true},
		{"Andrei Munteanu", "teanu", false},
		{"Zoé d’Ávila", "avila", true},
		{"Zoé d’Ávila", "zoe d", true},
		{"Jean-Luc Petit", "luc", true},
		{"محمد علي", "علي", true},
		{"Andrei Munteanu", "", true},
		{"Andrei Munteanu", "andrei x", false},
	} {
		if got := matches(c.name, c.query); got != c.want {
			t.Errorf("%q in %q: %v", c.query, c.name, got)
		}
	}
}

func FuzzMatches(f *testing.F) {
	f.Add("Zoé d’Ávila", "avila")
	f.Add("\xff\xfe", "\xff")
	f.Fuzz(func(t *testing.T, name, query string) {
		if !matches(name, "") || !matches(name, name) {
			t.Errorf("%q does not match itself", name)
		}
		_ = matches(name, query)
	})
}

func TestWay(t *testing.T) {
	due := time.Date(2026, 11, 25, 18, 0, 0, 0, time.UTC)
	looks := func(s queue.Status) string {
		var out []string
		for _, st := range way(s, time.UTC) {
			out = append(out, st.Look+" "+st.Word)
		}
		return strings.Join(out, ", ")
	}
	got := map[string]string{
		"planned":   looks(queue.Status{State: queue.Planned, Due: due}),
		"sent":      looks(queue.Status{State: queue.Sent, Due: due, Claimed: due, Accepted: due, Sent: due}),
		"delivered": looks(queue.Status{State: queue.Delivered, Due: due, Claimed: due, Final: due}),
		"unknown":   looks(queue.Status{State: queue.Unknown, Due: due, Claimed: due}),
		"no number": looks(queue.Status{State: queue.Undelivered, Due: due, Claimed: due, Accepted: due, Sent: due, Final: due}),
		"expired":   looks(queue.Status{State: queue.Expired, Due: due, Final: due}),
	}
	want := map[string]string{
		"planned":   "here Prévu, ahead Pris, ahead Accepté, ahead Parti, ahead Remis",
		"sent":      "done Prévu, done Pris, done Accepté, here Parti, ahead Remis",
		"delivered": "done Prévu, done Pris, done Accepté, done Parti, done Remis",
		"unknown":   "done Prévu, done Pris, odd Inconnu, ahead Parti, ahead Remis",
		"no number": "done Prévu, done Pris, done Accepté, done Parti, odd Non remis",
		"expired":   "done Prévu, odd Expiré, ahead Accepté, ahead Parti, ahead Remis",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if steps := way(queue.Status{State: queue.Planned, Due: due}, time.UTC); steps[0].At != "25/11 18:00" {
		t.Errorf("planned for %q", steps[0].At)
	}
}

func TestStates_allHaveWordAndSign(t *testing.T) {
	for _, s := range queue.AllStates {
		st, ok := states[s]
		if !ok {
			t.Errorf("%s has no word", s)
			continue
		}
		if _, err := icon(st.Icon + "-fill"); err != nil {
			t.Errorf("%s: %v", s, err)
		}
		if _, err := icon(oddIcon(s)); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestWords_ofEveryKindPictureAndLanguage(t *testing.T) {
	for _, kind := range locales.PaperKinds {
		if name := kindName(kind); name == "" || strings.Contains(name, "kind.") {
			t.Errorf("%s is called %q", kind, name)
		}
		if _, err := kindIcon(kind); err != nil {
			t.Error(err)
		}
	}
	for _, tag := range locales.Tags() {
		if languageName(tag) == tag {
			t.Errorf("language %s has no French name", tag)
		}
	}
	var offered []string
	for _, p := range placePictures {
		offered = append(offered, p.Value)
	}
	for _, badge := range locales.Badges {
		if !strings.Contains(strings.Join(offered, " "), badge) {
			t.Errorf("picture %s is not offered for a place", badge)
		}
	}
	if got := languages("ar")[0].Value; got != "fr" {
		t.Errorf("the first language is %s", got)
	}
}

func TestProblems_eachRefusalHasAnAnswer(t *testing.T) {
	for err, status := range map[error]int{
		vault.ErrNotFound: 404, vault.ErrForbidden: 403, vault.ErrSignIn: 422, vault.ErrCode: 422, vault.ErrBusy: 503, vault.ErrFull: 507, vault.ErrPast: 422,
		vault.ErrTooLarge: 413, vault.ErrFileEmpty: 422, vault.ErrFileType: 415, vault.ErrFileCut: 422, vault.ErrFileDamaged: 422,
		vault.ErrFilePassword: 422, vault.ErrFilePages: 422, &vault.Invalid{Field: "day", Reason: "far"}: 422, &vault.Invalid{Field: "odd"}: 422,
	} {
		p, ok := explain(fmt.Errorf("wrapped: %w", err))
		if !ok || p.status != status || len(p.text) < 40 {
			t.Errorf("%v: %v %d %q", err, ok, p.status, p.text)
		}
	}
	if _, ok := explain(errors.New("anything else")); ok {
		t.Error("an unknown fault is explained")
	}
	var f = newForm()
	if status, ok := f.refuse(vault.ErrFull, "file"); !ok || status != http.StatusInsufficientStorage || f.Top == "" {
		t.Errorf("a full disk: %d %v %q", status, ok, f.Top)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1 seconde", 40 * time.Second: "40 secondes", 119 * time.Second: "119 secondes", 2 * time.Minute: "2 minutes", 3 * time.Hour: "3 heures", 50 * time.Hour: "2 jours",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	day := time.Date(2026, 12, 1, 9, 5, 0, 0, time.UTC)
	if got := longDay(day); got != "Mardi 1er décembre 2026" {
		t.Error(got)
	}
	if got := shortDay(day, 2026); got != "Mardi 01/12" {
		t.Error(got)
	}
	if got := shortDay(day, 2025); got != "Mardi 01/12/2026" {
		t.Error(got)
	}
	if got := nightsLeft(day.AddDate(0, 0, 3), day); got != "3 nuits" {
		t.Error(got)
	}
	if got := nightsLeft(day, day); got != "dernier jour" {
		t.Error(got)
	}
}

// TestFaults_everyCode reads the carrier's own table: no code may reach the desk
// without words.
func TestFaults_everyCode(t *testing.T) {
	source, err := os.ReadFile("../../smsd/carrier/codes.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`(?m)^\s*(\d{5}):`).FindAllStringSubmatch(string(source), -1)
	if len(codes) < 50 {
		t.Fatalf("found %d codes: the search is broken", len(codes))
	}
	for _, code := range codes {
		s := queue.Status{State: queue.Failed, Error: code[1]}
		if _, known := faults[code[1]]; !known && !setup[code[1]] {
			t.Errorf("code %s has no words", code[1])
		}
		if why := reason(s); !strings.HasSuffix(why, ". ("+code[1]+")") {
			t.Errorf("code %s is told as %q", code[1], why)
		}
	}
}

func TestRemedies(t *testing.T) {
	for want, statuses := range map[remedy][]queue.Status{
		nothing: {{State: queue.Delivered}, {State: queue.Held, Error: "30005"}, {State: queue.Sent}, {State: queue.Cancelled}, {State: queue.Unknown, Error: "timeout"}},
		change:  {{State: queue.Failed, Error: "21211"}, {State: queue.Undelivered, Error: "30005"}, {State: queue.Suppressed, Error: "not-me"}},
		warn:    {{State: queue.Suppressed, Error: "opt-out"}, {State: queue.Expired}, {State: queue.Failed, Error: "12345"}, {State: queue.Undelivered}},
		cancel:  {{State: queue.Planned}, {State: queue.Planned, Error: "30003"}},
	} {
		for _, s := range statuses {
			if got := remedyFor(s); got != want {
				t.Errorf("%s %s: %d, want %d", s.State, s.Error, got, want)
			}
		}
	}
}

func TestDigits(t *testing.T) {
	for e164, want := range map[string]string{"+33639981042": "06 39 98 10 42", "+262692123456": "+262692123456", "": ""} {
		if got := digits(e164); got != want {
			t.Errorf("%s: %q, want %q", e164, got, want)
		}
	}
}
