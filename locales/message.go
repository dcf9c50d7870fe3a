package locales

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
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

// catalogue holds one language's messages: one go-i18n bundle, whose matcher
// therefore has nothing to guess.
type catalogue struct {
	tag       string
	localizer *i18n.Localizer
	byKey     map[string]*message
}

// message keeps the plural forms of a key, cut into pieces. A message without
// plural forms has "other" only.
type message struct {
	key   string
	forms map[string][]piece
	texts map[string]string
	// count is the argument that chooses the plural form, "" where none does:
	// the first plain place of the form "other".
	count string
}

func readCatalogue(tag string) (*catalogue, error) {
	text, err := messageFiles.ReadFile(messageFile(tag))
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
	c := &catalogue{tag: tag, localizer: i18n.NewLocalizer(bundle, tag), byKey: map[string]*message{}}
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
	msg := &message{key: m.ID, forms: map[string][]piece{}, texts: map[string]string{}}
	for form, text := range map[string]string{"zero": m.Zero, "one": m.One, "two": m.Two, "few": m.Few, "many": m.Many, "other": m.Other} {
		if text == "" {
			continue
		}
		pieces, err := cut(text)
		if err != nil {
			return nil, fmt.Errorf("message %s: %w", m.ID, err)
		}
		msg.forms[form], msg.texts[form] = pieces, text
	}
	if msg.forms["other"] == nil {
		return nil, fmt.Errorf("message %s: no text", m.ID)
	}
	if len(msg.forms) > 1 {
		for _, p := range msg.forms["other"] {
			if p.name != "" && !p.nested() {
				msg.count = p.name
				break
			}
		}
		if msg.count == "" {
			return nil, fmt.Errorf("message %s: plural forms, but no place in the form other", m.ID)
		}
	}
	return msg, nil
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
	if n == 0 && m.forms["zero"] != nil {
		return "zero"
	}
	text, err := c.localizer.Localize(&i18n.LocalizeConfig{
		MessageID: m.key, PluralCount: n, TemplateParser: template.IdentityParser{},
	})
	if err != nil {
		return "other"
	}
	for _, form := range []string{"one", "two", "few", "many", "other", "zero"} {
		if m.texts[form] == text {
			return form
		}
	}
	return "other"
}
