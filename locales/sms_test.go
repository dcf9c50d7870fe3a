package locales

import (
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// The longest values that the desk takes or the calendar has.
var (
	longestDay   = time.Date(2026, time.September, 30, 14, 30, 0, 0, time.UTC) // mercredi 30 septembre
	longestPlace = "Centre communal d’action sociale – Forêt & Hôpital Sœur Zoë (3ᵉ)"
	longestLink  = "https://papiers.consigne-saint-etienne.example.org/l/ABCDEFGHIJKLMNOP"
)

func TestSMSFitItsSegments(t *testing.T) {
	place := strings.NewReplacer("ᵉ", "e").Replace(longestPlace)
	if n := len([]rune(place)); n < 60 {
		t.Fatalf("the longest place has %d letters only", n)
	}
	args := Args{"t": longestDay, "place": place, "url": longestLink}
	for _, tag := range Tags() {
		for _, template := range []string{"evening", "hours", "link", "noted", "declined", "stopped", "started"} {
			text := SMS(tag, template, args)
			encoding, units, segments := Segments(text)
			t.Logf("%s %-8s %s %3d units, %d segments: %s", tag, template, encoding, units, segments, text)
			most := 2
			if Must(tag).Script() == "Latn" {
				most = 1
				if r, outside := OutsideGSM(text); outside {
					t.Errorf("%s %s: %q (%U) is not in GSM-7 and makes it %d segments", tag, template, r, r, segments)
				}
			}
			if segments > most {
				t.Errorf("%s %s: %d units, %d segments, at most %d are allowed", tag, template, units, segments, most)
			}
			if strings.ContainsAny(text, "\u2066\u2068\u2069") {
				t.Errorf("%s %s: signs that old phones show as boxes: %+q", tag, template, text)
			}
		}
	}
}

// The test above would not be worth much if an unfolded text passed it.
func TestUnfoldedTextNamesItsLetter(t *testing.T) {
	text := Must("fr").Text("sms.link", Args{"url": longestLink})
	if r, outside := OutsideGSM(text); !outside || r != '’' {
		t.Errorf("OutsideGSM(%q) = %q, %v", text, r, outside)
	}
}

func TestSMSSaysDayHourAndPlaceOnly(t *testing.T) {
	args := Args{"t": thursday, "place": "CCAS", "url": "https://h.example/l/ABCDEFGHIJKLMNOP"}
	for template, want := range map[string]string{
		"evening": "Rappel : demain jeudi 26 novembre, 14:30, CCAS.",
		"hours":   "Rappel : aujourd'hui à 14:30, CCAS.",
		"link":    "Un papier pour vous. Il s'ouvre une seule fois : https://h.example/l/ABCDEFGHIJKLMNOP",

		"noted":    "C'est noté. A jeudi 14:30.",
		"declined": "C'est noté : vous ne venez pas jeudi à 14:30.",
		"stopped":  "C'est noté : plus aucun message. Pour en recevoir de nouveau, répondez START.",
		"started":  "C'est noté : vous recevrez de nouveau des messages. Pour ne plus en recevoir, répondez STOP.",
	} {
		if got := SMS("fr", template, args); got != want {
			t.Errorf("%s: %q, want %q", template, got, want)
		}
	}
	if got, want := SMS("ar", "evening", args), "تذكير: غدا الخميس 26 نوفمبر 14:30، CCAS."; got != want {
		t.Errorf("ar: %q, want %q", got, want)
	}
}

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"Fête à Nîmes, où l’été est là : cœur, Noël, aïeul, reçu…": "Fete à Nimes, où l'été est là : coeur, Noel, aieul, recu...",
		"ÀÂÈÊËÎÏÔÙÛŸŒÇÉ":                                           "AAEEEIIOUUYOEÇÉ",
		"« a » “b” 1\u00a0000 – 2 €":                               "\" a \" \"b\" 1 000 - 2 €",
	} {
		got := Fold("fr", text)
		if got != want {
			t.Errorf("Fold(%q) = %q, want %q", text, got, want)
		}
		if r, outside := OutsideGSM(got); outside {
			t.Errorf("%q: %q stays outside GSM-7", got, r)
		}
	}
}

func TestFoldTablesLeadIntoGSM(t *testing.T) {
	each(t, func(t *testing.T, l *Locale) {
		for from, to := range l.language.Fold {
			if r, outside := OutsideGSM(to); outside {
				t.Errorf("fold %q: %q is not in GSM-7", from, r)
			}
			if _, outside := OutsideGSM(from); !outside {
				t.Errorf("fold %q: GSM-7 has it, nothing is won", from)
			}
		}
	})
}

