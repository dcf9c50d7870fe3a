package sheet

import "strings"

// Numbers shorter or longer than this are no telephone number anywhere
// (ITU-T E.164 allows 15 digits; short codes begin at 3, or 4 as 3949).
const minDigits, maxDigits = 3, 15

// french holds the country codes behind which nine digits follow that French
// people write as ten in pairs, with a leading zero: mainland and overseas.
var french = []string{"+33", "+262", "+590", "+594", "+596"}

// spell writes a number as it is read aloud in France: "+33465712042" as
// "04 65 71 20 42". Foreign numbers keep their plus and get spaces; one that
// already has spaces keeps them. Error: ErrPhone.
func spell(phone string) (string, error) {
	number := strings.TrimSpace(strings.Map(separator, phone))
	number = strings.Join(strings.Fields(number), " ")
	digits := strings.ReplaceAll(number, " ", "")
	bare := strings.TrimPrefix(digits, "+")
	if len(bare) < minDigits || len(bare) > maxDigits || strings.Trim(bare, "0123456789") != "" {
		return "", ErrPhone
	}
	for _, code := range french {
		if rest, ok := strings.CutPrefix(digits, code); ok && len(rest) == 9 {
			return pairs("0" + rest), nil
		}
	}
	switch {
	case strings.Contains(number, " "):
		return number, nil
	case len(digits) == 10 && digits[0] == '0':
		return pairs(digits), nil
	case bare != digits: // the country code's length is not told by its digits
		return "+" + strings.TrimSpace(pairs(bare)), nil
	}
	return digits, nil
}

// CheckPhone tells whether a number can stand on a card. Error: ErrPhone.
func CheckPhone(phone string) error {
	_, err := spell(phone)
	return err
}

// separator turns what stands between digits into spaces.
func separator(r rune) rune {
	switch r {
	case '.', '-', '/', '(', ')', '\t', '\u00a0', '\u202f':
		return ' '
	}
	return r
}

// pairs puts a space before every second digit, counted from the end.
func pairs(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%2 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(d)
	}
	return b.String()
}
