package locales

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	textlanguage "golang.org/x/text/language"
)

// A message is text with places: {n} takes an argument, {n:f} takes it in a
// form that the language needs, {papers.count} takes a whole other message.
var placePattern = regexp.MustCompile(`\{([a-z][a-z0-9_.]*)(?::([a-z]+))?\}`)

// piece is a stretch of fixed text, or a place.
type piece struct {
	fixed string
	name  string
	form  string
}

func (p piece) nested() bool { return strings.Contains(p.name, ".") }

// formNames is a message more in every bundle, whose forms are their own names:
// it tells which form go-i18n takes for a number.
var formNames = i18n.Message{ID: "plural form", Zero: "zero", One: "one", Two: "two", Few: "few", Many: "many", Other: "other"}

// catalogue holds one language's messages: one go-i18n bundle, whose matcher
// therefore has nothing to guess.
type catalogue struct {
	byKey map[string]*message
	// numbers holds the plural form of every number that can be said.
	numbers [mostNumber + 2]string
}

// message keeps the plural forms of a key, cut into pieces. A message without
// plural forms has "other" only.
type message struct {
	key   string
	forms map[string][]piece
	// count is the argument that chooses the plural form, "" where none does.
	count string
}

func readCatalogue(files fs.FS, tag string) (*catalogue, error) {
	text, err := fs.ReadFile(files, messageFile(tag))
	if err != nil {
		return nil, err
	}
	return parseCatalogue(tag, text)
}

func parseCatalogue(tag string, text []byte) (*catalogue, error) {
	t, err := textlanguage.Parse(tag)
	if err != nil {
		return nil, err
	}
	bundle := i18n.NewBundle(t)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	file, err := bundle.ParseMessageFileBytes(text, messageFile(tag))
	if err != nil {
		return nil, err
	}
	if err := bundle.AddMessages(t, &formNames); err != nil {
		return nil, err
	}
	c := &catalogue{byKey: map[string]*message{}}
	localizer := i18n.NewLocalizer(bundle, tag)
	for n := range c.numbers {
		if c.numbers[n], err = localizer.Localize(&i18n.LocalizeConfig{MessageID: formNames.ID, PluralCount: n}); err != nil {
			return nil, err
		}
	}
	for _, m := range file.Messages {
		msg, err := newMessage(m)
		if err != nil {
			return nil, err
		}
		c.byKey[m.ID] = msg
	}
	return c, nil
}

func newMessage(m *i18n.Message) (*message, error) {
	msg := &message{key: m.ID, forms: map[string][]piece{}}
	for form, text := range map[string]string{"zero": m.Zero, "one": m.One, "two": m.Two, "few": m.Few, "many": m.Many, "other": m.Other} {
		if text == "" {
			continue
		}
		pieces, err := cut(text)
		if err != nil {
			return nil, fmt.Errorf("message %s: %w", m.ID, err)
		}
		msg.forms[form] = pieces
	}
	if msg.forms["other"] == nil {
		return nil, fmt.Errorf("message %s: no text", m.ID)
	}
	if len(msg.forms) > 1 {
		if msg.count = counted(msg.forms["other"]); msg.count == "" {
			return nil, fmt.Errorf("message %s: plural forms, but no place in the form other", m.ID)
		}
	}
	return msg, nil
}

// counted answers which place of a form chooses the plural: {n} where there is
// one, else the first.
func counted(pieces []piece) string {
	var first string
	for _, p := range pieces {
		if p.name == "" || p.nested() {
			continue
		}
		if p.name == "n" {
			return "n"
		}
		if first == "" {
			first = p.name
		}
	}
	return first
}

// cut splits a text at its places.
func cut(text string) ([]piece, error) {
	var pieces []piece
	fixed := func(s string) error {
		if strings.ContainsAny(s, "{}") {
			return fmt.Errorf("stray brace in %q", s)
		}
		if s != "" {
			pieces = append(pieces, piece{fixed: s})
		}
		return nil
	}
	at := 0
	for _, m := range placePattern.FindAllStringSubmatchIndex(text, -1) {
		if err := fixed(text[at:m[0]]); err != nil {
			return nil, err
		}
		p := piece{name: text[m[2]:m[3]]}
		if m[4] >= 0 {
			p.form = text[m[4]:m[5]]
		}
		pieces = append(pieces, p)
		at = m[1]
	}
	return pieces, fixed(text[at:])
}

func (c *catalogue) keys() []string { return slices.Sorted(maps.Keys(c.byKey)) }

// choose answers the plural form for n, by the rules of the language. A form
// "zero" is taken for nothing at all even where the language's rules have none.
func (c *catalogue) choose(m *message, n int) (form string) {
	n = bounded(n)
	if n == 0 && m.forms["zero"] != nil {
		return "zero"
	}
	if form = c.numbers[n]; m.forms[form] == nil {
		return "other"
	}
	return form
}
