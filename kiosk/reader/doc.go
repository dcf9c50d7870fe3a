// Package reader understands the scanner that types: a cheap device which reads
// the square code of a card and sends it as key presses, as a keyboard would.
//
// Open opens it, Scan reads it and calls back for every code, Type plays it for
// demonstrations. A code ends with Enter, Tab or three tenths of a second of
// silence. What it means is one of three: a card, half of one, or something that
// never was a card (a web address, a Wi-Fi code).
//
// A card text is a secret: nothing here logs one or repeats it in an error.
package reader
