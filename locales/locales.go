// Package locales holds everything that Consigne shows, says, sends and draws
// for the people who use it: messages with their plural forms, dates, SMS
// texts, voice clips and pictures.
//
// A language is two files: languages/TAG.toml says how it is written, counted,
// folded and spoken; messages/TAG.toml holds its sentences. Nothing in the code
// names a language other than French, the only fall-back.
//
// Call [Get] with an exact tag, then [Locale.Text] for words without a voice
// and [Locale.Say] for words with one. Both take their words from the same
// message, so that what is heard is what can be read.
package locales

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
	"sync"
)

//go:embed languages/*.toml messages/*.toml
var catalogueFiles embed.FS

// Fallback is the tag of the only language that stands in for a missing
// message or voice.
const Fallback = "fr"

// Locale is one language: immutable, safe for use by many goroutines.
type Locale struct {
	language language
	messages *catalogue
}

var loaded = sync.OnceValue(func() *set {
	s, err := load(catalogueFiles)
	if err != nil {
		panic("locales: " + err.Error())
	}
	return s
})

type set struct {
	byTag   map[string]*Locale
	tags    []string
	answers map[string]Meaning
}

// load reads every language. It fails at the first file that is not complete:
// a half language must stop the build's tests, not a person at a screen.
func load(files fs.FS) (*set, error) {
	entries, err := fs.ReadDir(files, "languages")
	if err != nil {
		return nil, err
	}
	s := &set{byTag: map[string]*Locale{}}
	for _, e := range entries {
		tag := strings.TrimSuffix(e.Name(), ".toml")
		l, err := loadOne(files, tag)
		if err != nil {
			return nil, err
		}
		s.byTag[tag] = l
		s.tags = append(s.tags, tag)
	}
	if s.byTag[Fallback] == nil {
		return nil, fmt.Errorf("language %s: missing", Fallback)
	}
	sort.Slice(s.tags, func(i, j int) bool {
		a, b := s.byTag[s.tags[i]].language, s.byTag[s.tags[j]].language
		if a.Order != b.Order {
			return a.Order < b.Order
		}
		return a.Tag < b.Tag
	})
	return s, s.collect()
}

func loadOne(files fs.FS, tag string) (*Locale, error) {
	lang, err := readLanguage(files, tag)
	if err != nil {
		return nil, fmt.Errorf("language %s: %w", tag, err)
	}
	messages, err := readCatalogue(files, tag)
	if err != nil {
		return nil, fmt.Errorf("messages %s: %w", tag, err)
	}
	return &Locale{language: lang, messages: messages}, nil
}

func messageFile(tag string) string { return path.Join("messages", tag+".toml") }

// Tags lists the BCP 47 tags of all languages, French first, in the order in
// which the rest screen offers them.
func Tags() []string { return append([]string(nil), loaded().tags...) }

// Get returns the language with exactly this tag. No tag is guessed from
// another: a near language is another language.
func Get(tag string) (*Locale, bool) {
	l, ok := loaded().byTag[tag]
	return l, ok
}

// Must returns the language with exactly this tag, or French. Use it for a tag
// that was checked with [Get] when it was stored.
func Must(tag string) *Locale {
	if l, ok := Get(tag); ok {
		return l
	}
	logMissing(tag, "language")
	return loaded().byTag[Fallback]
}

// Tag is the BCP 47 tag, fit for a lang attribute.
func (l *Locale) Tag() string { return l.language.Tag }

// Name is the language's name in itself, as its button shows it.
func (l *Locale) Name() string { return l.language.Name }

// Dir is "ltr" or "rtl", fit for a dir attribute.
func (l *Locale) Dir() string { return l.language.Dir }

// Script is the ISO 15924 code of the script, such as "Latn" or "Arab".
func (l *Locale) Script() string { return l.language.Script }

// HasVoice tells whether a machine speaks this language here; false means that
// the French voice stands in, which the page has to show by a sign.
func (l *Locale) HasVoice() bool { return l.language.Voice.Engine != "" }

// Keys lists all message keys, sorted. They are the same in every language.
func Keys() []string { return loaded().byTag[Fallback].messages.keys() }
