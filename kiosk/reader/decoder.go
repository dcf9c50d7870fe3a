package reader

import (
	"errors"

	"consigne/cards"
)

// Kind says what somebody held in front of the scanner.
type Kind int

// The three kinds of code.
const (
	NotCard Kind = iota + 1 // never was a card
	Unread                  // a piece of a card: wipe it, lay it flat, try again
	Card                    // a card, its check letters right
)

// Code is what the scanner read. Card is set for the kind Card only.
type Code struct {
	Kind Kind
	Card cards.Card
}

// longest is the number of signs after which a code is surely no card: a card
// has 33 letters, and as many again leaves room for separators.
const longest = 64

// decoder gathers key presses until a code ends.
type decoder struct {
	text []byte
	lost bool // the kernel or the pipe swallowed something in between
}

// feed takes one event and returns a code when the event ends one.
func (d *decoder) feed(e event) (Code, bool) {
	switch {
	case !e.plausible(), e.kind == evSyn && e.code == synDropped:
		d.lost = true
	case e.kind == evKey && e.value == pressed:
		return d.press(e.code)
	}
	return Code{}, false
}

func (d *decoder) press(key uint16) (Code, bool) {
	switch {
	case ends(key):
		return d.end()
	case modifier(key) || len(d.text) > longest:
		return Code{}, false
	}
	c, ok := sign(key)
	if !ok {
		c = '?' // a sign that no card has stands for every other key
	}
	d.text = append(d.text, c)
	return Code{}, false
}

// waiting tells whether a code has begun.
func (d *decoder) waiting() bool { return len(d.text) > 0 || d.lost }

// end closes the code, as Enter and silence do. Nothing typed is no code.
func (d *decoder) end() (Code, bool) {
	text, lost := d.text, d.lost
	defer clear(text)
	d.text, d.lost = nil, false
	switch {
	case len(text) == 0:
		return Code{}, false
	case lost:
		return Code{Kind: Unread}, true
	case len(text) > longest:
		return Code{Kind: NotCard}, true
	}
	card, err := cards.Parse(string(text))
	switch {
	case err == nil:
		return Code{Kind: Card, Card: card}, true
	case errors.Is(err, cards.ErrShort):
		return Code{Kind: Unread}, true
	}
	return Code{Kind: NotCard}, true
}
