package locales

import (
	"maps"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// eachWord gives every word of every language, and those understood everywhere.
func eachWord(t *testing.T, fn func(word string, want Meaning)) {
	t.Helper()
	all := map[string]answers{"everywhere": everywhere}
	for _, tag := range Tags() {
		all[tag] = Must(tag).language.Answers
	}
	words := 0
	for from, a := range all {
		for meaning, list := range a.byMeaning() {
			if len(list) == 0 && from != "everywhere" {
				t.Errorf("%s has no word for %s", from, meaning)
			}
			for _, word := range list {
				words++
				fn(word, meaning)
			}
		}
	}
	if words < 100 {
		t.Fatalf("%d words only", words)
	}
}

// Every keyword of every language, as people really write it.
func TestAnswer_EveryWordInEveryDress(t *testing.T) {
	arabicDigits := strings.NewReplacer("1", "١", "2", "٢", "3", "٣")
	persianDigits := strings.NewReplacer("1", "۱", "2", "۲", "3", "۳")
	unaccented := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Inherited, r) {
				return -1
			}
			return r
		}, norm.NFD.String(s))
	}
	dresses := map[string]func(string) string{
		"plain": strings.Clone, "capitals": strings.ToUpper, "small": strings.ToLower, "titled": func(s string) string {
			r, n := utf8.DecodeRuneInString(s)
			return string(unicode.ToTitle(r)) + s[n:]
		},
		"decomposed": norm.NFD.String, "without accents": unaccented,
		"spaced": func(s string) string { return "  " + strings.ReplaceAll(s, " ", " \u00a0 ") + "\r\n" },
		"dotted": func(s string) string { return s + "." },
		"called": func(s string) string { return "¡" + s + " !!!" },
		"quoted": func(s string) string { return "« " + s + " »" },
		"emoji":  func(s string) string { return "👍🏽 " + s + " 🙏❤️" },
		"keycap": func(s string) string {
			return strings.NewReplacer("1", "1\ufe0f\u20e3", "2", "2\ufe0f\u20e3").Replace(s)
		},
		"arabic":  arabicDigits.Replace,
		"persian": persianDigits.Replace,
		"hamza":   strings.NewReplacer("أ", "ا", "إ", "ا", "آ", "ا", "ى", "ي").Replace,
		"tatweel": func(s string) string { return strings.ReplaceAll(s, "ل", "ل\u0640") },
		"harakat": func(s string) string { return strings.ReplaceAll(s, "ل", "ل\u064e") },
		"marks":   func(s string) string { return "\u200f" + s + "\u200e\u2069" },
	}
	eachWord(t, func(word string, want Meaning) {
		for name, dress := range dresses {
			if got, ok := Answer(dress(word)); !ok || got != want {
				t.Errorf("%s, %q: %q, %v; want %q", name, dress(word), got, ok, want)
			}
		}
	})
}

// Fixed, so that the test above cannot be satisfied by an empty list.
func TestAnswer_Fixed(t *testing.T) {
	for text, want := range map[string]Meaning{
		"1": AnswerYes, " 1. ": AnswerYes, "①": AnswerYes, "１": AnswerYes, "১": AnswerYes, "OUI": AnswerYes, "oui !": AnswerYes, "D'accord": AnswerYes, "نعم": AnswerYes, "نَعَم": AnswerYes,
		"2": AnswerNo, "٢": AnswerNo, "Non.": AnswerNo, "لا": AnswerNo, "Je ne peux pas": AnswerNo,
		"STOP": AnswerStop, "S.T.O.P": AnswerStop, "Arrêt": AnswerStop, "arre\u0302t !": AnswerStop, "ＳＴＯＰ": AnswerStop, "Unsubscribe": AnswerStop, "إيقاف": AnswerStop, "ايقاف": AnswerStop, "Stop 🛑": AnswerStop,
		"Start": AnswerStart, "ابدأ": AnswerStart, "ابدا": AnswerStart,
		"Ce n’est pas moi": AnswerNotMe, "ce nest pas moi": AnswerNotMe, "CE N'EST PAS MOI.": AnswerNotMe, "Mauvais numéro !!": AnswerNotMe, "رقم خاطئ": AnswerNotMe, "رقم خاطى": AnswerNotMe,
	} {
		if got, ok := Answer(text); !ok || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, ok, want)
		}
	}
}

func TestAnswer_ForTheDesk(t *testing.T) {
	for _, text := range []string{
		"", " ", "...", "👍", "🛑🛑", "3", "11", "12", "1 ou 2", "oui ou non", "là", "stop demain", "ne pas stop", "ok mais plus tard", "\xff\xfe", "\x00",
		"Je serai en retard", "سأتأخر", strings.Repeat("STOP ", 300), strings.Repeat("é", 1600), strings.Repeat("👍", 600) + "oui",
	} {
		if got, ok := Answer(text); ok {
			t.Errorf("%q is taken for %q", text, got)
		}
	}
}

