package locales

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/feature/plural"
	textlanguage "golang.org/x/text/language"
)

func each(t *testing.T, fn func(t *testing.T, l *Locale)) {
	t.Helper()
	if len(Tags()) < 2 {
		t.Fatalf("languages: %v, at least French and Arabic are needed", Tags())
	}
	for _, tag := range Tags() {
		t.Run(tag, func(t *testing.T) { fn(t, Must(tag)) })
	}
}

func TestEveryKeyInEveryLanguage(t *testing.T) {
	want := Keys()
	if len(want) < 150 {
		t.Fatalf("%d keys, the screens need more", len(want))
	}
	each(t, func(t *testing.T, l *Locale) {
		if diff := cmp.Diff(want, l.messages.keys()); diff != "" {
			t.Errorf("keys differ from French (-French +%s):\n%s", l.Tag(), diff)
		}
	})
}

// places are the names of a message's places in all its forms.
func places(m *message) []string {
	names := map[string]bool{}
	for _, pieces := range m.forms {
		for _, p := range pieces {
			if p.name != "" {
				names[p.name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func TestSamePlacesAsFrench(t *testing.T) {
	french := Must(Fallback).messages.byKey
	each(t, func(t *testing.T, l *Locale) {
		for key, m := range l.messages.byKey {
			if diff := cmp.Diff(places(french[key]), places(m)); diff != "" {
				t.Errorf("%s (-French +%s):\n%s", key, l.Tag(), diff)
			}
			if m.count != french[key].count {
				t.Errorf("%s counts %q, French %q", key, m.count, french[key].count)
			}
		}
	})
}

// pluralForms are the forms that CLDR gives a language for whole numbers, found
// by asking for many of them, not from go-i18n's table.
func pluralForms(tag string) map[string]bool {
	names := map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}
	forms := map[string]bool{}
	for n := range 1000 {
		forms[names[plural.Cardinal.MatchPlural(textlanguage.MustParse(tag), n, 0, 0, 0, 0)]] = true
	}
	return forms
}

func TestPluralFormsAreThoseOfTheLanguage(t *testing.T) {
	each(t, func(t *testing.T, l *Locale) {
		want := pluralForms(l.Tag())
		for key, m := range l.messages.byKey {
			if m.count == "" {
				continue
			}
			for form := range want {
				if m.forms[form] == nil {
					t.Errorf("%s lacks the form %q", key, form)
				}
			}
			for form := range m.forms {
				if !want[form] && form != "zero" {
					t.Errorf("%s has the form %q, which the language has not", key, form)
				}
			}
		}
	})
}

func TestPluralFormChosen(t *testing.T) {
	for _, c := range []struct {
		tag, key string
		n        int
		want     string
	}{
		{"fr", "when.nights", 0, "zero"}, {"fr", "when.nights", 1, "one"}, {"fr", "when.nights", 2, "other"},
		{"fr", "paper.days", 0, "one"}, {"fr", "paper.days", 101, "other"},
		{"ar", "when.nights", 0, "zero"}, {"ar", "when.nights", 1, "one"}, {"ar", "when.nights", 2, "two"},
		{"ar", "when.nights", 3, "few"}, {"ar", "when.nights", 10, "few"}, {"ar", "when.nights", 11, "many"},
		{"ar", "when.nights", 99, "many"}, {"ar", "when.nights", 100, "other"}, {"ar", "when.nights", 101, "other"},
	} {
		l := Must(c.tag)
		if got := l.messages.choose(l.messages.byKey[c.key], c.n); got != c.want {
			t.Errorf("%s %s %d: form %q, want %q", c.tag, c.key, c.n, got, c.want)
		}
	}
}

func TestNoTextIsEmptyOrUntidy(t *testing.T) {
	each(t, func(t *testing.T, l *Locale) {
		for key, m := range l.messages.byKey {
			for form, pieces := range m.forms {
				text := written(pieces)
				if strings.TrimSpace(text) != text || strings.Contains(text, "  ") || text == "" {
					t.Errorf("%s %s: %q", key, form, text)
				}
				if strings.ContainsAny(text, "<>&|\t'") {
					t.Errorf("%s %s: a sign that has no place in a text: %q", key, form, text)
				}
			}
		}
		for list, values := range l.language.Values {
			for i, value := range values {
				if shown, said := split(value); shown == "" || said == "" {
					t.Errorf("%s %d: empty", list, i)
				}
			}
		}
	})
}

func TestMessagesHoldNoRing(t *testing.T) {
	each(t, func(t *testing.T, l *Locale) {
		var walk func(key string, above []string)
		walk = func(key string, above []string) {
			if slices.Contains(above, key) {
				t.Fatalf("ring: %v", append(above, key))
			}
			m := l.messages.byKey[key]
			if m == nil {
				t.Fatalf("%v: no message %s", above, key)
			}
			for _, pieces := range m.forms {
				for _, p := range pieces {
					if p.nested() {
						walk(p.name, append(slices.Clone(above), key))
					}
				}
			}
		}
		for key := range l.messages.byKey {
			walk(key, nil)
		}
	})
}

func TestEveryKindOfPaperHasItsForms(t *testing.T) {
	each(t, func(t *testing.T, l *Locale) {
		for _, kind := range PaperKinds {
			for _, form := range []string{"name", "your", "show"} {
				if l.messages.byKey["kind."+kind+"."+form] == nil {
					t.Errorf("kind %s: no form %s", kind, form)
				}
			}
		}
	})
}

func TestGet(t *testing.T) {
	for _, tag := range []string{"", "fr-FR", "FR", "ar-MA", "en", "../fr", "fa"} {
		if _, ok := Get(tag); ok {
			t.Errorf("Get(%q): found, though there is no such language", tag)
		}
		if got := Must(tag).Tag(); got != Fallback {
			t.Errorf("Must(%q) = %s", tag, got)
		}
	}
	want := []string{"fr ltr Latn Français", "ar rtl Arab العربية"}
	var got []string
	for _, tag := range Tags() {
		l := Must(tag)
		got = append(got, strings.Join([]string{l.Tag(), l.Dir(), l.Script(), l.Name()}, " "))
	}
	if diff := cmp.Diff(want, got[:2]); diff != "" {
		t.Error(diff)
	}
}

// A language more needs two files and no code: here Pashto, with messages still
// few and no voice. What it lacks is French.
func TestAnotherLanguageNeedsOnlyFiles(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	settings := strings.NewReplacer(`tag = "ar"`, `tag = "ps"`, `engine = "espeak-ng"`, `engine = ""`, "order = 2", "order = 3").Replace(read("languages/ar.toml"))
	s, err := load(fstest.MapFS{
		"languages/fr.toml": {Data: []byte(read("languages/fr.toml"))}, "messages/fr.toml": {Data: []byte(read("messages/fr.toml"))},
		"languages/ps.toml": {Data: []byte(settings)}, "messages/ps.toml": {Data: []byte("[bar]\nback = \"شاته\"\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"fr", "ps"}, s.tags); diff != "" {
		t.Error(diff)
	}
	ps := s.byTag["ps"]
	if diff := cmp.Diff(Sentence{Caption: "شاته", Clips: []string{"fr/bar.back"}}, ps.Say("bar.back", nil)); diff != "" {
		t.Errorf("no voice (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Must("fr").Say("bar.leave", nil), ps.Say("bar.leave", nil)); diff != "" {
		t.Errorf("no message (-want +got):\n%s", diff)
	}
	if spoken := ps.Spoken(); spoken != nil {
		t.Errorf("clips to make without an engine: %d", len(spoken))
	}
}

func TestLoadRefuses(t *testing.T) {
	settings, err := os.ReadFile("languages/fr.toml")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"another tag":       {`tag = "fr"`, `tag = "es"`},
		"unknown setting":   {`order = 1`, "order = 1\ncolour = 3"},
		"unknown direction": {`dir = "ltr"`, `dir = "up"`},
		"unknown engine":    {`engine = "espeak-ng"`, `engine = "parrot"`},
		"short list":        {`"dimanche", `, ``},
		"unknown list":      {"[values]\n", "[values]\n\"number.x\" = [\"a\"]\n"},
		"no name":           {`name = "Français"`, `name = ""`},
		"long fold":         {`"ê" = "e"`, `"êê" = "e"`},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(string(settings), change[0], change[1], 1)
			if text == string(settings) {
				t.Fatalf("nothing changed: %q is not there", change[0])
			}
			if _, err := load(fstest.MapFS{"languages/fr.toml": {Data: []byte(text)}, "messages/fr.toml": {Data: []byte("[bar]\nback = \"a\"\n")}}); err == nil {
				t.Error("taken")
			}
		})
	}
	for name, messages := range map[string]string{
		"stray brace": "[a]\nb = \"x {n\"\n", "empty": "[a]\nb = \"\"\n", "plural of nothing": "[a]\nb.one = \"x\"\nb.other = \"y\"\n",
		"half a table": "[a\n", "word of the format as a key": "[a]\nother = \"x\"\nthis = \"y\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseCatalogue("fr", []byte(messages)); err == nil {
				t.Error("taken")
			}
		})
	}
}

// written puts a cut text together again.
func written(pieces []piece) string {
	var text strings.Builder
	for _, p := range pieces {
		text.WriteString(p.fixed)
		if p.name != "" {
			text.WriteString("{" + p.name)
			if p.form != "" {
				text.WriteString(":" + p.form)
			}
			text.WriteString("}")
		}
	}
	return text.String()
}

func FuzzCut(f *testing.F) {
	for _, text := range []string{"", "{n} c {t:date}{d.e}", "{{}}", "{n:}", "a}b", "{N}", "{relay:the}، {x}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pieces, err := cut(text)
		if err == nil && written(pieces) != text {
			t.Fatalf("%q was cut to %q", text, written(pieces))
		}
		if plain := !strings.ContainsAny(text, "{}"); plain && err != nil {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

func FuzzCatalogue(f *testing.F) {
	f.Add("[a]\nb = \"{n} c {t:date}{d.e}\"\n")
	f.Add("[a]\nb.one = \"x\"\nb.other = \"{n}\"\n")
	f.Add("a = \"{{}}\"")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCatalogue("ar", []byte(text))
		if err != nil {
			return
		}
		for key, m := range c.byKey {
			if m.forms[c.choose(m, 3)] == nil || len(m.forms) > 1 && m.count == "" {
				t.Fatalf("%q: no form for a number", key)
			}
		}
	})
}
