package locales

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	textlanguage "golang.org/x/text/language"
)

// language is one file of languages/. Lists of values hold what is shown and,
// after a bar, what is said where the two differ: "26|vingt-six".
type language struct {
	Tag    string
	Name   string
	Script string
	Dir    string
	Order  int
	// Unshown lists marks that the voice needs and the eye does not, such as
	// the short vowels of Arabic: texts are written with them, shown without.
	Unshown string
	Fold    map[string]string
	Voice   voice
	Values  map[string][]string
	Names   []nameRule
	Answers answers // the words by which an SMS is answered
	// FirstYear is the first of Values["year"].
	FirstYear int `toml:"first_year"`
}

// voice says how the synthetic voice is made. An empty engine means that no
// engine speaks the language: the French clips stand in.
type voice struct {
	Engine string
	Name   string
	Speed  int // words a minute
	Pitch  int // 0 to 99
	Gap    int // pause between words, in steps of 10 ms
	// Respell lists patterns (RE2) and what the engine is given instead, in
	// order: what it would otherwise say wrongly.
	Respell [][2]string
}

// respelled is what the engine is given to read.
func (v voice) respelled(words string) string {
	for _, r := range v.Respell {
		words = regexp.MustCompile(r[0]).ReplaceAllString(words, r[1])
	}
	return words
}

// nameRule tells which little word goes before a proper name, by the name's
// first word: "le CCAS", "au CCAS".
type nameRule struct {
	First []string
	Forms map[string]string
}

// valueSizes are the closed lists that every language has, with their lengths.
// number.m and number.f end with one entry for "more than a hundred".
var valueSizes = map[string]int{
	"number.m": 102, "number.f": 102, "digit": 10, "weekday": 7, "month": 12,
	"monthday": 31, "hour": 24, "minute": 60, "year": 40,
}

// first is the number of a list's first entry, as clips are named: month.1 is
// January, year.2026 that year.
func (g *language) first(list string) int {
	switch list {
	case "month", "monthday":
		return 1
	case "year":
		return g.FirstYear
	}
	return 0
}

func readLanguage(files fs.FS, tag string) (language, error) {
	var lang language
	text, err := fs.ReadFile(files, "languages/"+tag+".toml")
	if err != nil {
		return lang, err
	}
	meta, err := toml.Decode(string(text), &lang)
	if err != nil {
		return lang, err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return lang, fmt.Errorf("unknown setting %q", unknown[0])
	}
	return lang, lang.check(tag)
}

func (g *language) check(tag string) error {
	if g.Tag != tag {
		return fmt.Errorf("tag %q: differs from the file's name", g.Tag)
	}
	if _, err := textlanguage.Parse(g.Tag); err != nil {
		return err
	}
	if g.Dir != "ltr" && g.Dir != "rtl" {
		return fmt.Errorf("dir %q: neither ltr nor rtl", g.Dir)
	}
	if g.Name == "" || g.Script == "" || g.FirstYear == 0 {
		return errors.New("name, script and first_year are needed")
	}
	if g.Voice.Engine != "" && g.Voice.Engine != "espeak-ng" {
		return fmt.Errorf("voice engine %q: not one that is known", g.Voice.Engine)
	}
	for _, r := range g.Voice.Respell {
		if _, err := regexp.Compile(r[0]); err != nil {
			return fmt.Errorf("voice respell: %w", err)
		}
	}
	for list, n := range valueSizes {
		if len(g.Values[list]) != n {
			return fmt.Errorf("values %s: %d entries, %d needed", list, len(g.Values[list]), n)
		}
	}
	for list := range g.Values {
		if valueSizes[list] == 0 {
			return fmt.Errorf("values %s: not a list that is used", list)
		}
	}
	if err := g.Answers.check(); err != nil {
		return err
	}
	for from := range g.Fold {
		if utf8.RuneCountInString(from) != 1 {
			return fmt.Errorf("fold %q: one letter is needed", from)
		}
	}
	return nil
}

// shown takes the marks away that only the voice needs.
func (g *language) shown(text string) string {
	if g.Unshown == "" {
		return text
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(g.Unshown, r) {
			return -1
		}
		return r
	}, text)
}

// form answers the little word that this language puts before a name.
func (g *language) form(name, form string) string {
	first := strings.ToLower(name)
	if i := strings.IndexAny(first, " -’'"); i >= 0 {
		first = first[:i]
	}
	var fallback string
	for _, rule := range g.Names {
		for _, word := range rule.First {
			if word == first {
				return rule.Forms[form]
			}
			if word == "" {
				fallback = rule.Forms[form]
			}
		}
	}
	return fallback
}
