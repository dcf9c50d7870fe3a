package locales

import (
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Args are what the places of a message take:
//
//	int        a number in words, {n:f} for a feminine noun, {n:d} in digits
//	time.Time  {t:date} {t:time} {t:long} {t:weekday} {t:short}, in its own zone
//	Kind       a kind of paper: {paper}, {paper:your}, {paper:show}
//	Own        a proper name with a clip of its own: {relay}, {place:at}
//	Phone      a telephone number, said digit by digit
//	Sentence   something already said
//	string     words that nobody says; for [Locale.Text] and [SMS] only
type Args map[string]any

// Kind is a kind of paper, one of [PaperKinds].
type Kind string

// Own is a proper name, such as a relay's: what is shown, and the clip that
// the caller made with [Synthesize] and can find again by Clip ("relay/ID").
type Own struct{ Text, Clip string }

// Phone is a telephone number to be shown and said in pairs of digits.
type Phone string

// Sentence is what is said and shown: Caption is word for word what Clips say.
// Clips are names for [Clip] and [Join], or of [Own] names, in order.
type Sentence struct {
	Caption string
	Clips   []string
}

// part is a stretch of a sentence: its words and the clips that say them.
type part struct {
	text  string
	clips []string
}

// logMissing tells the operator that French stands in. Keys and tags are no
// secrets; arguments are never logged.
func logMissing(tag, key string) {
	slog.Warn("locales: not in this language, French stands in", "lang", tag, "key", key)
}

// Text returns the words of a message, without a voice. A key that the language
// lacks is answered in French and logged; one that French lacks too is logged
// and answered by its own name.
func (l *Locale) Text(key string, args Args) string {
	parts, _ := l.find(key, args)
	return caption(parts)
}

// Say returns a message as caption and clips. Where the language lacks the
// message, caption and clips are French and it is logged; where it has no voice,
// the clips alone are French.
func (l *Locale) Say(key string, args Args) Sentence {
	parts, by := l.find(key, args)
	s := Sentence{Caption: caption(parts)}
	if !by.HasVoice() {
		parts, by = Must(Fallback).find(key, args)
	}
	for _, p := range parts {
		if len(p.clips) == 0 && sounds(p.text) {
			slog.Error("locales: words without a clip", "lang", by.Tag(), "key", key)
		}
		s.Clips = append(s.Clips, p.clips...)
	}
	return s
}

// find expands a message, in French if need be, and tells in which language.
func (l *Locale) find(key string, args Args) ([]part, *Locale) {
	if l.messages.byKey[key] != nil {
		return l.expand(key, args), l
	}
	logMissing(l.Tag(), key)
	french := Must(Fallback)
	if french.messages.byKey[key] == nil {
		slog.Error("locales: no such message", "key", key)
		return []part{{text: key}}, french
	}
	return french.expand(key, args), french
}

// expand turns a message into parts. Messages cannot hold each other in a ring:
// a test walks all of them.
func (l *Locale) expand(key string, args Args) []part {
	m := l.messages.byKey[key]
	form := "other"
	if m.count != "" {
		if n, ok := args[m.count].(int); ok {
			form = l.messages.choose(m, n)
		}
	}
	var parts []part
	voiced := 0
	for _, p := range m.forms[form] {
		if p.name != "" {
			parts = append(parts, l.place(m, p, args)...)
			continue
		}
		fixed := part{text: l.language.shown(p.fixed)}
		if speaks(p.fixed) {
			fixed.clips = []string{l.Tag() + "/" + fragmentName(m, form, voiced)}
			voiced++
		} else if sounds(p.fixed) {
			fixed.clips = []string{pauseClip}
		}
		parts = append(parts, fixed)
	}
	return parts
}

// place fills one place of a message. A nested message that counts nothing is
// left out, unless French has words for none: "aujourd'hui" is zero nights away,
// but nothing is said of no expired paper.
func (l *Locale) place(m *message, p piece, args Args) []part {
	if !p.nested() {
		return l.value(m.key, p, args)
	}
	inner := l.messages.byKey[p.name]
	if inner == nil {
		parts, _ := l.find(p.name, args)
		return parts
	}
	if inner.count != "" {
		n, _ := args[inner.count].(int)
		if n == 0 && Must(Fallback).messages.byKey[p.name].forms["zero"] == nil {
			return nil
		}
	}
	return l.expand(p.name, args)
}

// caption joins the words, closes the gaps that left-out places leave and
// begins each sentence with a capital where the script has them.
func caption(parts []part) string {
	var words strings.Builder
	for _, p := range parts {
		words.WriteString(p.text)
	}
	text := strings.Join(strings.Fields(words.String()), " ")
	return capitals(text)
}

func capitals(text string) string {
	var out strings.Builder
	begin := true
	var last rune
	for _, r := range text {
		if begin && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			r, begin = unicode.ToTitle(r), false
		}
		if r == ' ' && strings.ContainsRune(".?!؟", last) {
			begin = true
		}
		out.WriteRune(r)
		last = r
	}
	return out.String()
}

// speaks tells whether a text holds anything to say, sounds whether it holds at
// least a mark at which a reader would pause.
func speaks(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) >= 0
}

func sounds(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return !unicode.IsSpace(r) && r != utf8.RuneError }) >= 0
}
