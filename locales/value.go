package locales

import (
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// mostNumber is the last number said exactly; above it stands "more than a
// hundred", whose plural form is that of 101.
const mostNumber = 100

// bounded brings a count into what can be said.
func bounded(n int) int {
	if n < 0 {
		return 0
	}
	return min(n, mostNumber+1)
}

// value fills a plain place with its argument.
func (l *Locale) value(key string, p piece, args Args) []part {
	switch v := args[p.name].(type) {
	case int:
		return l.number(v, p.form)
	case time.Time:
		return l.moment(v, p)
	case Kind:
		form := p.form
		if form == "" {
			form = "name"
		}
		parts, _ := l.find("kind."+string(v)+"."+form, nil)
		return parts
	case Own:
		return l.own(v, p.form)
	case Phone:
		return l.phone(v)
	case Sentence:
		return []part{{text: v.Caption, clips: v.Clips}}
	case string:
		return []part{{text: v}}
	}
	slog.Error("locales: no value for a place", "lang", l.Tag(), "key", key, "place", p.name)
	return nil
}

func (l *Locale) number(n int, form string) []part {
	n = bounded(n)
	if form == "d" {
		said := l.closed("number.m", n)
		if n <= mostNumber {
			said.text = strconv.Itoa(n)
		}
		return []part{said}
	}
	if form == "" {
		form = "m"
	}
	return []part{l.closed("number."+form, n)}
}

// closed is one value of a closed list: what is shown, and its clip.
func (l *Locale) closed(list string, i int) part {
	values := l.language.Values[list]
	if i < 0 || i >= len(values) {
		slog.Error("locales: no such value", "lang", l.Tag(), "list", list)
		return part{}
	}
	if list == "number.f" && values[i] == l.language.Values["number.m"][i] {
		list = "number.m"
	}
	shown, _ := split(values[i])
	return part{text: l.language.shown(shown), clips: []string{l.Tag() + "/" + list + "." + strconv.Itoa(i+l.language.first(list))}}
}

// split parts "shown|said".
func split(value string) (shown, said string) {
	shown, said, ok := strings.Cut(value, "|")
	if !ok {
		said = shown
	}
	return shown, said
}

// moment fills a place with a time, in the time's own zone. The calendar is
// Gregorian and the digits Latin in every language.
func (l *Locale) moment(t time.Time, p piece) []part {
	switch p.form {
	case "weekday":
		return []part{l.closed("weekday", int(t.Weekday()))}
	case "monthday":
		return []part{l.closed("monthday", t.Day()-1)}
	case "month":
		return []part{l.closed("month", int(t.Month())-1)}
	case "hour":
		return []part{l.closed("hour", t.Hour())}
	case "minute":
		return []part{l.closed("minute", t.Minute())}
	case "year":
		return l.year(t.Year())
	case "short":
		return []part{{text: t.Format("15:04")}}
	case "date", "long", "time":
		form := p.form
		if form == "time" && t.Minute() == 0 {
			form = "hour"
		}
		return l.expand("when."+form, Args{"t": t})
	}
	slog.Error("locales: no such form of a time", "lang", l.Tag(), "form", p.form)
	return nil
}

func (l *Locale) year(year int) []part {
	if i := year - l.language.FirstYear; i >= 0 && i < len(l.language.Values["year"]) {
		return []part{l.closed("year", i)}
	}
	return l.digits(strconv.Itoa(year))
}

func (l *Locale) digits(text string) []part {
	var parts []part
	for _, r := range text {
		if r >= '0' && r <= '9' {
			parts = append(parts, l.closed("digit", int(r-'0')))
		}
	}
	return parts
}

// phone says a number in pairs from its end, with a pause between them. A French
// number is written as it is dialled in France and in the overseas departments.
func (l *Locale) phone(number Phone) []part {
	digits := national(string(number))
	var parts []part
	begin, end := l.isolate(isolateNumber)
	for i := range digits {
		if i > 0 && (len(digits)-i)%2 == 0 {
			parts = append(parts, part{text: " ", clips: []string{pauseClip}})
		}
		parts = append(parts, l.digits(digits[i:i+1])...)
	}
	if len(parts) > 0 {
		parts[0].text = begin + parts[0].text
		parts[len(parts)-1].text += end
	}
	return parts
}

// The signs between which a number's pairs, or a name in other letters, keep
// their own order in a line that runs from the right (Unicode Standard Annex 9).
const (
	isolateNumber = "\u2066" // left to right
	isolateName   = "\u2068" // as its first letter runs
	isolateEnd    = "\u2069"
)

// isolate fences text off where the language runs from the right.
func (l *Locale) isolate(open string) (begin, end string) {
	if l.Dir() != "rtl" {
		return "", ""
	}
	return open, isolateEnd
}

// frenchPrefixes are the countries of the French numbering plan (Arcep): all
// dial 0 and nine digits within.
var frenchPrefixes = []string{"33", "262", "508", "590", "594", "596"}

func national(number string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
	if !strings.HasPrefix(strings.TrimSpace(number), "+") {
		return digits
	}
	for _, prefix := range frenchPrefixes {
		if rest, ok := strings.CutPrefix(digits, prefix); ok && len(rest) == 9 {
			return "0" + rest
		}
	}
	return digits
}

// own puts the language's little word before a proper name.
func (l *Locale) own(v Own, form string) []part {
	begin, end := l.isolate(isolateName)
	name := part{text: begin + v.Text + end}
	if v.Clip != "" {
		name.clips = []string{v.Clip}
	}
	if form == "" {
		return []part{name}
	}
	word := l.language.form(v.Text, form)
	if word == "" {
		return []part{name}
	}
	shown, _ := split(word)
	return []part{{text: l.language.shown(shown), clips: []string{l.wordClip(form, word)}}, name}
}

// Number says a count by itself.
func (l *Locale) Number(n int) Sentence { return l.sentence(l.number(n, "")) }

// Date says weekday, day and month: "jeudi 26 novembre".
func (l *Locale) Date(t time.Time) Sentence { return l.Say("when.date", Args{"t": t}) }

// Day says the weekday alone.
func (l *Locale) Day(t time.Time) Sentence {
	return l.sentence([]part{l.closed("weekday", int(t.Weekday()))})
}

// Time says the hour and minute of t in its own zone.
func (l *Locale) Time(t time.Time) Sentence {
	return l.sentence(l.moment(t, piece{form: "time"}))
}

// Nights says how far away a day is: "aujourd'hui", "demain", "dans trois nuits".
func (l *Locale) Nights(n int) Sentence { return l.Say("when.nights", Args{"n": n}) }

func (l *Locale) sentence(parts []part) Sentence {
	s := Sentence{Caption: caption(parts)}
	for _, p := range parts {
		s.Clips = append(s.Clips, p.clips...)
	}
	return s
}
