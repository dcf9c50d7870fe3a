// Package cards says what a card is: a random secret, the letters that spell
// it, and the mark by which its holder knows it.
//
// A card is 33 letters out of [Alphabet]:
//
//	B  KXNDTREGUHLSOPVCIFJBXTLKENDRGH  CJ
//	|  |                               check letters
//	|  secret
//	version
//
// [New] draws a fresh one. [Parse] reads one back, from a QR code, from a
// scanner that types, or from a person's fingers, and says through its error
// whether what it saw was no card at all or a card with a letter wrong:
//
//	card, err := cards.Parse(line)
//	switch {
//	case errors.Is(err, cards.ErrLetter):  // a card, misread: once more, please
//	case errors.Is(err, cards.ErrNotCard): // a web address, a bus ticket, half a card
//	case err != nil:                       // a card of a later version
//	}
//
// Whoever holds the letters holds the card, so a [Card] never prints itself:
// fmt, slog and encoders get "[card]". Only [Card.Text] and [Card.Secret] let
// the letters out, and a search for these two names finds every place that
// could leak one. The card says nothing about its holder: it is drawn at
// random, printed as stock, and bound to a person only when they show it.
//
// [Card.Mark] is the picture on a colour printed on its face. It follows from
// the secret, and gives away less than eight of its 129 bits.
//
// What this package fixes (alphabet, check, pictures and their order) lies on
// printed cards in people's pockets. It may be added to under a new version
// letter, and never changed.
package cards
