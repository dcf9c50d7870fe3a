package desk

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"consigne/locales"
	"consigne/portal/vault"
)

// french is the language of the desk.
func french() *locales.Locale { return locales.Must(locales.Fallback) }

// zoneOf is the zone whose days and hours a relay lives by. The vault checked its
// name when the relay was made.
func zoneOf(r vault.Relay) *time.Location {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// languageNames are the languages' names in French, for staff.
var languageNames = map[string]string{
	"fr": "français", "ar": "arabe", "ps": "pachto", "fa-AF": "dari", "ti": "tigrigna", "ka": "géorgien",
	"bn": "bengali", "so": "somali", "ff": "peul", "bm": "bambara", "ro": "roumain", "uk": "ukrainien",
	"en": "anglais", "pt": "portugais", "ru": "russe", "sq": "albanais", "tr": "turc", "es": "espagnol",
	"am": "amharique", "om": "oromo", "snk": "soninké", "wo": "wolof", "ku": "kurde", "ta": "tamoul", "zh": "chinois",
}

// languageName falls back to the tag itself for a language without a French name.
func languageName(tag string) string {
	if name, ok := languageNames[tag]; ok {
		return name
	}
	return tag
}

type choice struct {
	Value, Label string
	Chosen       bool
}

// languages are the choices of a new person's language, by French name with
// French itself first.
func languages(chosen string) []choice {
	var out []choice
	for _, tag := range locales.Tags() {
		out = append(out, choice{Value: tag, Label: languageName(tag), Chosen: tag == chosen})
	}
	slices.SortStableFunc(out, func(a, b choice) int {
		if (a.Value == "fr") != (b.Value == "fr") {
			if a.Value == "fr" {
				return -1
			}
			return 1
		}
		return strings.Compare(plainLetters(a.Label), plainLetters(b.Label))
	})
	return out
}

// kindName is what a kind of paper is called, with a capital.
func kindName(kind string) string {
	return french().Text("kind."+kind+".name", nil)
}

// longDay writes "Lundi 23 novembre 2026".
func longDay(t time.Time) string {
	return fmt.Sprintf("%s %d", french().Date(t).Caption, t.Year())
}

// shortDay writes "Jeudi 26/11", with the year when it is not this one.
func shortDay(t time.Time, thisYear int) string {
	weekday, _, _ := strings.Cut(french().Date(t).Caption, " ")
	s := weekday + t.Format(" 02/01")
	if t.Year() != thisYear {
		s += t.Format("/2006")
	}
	return s
}

// day writes a civil day as forms do, "14/03/1951", and nothing for none.
func day(d vault.Date) string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%02d/%02d/%04d", d.Day, d.Month, d.Year)
}

// moment writes "25/11 18:00", and nothing for the zero time.
func moment(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format("02/01 15:04")
}

// span writes how long something has lasted, in its largest sensible unit.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return count(max(1, int(d.Seconds())), "seconde", "secondes")
	case d < 2*time.Hour:
		return count(int(d.Minutes()), "minute", "minutes")
	case d < 48*time.Hour:
		return count(int(d.Hours()), "heure", "heures")
	}
	return count(int(d.Hours()/24), "jour", "jours")
}

// count writes a number with its noun; French counts zero as one.
func count(n int, one, many string) string {
	if n < 2 {
		return strconv.Itoa(n) + " " + one
	}
	return strconv.Itoa(n) + " " + many
}

// maskedPhone shows enough of a number to know it again: "06 •• •• 10 42".
func maskedPhone(e164 string) string {
	if e164 == "" {
		return ""
	}
	if national, ok := strings.CutPrefix(e164, "+33"); ok && len(national) == 9 {
		return "0" + national[:1] + " •• •• " + national[5:7] + " " + national[7:]
	}
	if len(e164) < 8 {
		return "••"
	}
	return e164[:3] + " •• •• " + e164[len(e164)-4:len(e164)-2] + " " + e164[len(e164)-2:]
}

// digits writes a number as it is dialled: "06 39 98 10 42", and one of another
// country as it is.
func digits(e164 string) string {
	national, ok := strings.CutPrefix(e164, "+33")
	if !ok || len(national) != 9 {
		return e164
	}
	out := "0" + national[:1]
	for i := 1; i < len(national); i += 2 {
		out += " " + national[i:i+2]
	}
	return out
}

// callOn is a button that shows a number to dial.
type callOn struct {
	Word, Name, Number string
	Primary            bool
}