// In the scripts of India a vowel is a mark: left out, one word would be another.
func TestAnswerKey_KeepsVowels(t *testing.T) {
	for _, pair := range [][2]string{{"না", "নি"}, {"हा", "ही"}, {"ไม่ใช่", "ใช่"}, {"مده", "مدح"}} {
		if answerKey(pair[0]) == answerKey(pair[1]) {
			t.Errorf("%q and %q are one", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"İYİ", "iyi"}, {"HAYIR", "hayır"}, {"όχι", "ΟΧΙ"}, {"ΣΑΣ", "σας"}, {"не́т", "НЕТ"}, {"کی", "كي"}} {
		if answerKey(pair[0]) != answerKey(pair[1]) {
			t.Errorf("%q and %q are two: %q, %q", pair[0], pair[1], answerKey(pair[0]), answerKey(pair[1]))
		}
	}
}

// twoLanguages loads French and a second language with these words.
func twoLanguages(t *testing.T, words string) (*set, error) {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	settings := strings.NewReplacer(`tag = "ar"`, `tag = "ps"`).Replace(read("languages/ar.toml"))
	from, to := strings.Index(settings, "[answers]"), strings.Index(settings, "[values]")
	if from < 0 || to < from {
		t.Fatal("no answers before the values")
	}
	settings = settings[:from] + words + settings[to:]
	return load(fstest.MapFS{
		"languages/fr.toml": {Data: []byte(read("languages/fr.toml"))}, "messages/fr.toml": {Data: []byte(read("messages/fr.toml"))},
		"languages/ps.toml": {Data: []byte(settings)}, "messages/ps.toml": {Data: []byte("[bar]\nback = \"شاته\"\n")},
	})
}

// One more language is one more file, and its words are understood beside the
// others'.
func TestAnswers_OfAnotherLanguage(t *testing.T) {
	s, err := twoLanguages(t, "[answers]\nyes = [\"هو\", \"oui\"]\nno = [\"نه\"]\nstop = [\"بس\"]\nstart = [\"پیل\"]\nnot_me = [\"زه نه یم\"]\n")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Meaning{"هو": AnswerYes, "نه": AnswerNo, "بس": AnswerStop, "پیل": AnswerStart, "زه نه یم": AnswerNotMe, "non": AnswerNo, "STOP": AnswerStop}
	got := map[string]Meaning{}
	for word := range want {
		got[word] = s.answers[answerKey(word)]
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAnswers_Refused(t *testing.T) {
	good := "[answers]\nyes = [\"هو\"]\nno = [\"نه\"]\nstop = [\"بس\"]\nstart = [\"پیل\"]\nnot_me = [\"زه نه یم\"]\n"
	for name, change := range map[string][2]string{
		"no in French":            {`"هو"`, `"هو", "Nôn!"`},
		"a digit of everybody":    {`"نه"`, `"نه", "١"`},
		"two in one language":     {`"بس"`, `"بس", "هو."`},
		"no letters":              {`"هو"`, `"هو", "!?"`},
		"none for a meaning":      {`"پیل"`, ``},
		"a table that is missing": {good, ``},
		"an unknown meaning":      {"stop =", "cease ="},
		"endless":                 {`"هو"`, `"` + strings.Repeat("ه", 400) + `"`},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Fatalf("%s: nothing changed", name)
		}
		if _, err := twoLanguages(t, text); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := twoLanguages(t, good); err != nil {
		t.Errorf("the unchanged one: %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	for _, text := range []string{"", "STOP", "arrêt", "١", "1\ufe0f\u20e3", "\xff", "نَعَم", "🛑", "İ", "ﷺ", "\u0600", strings.Repeat("o", 513)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key := answerKey(text)
		if again := answerKey(key); again != key {
			t.Fatalf("%q: key %q, whose key is %q", text, key, again)
		}
		if upper := answerKey(strings.ToUpper(key)); utf8.ValidString(key) && isASCII(key) && upper != key {
			t.Fatalf("%q: key %q, in capitals %q", text, key, upper)
		}
		if strings.IndexFunc(key, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsControl(r) }) >= 0 {
			t.Fatalf("%q: key %q holds more than letters and digits", text, key)
		}
		m, ok := Answer(text)
		dotted, dottedOK := Answer(text + " .")
		if len(text)+2 <= longestAnswer && (m != dotted || ok != dottedOK) {
			t.Fatalf("%q means %q, with a dot %q", text, m, dotted)
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}
