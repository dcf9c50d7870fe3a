package plan_test

import (
	"strings"
	"testing"
	"time"

	"consigne/locales"
	"consigne/portal/plan"
)

// The longest values that a desk takes, a calendar has and an operator may give.
var (
	longestPlace = strings.Repeat("Forêt & Hôpital Sœur Zoë, ", 2)[:45] // 40 letters, five of them of two bytes
	aLink        = "https://papiers.consigne-saint-etienne.example.org/l/ABCDEFGHIJKLMNOP"
)

// longestDays are an hour of each day of a year, so that every weekday and month of
// every language is among them.
func longestDays(loc *time.Location) (out []time.Time) {
	for day := range 365 {
		out = append(out, time.Date(2026, 1, 1+day, 22, 45, 0, 0, loc))
	}
	return out
}

// notes are all ways in which a reminder may be said.
func notes(lang string, start time.Time, url string) map[string]plan.Note {
	out := map[string]plan.Note{}
	for _, kind := range []plan.Kind{plan.Evening, plan.Hours} {
		due := start.Add(-2 * time.Hour)
		if kind == plan.Evening {
			due = start.Add(-26 * time.Hour)
		}
		n := plan.Note{Language: lang, Kind: kind, Start: start, Due: due, Place: longestPlace}
		own, link, replies, early := n, n, n, n
		n.Shared, link.URL, replies.Replies = true, url, true
		early.Due, early.URL = early.Due.Add(-24*time.Hour), url
		for name, note := range map[string]plan.Note{"own": own, "shared": n, "link": link, "replies": replies, "early": early} {
			out[string(kind)+"/"+name] = note
		}
	}
	return out
}

// check counts one text, and names the letter that breaks it.
func check(t *testing.T, lang, name, text string) (units, segments int) {
	t.Helper()
	encoding, units, segments := locales.Segments(text)
	most := 2
	if locales.Must(lang).Script() == "Latn" {
		most = 1
		if r, outside := locales.OutsideGSM(text); outside {
			t.Errorf("%s %s: %q (%U) is not in GSM-7", lang, name, r, r)
		}
	}
	if segments > most {
		t.Errorf("%s %s: %s, %d units, %d segments, at most %d are allowed: %s", lang, name, encoding, units, segments, most, text)
	}
	return units, segments
}

// TestText_Segments counts every reminder of every language with its longest day.
func TestText_Segments(t *testing.T) {
	loc := zone(t, "Europe/Paris")
	for _, lang := range locales.Tags() {
		most := map[string]int{}
		text := map[string]string{}
		for _, start := range longestDays(loc) {
			for name, n := range notes(lang, start, aLink) {
				said, hasLink := plan.Text(n)
				if hasLink != (n.URL != "") || hasLink != (n.URL != "" && strings.Contains(said, n.URL)) {
					t.Errorf("%s %s: link %t: %s", lang, name, hasLink, said)
				}
				if units, _ := check(t, lang, name, said); units > most[name] {
					most[name], text[name] = units, said
				}
			}
		}
		for name, units := range most {
			encoding, _, segments := locales.Segments(text[name])
			t.Logf("%s %-15s %s %3d units, %d segments: %s", lang, name, encoding, units, segments, text[name])
		}
		said := plan.Paper(lang, aLink)
		units, segments := check(t, lang, "paper", said)
		t.Logf("%s %-15s %3d units, %d segments: %s", lang, "paper", units, segments, said)
	}
}

// TestText_LongestURL: the longest address that an operator may give leaves day and
// hour their room, and one letter more does not pass.
func TestText_LongestURL(t *testing.T) {
	url := "https://" + strings.Repeat("a", 100)
	for !plan.FitsURL(url) {
		url = url[:len(url)-1]
	}
	if len(url) < 90 || plan.FitsURL(url+"a") || plan.FitsURL("https://ê.example/l/ABCDEFGHIJKLMNOP") {
		t.Errorf("%d letters fit", len(url))
	}
	for _, lang := range locales.Tags() {
		for _, start := range longestDays(zone(t, "Indian/Reunion")) {
			for name, n := range notes(lang, start, url) {
				said, hasLink := plan.Text(n)
				check(t, lang, name, said)
				if hasLink != (n.URL != "") || !strings.Contains(said, start.Format("15:04")) || !strings.Contains(strings.ToLower(said), strings.ToLower(dayOf(lang, n))) {
					t.Fatalf("%s %s: link %t: %s", lang, name, hasLink, said)
				}
			}
		}
		check(t, lang, "paper", plan.Paper(lang, url))
	}
}