func TestSegments(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	for name, c := range map[string]struct {
		text     string
		encoding Encoding
		units    int
		segments int
	}{
		"empty":                      {"", GSM7, 0, 1},
		"one full":                   {a(160), GSM7, 160, 1},
		"one over":                   {a(161), GSM7, 161, 2},
		"two full":                   {a(306), GSM7, 306, 2},
		"two over":                   {a(307), GSM7, 307, 3},
		"accents of the alphabet":    {strings.Repeat("éèùìòàÇ", 22) + "éèùìòà", GSM7, 160, 1},
		"escape counts two":          {a(158) + "€", GSM7, 160, 1},
		"escape over":                {a(159) + "€", GSM7, 161, 2},
		"escape is not cut":          {a(152) + "€" + a(152), GSM7, 306, 3},
		"one letter outside":         {a(69) + "ê", UCS2, 70, 1},
		"one letter outside, 71":     {a(70) + "ê", UCS2, 71, 2},
		"two full in UCS-2":          {strings.Repeat("ش", 134), UCS2, 134, 2},
		"two over in UCS-2":          {strings.Repeat("ش", 135), UCS2, 135, 3},
		"a pair counts two":          {strings.Repeat("😀", 35), UCS2, 70, 1},
		"a pair is not cut":          {strings.Repeat("ش", 66) + "😀" + strings.Repeat("ش", 66), UCS2, 134, 3},
		"small c cedilla is outside": {"ç", UCS2, 1, 1},
		"the escape itself":          {"\x1b", UCS2, 1, 1},
		"200 Chinese characters":     {strings.Repeat("中", 200), UCS2, 200, 3},
	} {
		encoding, units, segments := Segments(c.text)
		if encoding != c.encoding || units != c.units || segments != c.segments {
			t.Errorf("%s: %s %d units %d segments, want %s %d %d", name, encoding, units, segments, c.encoding, c.units, c.segments)
		}
	}
}

func TestGSMTableSizes(t *testing.T) {
	if n := len([]rune(gsmBasic)); n != 128 {
		t.Errorf("default alphabet: %d places, 128 are defined", n)
	}
	if n := len([]rune(gsmExtended)); n != 10 {
		t.Errorf("extension table: %d signs, 10 are defined", n)
	}
	// Places of the code chart in 3GPP TS 23.038, 6.2.1.
	for code, want := range map[int]rune{0x00: '@', 0x09: 'Ç', 0x10: 'Δ', 0x1B: '\x1b', 0x20: ' ', 0x24: '¤', 0x40: '¡', 0x41: 'A', 0x5F: '§', 0x60: '¿', 0x7F: 'à'} {
		if got := []rune(gsmBasic)[code]; got != want {
			t.Errorf("code %02X: %q, want %q", code, got, want)
		}
	}
}

// packed lays a text into messages letter by letter, as a phone would.
func packed(text string, single, joined int, width func(rune) int) int {
	whole := 0
	for _, r := range text {
		whole += width(r)
	}
	if whole <= single {
		return 1
	}
	messages := []int{0}
	for _, r := range text {
		if messages[len(messages)-1]+width(r) > joined {
			messages = append(messages, 0)
		}
		messages[len(messages)-1] += width(r)
	}
	return len(messages)
}

func FuzzSegments(f *testing.F) {
	for _, text := range []string{"", "a", "ê", strings.Repeat("€", 90), strings.Repeat("😀", 40), "\xff\xfe", "\x1b", strings.Repeat("ab€", 77)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		encoding, units, segments := Segments(text)
		runes := []rune(text)
		switch encoding {
		case GSM7:
			if want := packed(text, 160, 153, func(r rune) int {
				if strings.ContainsRune(gsmExtended, r) {
					return 2
				}
				return 1
			}); want != segments {
				t.Fatalf("%q: %d segments, a phone needs %d", text, segments, want)
			}
		case UCS2:
			if want := len(utf16.Encode(runes)); want != units {
				t.Fatalf("%q: %d units, UTF-16 has %d", text, units, want)
			}
			if want := packed(text, 70, 67, func(r rune) int { return len(utf16.Encode([]rune{r})) }); want != segments {
				t.Fatalf("%q: %d segments, a phone needs %d", text, segments, want)
			}
		}
		if folded := Fold("fr", text); Fold("fr", folded) != folded {
			t.Fatalf("%q: folding twice is not folding once", text)
		}
	})
}
