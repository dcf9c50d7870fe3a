package queue

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// regions are where a number written without its country may belong: France,
// then the overseas departments and collectivities.
var regions = []string{"FR", "GP", "MQ", "GF", "RE", "YT", "PM"}

// ParseNumber reads a phone number as people write it and returns it in E.164.
// One without a country is read as French, of the mainland or overseas. The error
// is a [*Refused]: for what is no number, with letters or too short, for numbers
// that cost whoever writes to them, and for fixed lines, on which nobody reads.
func ParseNumber(text string) (e164 string, err error) {
	text = strings.TrimSpace(text)
	if frenchMobile(text) {
		return text, nil
	}
	return readNumber(text)
}

// frenchMobile knows the numbers that nearly all messages go to where they stand
// in E.164 already. [readNumber] gives back all of these as they are, which takes
// it a sixth of a millisecond each.
func frenchMobile(text string) bool {
	if len(text) != len("+33612345678") || text[:3] != "+33" || text[3] != '6' && text[3] != '7' {
		return false
	}
	return strings.Trim(text[4:], "0123456789") == ""
}

func readNumber(text string) (e164 string, err error) {
	// The library would read letters as a keypad and drop what follows "ext.".
	if strings.Trim(text, "+0123456789 .-()/\u00a0\u202f") != "" {
		return "", refuse(ReasonNumber)
	}
	n, ok := parse(spaces.Replace(text))
	if !ok {
		return "", refuse(ReasonNumber)
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST:
		return "", refuse(ReasonPremium)
	case phonenumbers.FIXED_LINE:
		return "", refuse(ReasonFixed)
	}
	switch {
	case frenchFixed(n):
		return "", refuse(ReasonFixed)
	case nowhere(n):
		return "", refuse(ReasonPremium)
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}

// spaces brings French typography to what the library knows.
var spaces = strings.NewReplacer("\u00a0", " ", "\u202f", " ")

// parse takes the first region in which the number is valid, else the first in
// which it may be one.
func parse(text string) (number *phonenumbers.PhoneNumber, ok bool) {
	for _, region := range regions {
		n, err := phonenumbers.Parse(text, region)
		if err != nil {
			continue
		}
		if phonenumbers.IsValidNumber(n) {
			return n, true
		}
		if number == nil && mayBe(n) {
			number = n
		}
	}
	return number, number != nil
}

// mayBe takes possible numbers, not only valid ones: the library calls the
// numbers kept for fiction, and ranges newer than itself, invalid, and the
// carrier has the last word. A zero too many is a slip of the hand.
func mayBe(n *phonenumbers.PhoneNumber) bool {
	return phonenumbers.IsPossibleNumber(n) && !n.GetItalianLeadingZero() && n.GetNationalNumber() != 0
}

// nowhere tells the numbers of no country: satellites and worldwide services (ITU-T
// E.164, lists of assigned codes), which cost whoever writes to them.
func nowhere(n *phonenumbers.PhoneNumber) bool {
	return slices.Contains([]int32{808, 870, 878, 881, 882, 883, 888, 979}, n.GetCountryCode())
}

// frenchFixed tells the fixed lines of the mainland's numbering plan, 01 to 05, and
// the services that begin with 08 (Arcep), also where the library calls the number invalid: those kept for
// fiction, and ranges newer than itself.
func frenchFixed(n *phonenumbers.PhoneNumber) bool {
	region := n.GetNationalNumber() / 100_000_000
	return n.GetCountryCode() == 33 && (1 <= region && region <= 5 || region == 8)
}