// dayOf is the day as a text has it at least: in full, or "today".
func dayOf(lang string, n plan.Note) string {
	today := locales.SMS(lang, "hours", locales.Args{"t": n.Start, "place": n.Place})
	if said, _ := plan.Text(n); strings.HasPrefix(said, today) {
		return today
	}
	return locales.Fold(lang, locales.Must(lang).Date(n.Start).Caption)
}

// TestText_LettersThatCost: a place in letters that GSM-7 lacks would turn a message
// of 160 letters into one of 70: the place goes, day and hour stay.
func TestText_LettersThatCost(t *testing.T) {
	start := time.Date(2026, 9, 30, 14, 30, 0, 0, zone(t, "Europe/Paris"))
	n := plan.Note{Language: "fr", Kind: plan.Evening, Start: start, Due: start.Add(-20 * time.Hour), Place: "بيت الشباب", URL: aLink}
	said, hasLink := plan.Text(n)
	if want := "Mercredi 30 septembre, 14:30. " + aLink; said != want || !hasLink {
		t.Errorf("%q, want %q", said, want)
	}
	n.URL = ""
	if said, _ = plan.Text(n); said != "Rappel : demain mercredi 30 septembre, 14:30, بيت الشباب." {
		t.Errorf("%q", said)
	}
	n.Place, n.URL = "CCAS", strings.Repeat("x", 200)
	if said, hasLink = plan.Text(n); said != "Mercredi 30 septembre, 14:30." || hasLink {
		t.Errorf("a link that fits nowhere: %q", said)
	}
}

// TestText says each of its forms once.
func TestText(t *testing.T) {
	thursday := time.Date(2026, 11, 26, 14, 30, 0, 0, zone(t, "Europe/Paris"))
	evening, hours := time.Date(2026, 11, 25, 18, 0, 0, 0, thursday.Location()), thursday.Add(-2*time.Hour)
	for name, c := range map[string]struct {
		note plan.Note
		want string
	}{
		"evening":         {plan.Note{Kind: plan.Evening, Due: evening}, "Rappel : demain jeudi 26 novembre, 14:30, CCAS."},
		"hours":           {plan.Note{Kind: plan.Hours, Due: hours}, "Rappel : aujourd'hui à 14:30, CCAS."},
		"replies":         {plan.Note{Kind: plan.Evening, Due: evening, Replies: true}, "Rappel : demain jeudi 26 novembre, 14:30, CCAS. Répondez 1 oui, 2 non."},
		"replies or link": {plan.Note{Kind: plan.Hours, Due: hours, Replies: true, URL: "https://c.example/l/A"}, "Rappel : aujourd'hui à 14:30, CCAS. Répondez 1 oui, 2 non."},
		"link":            {plan.Note{Kind: plan.Hours, Due: hours, URL: "https://c.example/l/A"}, "Rappel : aujourd'hui à 14:30, CCAS. Répondre : https://c.example/l/A"},
		"shared":          {plan.Note{Kind: plan.Evening, Due: evening, Shared: true, Replies: true, URL: "https://c.example/l/A"}, "Rappel : jeudi 26 novembre, 14:30."},
		"a night early":   {plan.Note{Kind: plan.Evening, Due: evening.Add(-24 * time.Hour)}, "Jeudi 26 novembre, 14:30, CCAS."},
	} {
		n := c.note
		n.Language, n.Start, n.Place = "fr", thursday, "CCAS"
		if got, _ := plan.Text(n); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	midnight := time.Date(2026, 11, 27, 0, 30, 0, 0, thursday.Location())
	if got, _ := plan.Text(plan.Note{Language: "fr", Kind: plan.Hours, Start: midnight, Due: midnight.Add(-2 * time.Hour), Place: "CCAS"}); got != "Vendredi 27 novembre, 00:30, CCAS." {
		t.Errorf("just after midnight: %q", got)
	}
}
