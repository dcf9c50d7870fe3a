package queue

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// homeRegion reads numbers that are written without a country.
const homeRegion = "FR"

// ParseNumber reads a phone number as people write it and returns it in E.164.
// One without a country is read as French. The error is a [*Refused]: for what
// is no number, with letters or too short, and for numbers that cost whoever
// writes to them.
func ParseNumber(text string) (e164 string, err error) {
	text = strings.TrimSpace(text)
	// The library would read letters as a keypad and drop what follows "ext.".
	if strings.Trim(text, "+0123456789 .-()/\u00a0\u202f") != "" {
		return "", refuse(ReasonNumber)
	}
	n, err := phonenumbers.Parse(text, homeRegion)
	// Possible, not valid: the library calls the numbers kept for fiction, and
	// ranges newer than itself, invalid. The carrier has the last word.
	if err != nil || !phonenumbers.IsPossibleNumber(n) {
		return "", refuse(ReasonNumber)
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST:
		return "", refuse(ReasonPremium)
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}
