package decode

import (
	"cmp"
	"image"
	"slices"

	"consigne/cards"
)

// Image returns the cards seen in a picture, each once, in reading order: row
// by row, from the left. It sees none in a picture of nothing.
func Image(img image.Image) []cards.Card { return find(grey(img)) }

// sighting is a card and where it lies.
type sighting struct {
	card cards.Card
	box  image.Rectangle
}

// find looks at a picture pass by pass, and takes together what the passes see:
// on a page of ten, each may miss another one. A pass that sees cards and none
// that is new is the last.
func find(p *plane) []cards.Card {
	s := newScanner()
	defer s.close()
	var seen []sighting
	for _, pass := range passes {
		shown, scale := pass(p)
		before, again := len(seen), false
		for _, sym := range s.scan(shown) {
			card, err := cards.Parse(sym.text)
			switch {
			case err != nil || card.Text() != sym.text:
			case slices.ContainsFunc(seen, func(s sighting) bool { return s.card.Equal(card) }):
				again = true
			default:
				seen = append(seen, sighting{card, image.Rectangle{Min: sym.box.Min.Mul(scale), Max: sym.box.Max.Mul(scale)}})
			}
		}
		if again && len(seen) == before {
			break
		}
	}
	return inOrder(seen)
}

// inOrder sorts by rows. A code belongs to a row while it begins above the
// middle of the row's first: a page scanned a little askew keeps its order.
func inOrder(seen []sighting) []cards.Card {
	slices.SortStableFunc(seen, func(a, b sighting) int { return cmp.Compare(a.box.Min.Y, b.box.Min.Y) })
	for start := 0; start < len(seen); {
		first := seen[start].box
		end := start + 1
		for end < len(seen) && seen[end].box.Min.Y < first.Min.Y+first.Dy()/2 {
			end++
		}
		slices.SortStableFunc(seen[start:end], func(a, b sighting) int { return cmp.Compare(a.box.Min.X, b.box.Min.X) })
		start = end
	}
	var found []cards.Card
	for _, s := range seen {
		found = append(found, s.card)
	}
	return found
}
