package locales

import "unicode/utf16"

// Encoding is how an SMS goes over the air.
type Encoding string

// The two encodings of 3GPP TS 23.038.
const (
	GSM7 Encoding = "GSM-7"
	UCS2 Encoding = "UCS-2"
)

// gsmBasic is the default alphabet of 3GPP TS 23.038, 6.2.1, in code order; the
// escape (1B) stands at its place as a sign that no text holds.
const gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

// gsmExtended holds the signs of the extension table (6.2.1.1); each takes two
// units, the escape and itself.
const gsmExtended = "\f^{}\\[~]|€"

var gsmUnits = func() map[rune]int {
	units := map[rune]int{}
	for _, r := range gsmBasic {
		units[r] = 1
	}
	for _, r := range gsmExtended {
		units[r] = 2
	}
	delete(units, '\x1b')
	return units
}()

// OutsideGSM returns the first letter of text that GSM-7 lacks, false if the
// whole text fits.
func OutsideGSM(text string) (rune, bool) {
	for _, r := range text {
		if gsmUnits[r] == 0 {
			return r, true
		}
	}
	return 0, false
}

// Segments counts a text as carriers bill it: septets or UTF-16 units, and
// messages. One message holds 160 or 70 units; of several, each gives six bytes
// to the joining header and holds 153 or 67, and none is cut within an escape
// pair or a surrogate pair (3GPP TS 23.040, 9.2.3.24.1). An empty text is one
// segment of no units.
func Segments(text string) (encoding Encoding, units, segments int) {
	encoding, single, joined := GSM7, 160, 153
	width := func(r rune) int { return gsmUnits[r] }
	if _, outside := OutsideGSM(text); outside {
		encoding, single, joined = UCS2, 70, 67
		width = func(r rune) int { return max(1, utf16.RuneLen(r)) }
	}
	segments, room := 1, joined
	for _, r := range text {
		w := width(r)
		units += w
		if room < w {
			segments, room = segments+1, joined
		}
		room -= w
	}
	if units <= single {
		segments = 1
	}
	return encoding, units, segments
}
