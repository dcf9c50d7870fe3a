package queue

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"consigne/internal/seal"
	"consigne/locales"
)

// A Kind says what a message is for.
type Kind string

// The kinds of a message.
const (
	Reminder Kind = "reminder"
	Link     Kind = "link"
	Notice   Kind = "notice"
)

// A Message is what a caller hands over. The text is sent as it is: folding and
// quiet hours are the caller's. It prints as its id alone.
type Message struct {
	ID       string    // 1 to 64 of A–Z a–z 0–9 . _ : -, unique for ever
	NumberID string    // from [Sender.Number]; empty with [Sender.EnqueueTo]
	Text     string    // UTF-8, at most [MaxSegments]
	Due      time.Time // not before
	Expires  time.Time // not at or after; later than Due
	Kind     Kind
	Linked   bool // its text bears a link, as that of every Link does: not for a number that may be somebody else's
}

// String tells the message's id and nothing that is said in it.
func (m Message) String() string { return "message " + m.ID }

// Format keeps text and number from every verb of package fmt.
func (m Message) Format(f fmt.State, _ rune) { fmt.Fprint(f, m.String()) }

func (m Message) linked() bool { return m.Linked || m.Kind == Link }

// MaxSegments is the longest text in segments: carriers cut or refuse more than
// 1,600 letters, and whoever needs more than ten has something else to say.
const MaxSegments = 10

const maxID = 64

// A Reason says in one word why a message was refused.
type Reason string

// Why a message may be refused.
const (
	ReasonID      Reason = "bad-id"
	ReasonKind    Reason = "bad-kind"
	ReasonText    Reason = "no-text"
	ReasonUTF8    Reason = "bad-utf8"
	ReasonLong    Reason = "text-too-long"
	ReasonExpires Reason = "due-after-expires"
	ReasonNumber  Reason = "bad-number"
	ReasonPremium Reason = "premium-number"
	ReasonFixed   Reason = "fixed-line"
)

// Refused is the error for a message that can never be sent as it stands.
type Refused struct{ Reason Reason }

func (e *Refused) Error() string { return "message refused: " + string(e.Reason) }

func refuse(r Reason) error { return &Refused{Reason: r} }

// ErrNoNumber is returned for a number row that is not there (any more).
var ErrNoNumber = errors.New("no such number row")

// Check tells whether the message can be queued, and its segments. The error is
// a [*Refused].
func (m Message) Check() (segments int, err error) {
	if !ValidID(m.ID) {
		return 0, refuse(ReasonID)
	}
	switch m.Kind {
	case Reminder, Link, Notice:
	default:
		return 0, refuse(ReasonKind)
	}
	if !m.Due.Before(m.Expires) {
		return 0, refuse(ReasonExpires)
	}
	return checkText(m.Text)
}

func checkText(text string) (segments int, err error) {
	if strings.TrimSpace(text) == "" {
		return 0, refuse(ReasonText)
	}
	if !utf8.ValidString(text) {
		return 0, refuse(ReasonUTF8)
	}
	_, _, segments = locales.Segments(text)
	if segments > MaxSegments {
		return 0, refuse(ReasonLong)
	}
	return segments, nil
}

// ValidID tells whether an id may be taken: 1 to 64 of A–Z a–z 0–9 . _ : and -.
func ValidID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for _, c := range []byte(id) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '.' && c != '_' && c != ':' && c != '-' {
			return false
		}
	}
	return true
}

// The places of what is sealed to smsd.
func senderPlace(id string) seal.Place {
	return seal.Place{Table: "sender_key", Row: id, Column: "sealed", Reader: "smsd"}
}

func numberPlace(id string) seal.Place {
	return seal.Place{Table: "number", Row: id, Column: "sealed", Reader: "smsd"}
}

func textPlace(id string) seal.Place {
	return seal.Place{Table: "message", Row: id, Column: "text", Reader: "smsd"}
}
