package plan

import (
	"time"

	"consigne/locales"
)

// A Note is what a reminder has to say, and to whom.
type Note struct {
	Language string
	Kind     Kind
	Start    time.Time // of the appointment, in its own zone
	Due      time.Time // when it leaves
	Place    string    // in the words that the desk chose
	Shared   bool      // others read there: day and hour only
	URL      string    // of a link by which one answers; empty where none is offered
	Replies  bool      // one can answer by SMS; then no link is offered
}

// longestURL is the longest address that leaves day and hour their room in every
// language; [TestText_LongestURL] holds it.
const longestURL = 96

// FitsURL tells whether a link's whole address leaves room for day and hour in one
// message of every language.
func FitsURL(url string) bool {
	_, outside := locales.OutsideGSM(url)
	return len(url) <= longestURL && !outside
}

// Text says the richest that fits: one segment where the language is written in
// Latin letters, two elsewhere. First the words go that only help, then the place;
// day and hour never do. hasLink tells whether the link is in it: only where even
// day and hour leave it no room it is not.
func Text(n Note) (text string, hasLink bool) {
	for _, c := range n.candidates() {
		text = locales.SMS(n.Language, c.body, locales.Args{"t": n.Start, "place": n.Place})
		switch hasLink = false; c.tail {
		case tailNone:
		case tailURL: // bare: a sentence would begin with a capital
			text, hasLink = text+" "+n.URL, true
		default:
			text += " " + locales.SMS(n.Language, c.tail, locales.Args{"url": n.URL})
			hasLink = c.tail == tailLink
		}
		if fits(n.Language, text) {
			break
		}
	}
	return text, hasLink
}

// Paper is the text that brings a link to a paper.
func Paper(language, url string) string {
	args := locales.Args{"url": url}
	if text := locales.SMS(language, "link", args); fits(language, text) {
		return text
	}
	return url
}

// A candidate names the templates of what happens and of how to answer.
type candidate struct{ body, tail string }

const (
	tailNone  = ""
	tailLink  = "by_link"
	tailURL   = "url"
	tailWords = "by_sms"
	tailBrief = "by_sms_short"
)

// candidates lists what may be said, the richest first.
func (n Note) candidates() []candidate {
	if n.Shared {
		return []candidate{{"shared", tailNone}, {"bare", tailNone}}
	}
	long, brief := tailNone, tailNone
	switch {
	case n.Replies:
		long, brief = tailWords, tailBrief
	case n.URL != "":
		long, brief = tailLink, tailURL
	}
	out := []candidate{{"short", brief}, {"bare", brief}, {"bare", tailNone}}
	if n.relative() {
		out = append([]candidate{{string(n.Kind), long}}, out...)
	}
	return out
}

// relative tells whether "today" or "tomorrow" is true on the day of leaving. It
// is not where an evening's reminder leaves a night early, nor two hours before
// what begins just after midnight.
func (n Note) relative() bool {
	year, month, day := n.Due.In(n.Start.Location()).Date()
	if n.Kind == Evening {
		day++
	}
	noon := time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
	year, month, day = n.Start.Date()
	return noon.Equal(time.Date(year, month, day, 12, 0, 0, 0, time.UTC))
}

func fits(language, text string) bool {
	most := 2
	if locales.Must(language).Script() == "Latn" {
		most = 1
	}
	_, _, segments := locales.Segments(text)
	return segments <= most
}
