package cards_test

import (
	"errors"
	"fmt"

	"consigne/cards"
)

func ExampleParse() {
	for _, line := range []string{
		"bkx ndt reg uhl sop vci fjb xtl ken drg hcj",
		"BKX NDT REG UHL SOP VCI FJB XTL KEN DGR HCJ",
		"BKX NDT REG UHL",
		"WIFI:S:Accueil;T:WPA;P:bonjour;;",
	} {
		card, err := cards.Parse(line)
		switch {
		case errors.Is(err, cards.ErrLetter):
			fmt.Println("a card, misread")
		case errors.Is(err, cards.ErrShort):
			fmt.Println("half a card")
		case errors.Is(err, cards.ErrNotCard):
			fmt.Println("no card")
		case err != nil:
			fmt.Println("a card from the future")
		default:
			fmt.Println(card, card.Mark())
		}
	}
	// Output:
	// [card] mushroom/CDEBDD
	// a card, misread
	// half a card
	// no card
}
